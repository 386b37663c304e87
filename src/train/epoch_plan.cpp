#include "train/epoch_plan.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "data/packing.h"
#include "data/samplers.h"

namespace attune {
namespace {

[[noreturn]] void refuse_weighted_sampling() {
  fail(ErrorCode::kUsage, {.id = "train.sampling",
                           .where = "training.train_sampling_strategy",
                           .what = "weighted draws rows by their class, so every row needs exactly one",
                           .expected = "text classification with a single label",
                           .hint = "leave it out; class_weights and focal_gamma weigh the loss of tokens and of several labels"});
}

}  // namespace

int64_t steps_of(const TrainingConfig& c, int64_t batches_per_epoch) {
  if (c.max_steps > 0) return c.max_steps;
  const int64_t a_pass = (batches_per_epoch + c.gradient_accumulation_steps - 1) / c.gradient_accumulation_steps;
  return static_cast<int64_t>(std::ceil(c.num_train_epochs * static_cast<double>(a_pass)));
}

EpochPlan make_epoch_plan(const TrainingConfig& config, std::span<const Example> examples, uint64_t data_seed, bool shuffle) {
  const auto batch = static_cast<uint64_t>(config.per_device_train_batch_size);
  const auto mega = batch * static_cast<uint64_t>(config.gradient_accumulation_steps);
  const Sampling kind = shuffle ? config.train_sampling_strategy : Sampling::kSequential;
  std::vector<double> weights;
  if (kind == Sampling::kWeighted) {
    std::vector<int32_t> classes;
    for (const Example& e : examples) classes.push_back(e.labels.id);
    if (std::any_of(classes.begin(), classes.end(), [](int32_t c) { return c < 0; })) refuse_weighted_sampling();
    weights = inverse_frequencies(classes);
  }
  return [=, drop = config.dataloader_drop_last](uint64_t epoch) {
    const uint64_t n = examples.size();
    if (kind == Sampling::kWeighted) return cut_batches(weighted_order(weights, data_seed, epoch), batch, drop);
    if (kind == Sampling::kGroupByLength) return cut_batches(length_grouped_order(lengths_of(examples), mega, data_seed, epoch), batch, drop);
    return cut_batches(kind == Sampling::kRandom ? shuffled_order(n, data_seed, epoch) : sequential_order(n), batch, drop);
  };
}

void check_sampling(const TrainingConfig& config, const Task& task) {
  if (config.train_sampling_strategy == Sampling::kWeighted && (!task.labels_rows() || task.settings().problem_type != ProblemType::kSingleLabel)) refuse_weighted_sampling();
}

}  // namespace attune
