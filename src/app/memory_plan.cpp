#include "app/memory_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/log.h"
#include "base/pages.h"
#include "config/scalar.h"
#include "data/packing.h"
#include "data/samplers.h"

namespace attune {
namespace {

// Kernels' working memory, oneDNN's packed blocks and code, threads: what a process grows by beside its tensors. Measured: 20 to 45 MB.
constexpr int64_t kLibraries = int64_t{32} << 20;
// It varies by so much from run to run with the timing of threads; a limit leaves room for it.
constexpr int64_t kSpread = int64_t{24} << 20;
// A part costs as much time as so many tokens more; recomputing costs another forward pass.
constexpr double kPartTokens = 30, kRecomputeCost = 1.5;
constexpr int64_t kEpochsLookedAt = 20;

int64_t tokens_of(std::span<const uint64_t> batch, std::span<const int32_t> lengths) {
  int64_t n = 0;
  for (const uint64_t i : batch) n += lengths[i];
  return n;
}

/// The part with the most tokens among those of several batches.
class Largest {
 public:
  void look_at(std::span<const uint64_t> batch, std::span<const int32_t> lengths) {
    const int64_t n = tokens_of(batch, lengths);
    if (n <= tokens) return;
    tokens = n;
    rows.assign(batch.begin(), batch.end());
  }
  std::vector<uint64_t> rows;
  int64_t tokens = 0;
};

Largest largest_train_part(const Workload& work, int64_t most_tokens) {
  const auto lengths = lengths_of(work.train);
  Largest found;
  for (const auto& batch : work.batches)
    for (const auto part : token_parts(batch, lengths, static_cast<uint64_t>(most_tokens))) found.look_at(part, lengths);
  return found;
}

Largest largest_eval_batch(std::span<const Example> examples, const TrainingConfig& config, int64_t most_tokens) {
  const auto lengths = lengths_of(examples);
  Largest found;
  for (const auto& batch :
       length_sorted_batches(lengths, static_cast<uint64_t>(most_tokens), static_cast<uint64_t>(config.per_device_eval_batch_size)))
    found.look_at(batch, lengths);
  return found;
}

int64_t longest_row(std::span<const Example> examples) {
  size_t longest = 0;
  for (const Example& e : examples) longest = std::max(longest, e.ids.size());
  return static_cast<int64_t>(longest);
}

Ledger train_peaks(DryRun& dry, const Workload& work, int64_t most_tokens, bool recompute, int64_t* tokens = nullptr) {
  const Largest part = largest_train_part(work, most_tokens);
  if (tokens) *tokens = part.tokens;
  return dry.train(work.train, part.rows, recompute);
}

Ledger eval_peaks(DryRun& dry, const Workload& work, const TrainingConfig& config, int64_t most_tokens, int64_t* tokens = nullptr) {
  Ledger worst;
  for (const auto examples : work.evaluated) {
    if (examples.empty()) continue;
    const Largest batch = largest_eval_batch(examples, config, most_tokens);
    const Ledger peaks = dry.evaluate(examples, batch.rows);
    if (peaks.held <= worst.held) continue;
    worst = peaks;
    if (tokens) *tokens = batch.tokens;
  }
  return worst;
}

/// The largest of least ... most for which `fits`, given that smaller ones do too; 0: not even `least`.
template <typename Fits>
int64_t largest_fitting(int64_t least, int64_t most, const Fits& fits) {
  most = std::max(least, most);
  if (fits(most)) return most;
  if (least >= most || !fits(least)) return 0;
  while (most - least > std::max<int64_t>(1, least / 32)) {
    const int64_t middle = least + (most - least) / 2;
    (fits(middle) ? least : most) = middle;
  }
  return least;
}

}  // namespace

Workload workload_of(const RunConfig& config, const TrainingData& data) {
  Workload work;
  work.train = data.train.examples;
  work.evaluated = {data.validation.examples, data.test.examples};
  const auto seed = static_cast<uint64_t>(config.data.data_seed.value_or(config.training.seed));
  const EpochPlan plan = make_epoch_plan(config.training, work.train, seed, config.data.shuffle);
  auto epoch = plan(0);
  const auto accumulation = config.training.gradient_accumulation_steps;
  const auto in_epoch = static_cast<int64_t>(epoch.size());
  const int64_t steps = steps_of(config.training, in_epoch), steps_an_epoch = (in_epoch + accumulation - 1) / accumulation;
  for (int64_t e = 0; e < kEpochsLookedAt && e * steps_an_epoch < steps && in_epoch > 0; ++e) {
    if (e > 0) epoch = plan(static_cast<uint64_t>(e));
    const int64_t used = std::min(in_epoch, (steps - e * steps_an_epoch) * accumulation);
    work.batches.insert(work.batches.end(), epoch.begin(), epoch.begin() + used);
  }
  work.lengths = fmt::format("the largest of {} batches of {}", work.batches.size(), config.data.train);
  return work;
}

Workload blank_workload(const TrainingConfig& config, const Task& task, int64_t length) {
  Workload work;
  const int64_t at_once = std::clamp<int64_t>(EvaluationOptions{}.max_tokens / length, 1, config.per_device_eval_batch_size);
  work.blank = blank_examples(std::max(config.per_device_train_batch_size, at_once), length, task);
  work.train = work.blank;
  work.batches.push_back(sequential_order(static_cast<uint64_t>(config.per_device_train_batch_size)));
  work.evaluated.push_back(work.train.first(static_cast<size_t>(at_once)));
  work.lengths = fmt::format("every row of {} tokens", length);
  return work;
}

MemoryNeed memory_need(DryRun& dry, const Workload& work, const TrainingConfig& config, const ComputePlan& plan) {
  MemoryNeed need;
  need.train = train_peaks(dry, work, plan.train_tokens, plan.recompute || config.activation_checkpointing, &need.train_tokens);
  need.evaluate = eval_peaks(dry, work, config, plan.eval_tokens, &need.eval_tokens);
  return need;
}

std::optional<ComputePlan> fit_plan(DryRun& dry, const Workload& work, const TrainingConfig& config, int64_t limit) {
  ComputePlan best;
  double least_cost = 0;
  const int64_t whole = largest_train_part(work, 0).tokens, longest = std::min(whole, longest_row(work.train));
  for (const bool recompute : {false, true}) {
    if (config.activation_checkpointing && !recompute) continue;
    const int64_t tokens = largest_fitting(longest, whole, [&](int64_t n) { return train_peaks(dry, work, n, recompute).held <= limit; });
    if (tokens == 0) continue;
    const double cost = (1 + kPartTokens / static_cast<double>(tokens)) * (recompute ? kRecomputeCost : 1);
    if (best.train_tokens != 0 && cost >= least_cost) continue;
    best.train_tokens = tokens;
    best.recompute = recompute;
    least_cost = cost;
  }
  int64_t longest_evaluated = 1;
  for (const auto examples : work.evaluated) longest_evaluated = std::max(longest_evaluated, longest_row(examples));
  best.eval_tokens = largest_fitting(std::min(longest_evaluated, best.eval_tokens), best.eval_tokens,
                                     [&](int64_t n) { return eval_peaks(dry, work, config, n).held <= limit; });
  if (best.train_tokens == 0 || best.eval_tokens == 0) return std::nullopt;
  return best;
}

int64_t program_bytes() {
  const Ledger l = Allocator::global().ledger();
  return std::max<int64_t>(0, resident_bytes() - l.held) + l.total_now + kLibraries;
}

int64_t room_for_tensors(int64_t limit) { return limit - program_bytes() - kSpread; }

namespace {

/// The longest rows that fit one at a time, recomputed; 0: none.
int64_t fitting_length(DryRun& dry, TrainingConfig config, int64_t longest, int64_t room) {
  config.per_device_train_batch_size = config.per_device_eval_batch_size = 1;
  const int64_t length = largest_fitting(8, longest, [&](int64_t n) {
    return memory_need(dry, blank_workload(config, dry.task(), n), config, {.recompute = true}).held() <= room;
  });
  return length < 16 ? length : length / 8 * 8;
}

[[noreturn]] void refuse(DryRun& dry, const RunConfig& config, const OpenedModel& opened, const Workload& work, int64_t limit,
                         int64_t program) {
  int64_t longest = longest_row(work.train);
  for (const auto examples : work.evaluated) longest = std::max(longest, longest_row(examples));
  const MemoryNeed least = memory_need(dry, work, config.training, {.train_tokens = 1, .recompute = true, .eval_tokens = 1});
  const auto would = [&](const std::string& change, int64_t length) {
    return length == longest ? fmt::format("{} would fit", change)
                             : fmt::format("{}max_length={} would fit", change.empty() ? "" : change + " with ", length);
  };
  std::string hint = "a smaller model is needed, or more memory";
  if (const int64_t length = fitting_length(dry, config.training, longest, limit - program)) {
    hint = would("", length);
  } else if (config.peft.method == "full") {
    PeftConfig lora = config.peft;
    lora.method = "lora";
    DryRun other(opened, dry.task().settings(), lora);
    if (const int64_t fits = fitting_length(other, config.training, longest, limit - program)) hint = would("--method lora", fits);
  }
  if (const int64_t kept = dry.frozen_prefix_bytes()) {
    const int64_t without = least.held() - kept;
    hint = fmt::format("frozen_prefix_cache takes {} of it{}", bytes_text(kept), without + program <= limit ? ": without it the training would fit" : "");
  }
  fail(ErrorCode::kMemory, {.id = "memory.limit",
                            .where = "memory_limit",
                            .what = "is too small for this training, even one row at a time with recomputed layers",
                            .expected = fmt::format("about {}", bytes_text(least.held() + program)),
                            .got = bytes_text(limit),
                            .hint = hint});
}

}  // namespace

ComputePlan plan_within_limit(DryRun& dry, const OpenedModel& opened, const RunConfig& config, const Workload& work) {
  if (memory_limit_bytes(config) == 0) return {};
  const int64_t limit = memory_limit_bytes(config), room = room_for_tensors(limit), program = limit - room;
  const MemoryNeed whole = memory_need(dry, work, config.training, {});
  // Later epochs than those looked at may have larger batches: they are computed in parts too.
  if (whole.held() <= room) return {.train_tokens = whole.train_tokens};
  const auto plan = fit_plan(dry, work, config.training, room);
  if (!plan) refuse(dry, config, opened, work, limit, program);
  const MemoryNeed need = memory_need(dry, work, config.training, *plan);
  std::string how;
  if (plan->train_tokens < whole.train_tokens)
    how += fmt::format(", training batches in parts of at most {} tokens (the largest has {})", plan->train_tokens, whole.train_tokens);
  if (plan->recompute && !config.training.activation_checkpointing) how += ", layers recomputed in backward (activation_checkpointing)";
  if (need.eval_tokens < whole.eval_tokens) how += fmt::format(", evaluation of at most {} tokens at once", plan->eval_tokens);
  if (how.empty()) return *plan;
  note(fmt::format("memory_limit {}: computed whole this takes about {}, so{}: about {}. Steps and results stay the same.",
                   config.memory_limit, bytes_text(whole.held() + program), how.substr(1), bytes_text(need.held() + program)));
  return *plan;
}

MemoryLimit::MemoryLimit(int64_t bytes) {
  if (bytes == 0) return;
  Allocator::global().trim();
  // Kernels' own working memory counts here and is part of what the libraries take there.
  Allocator::global().set_limit(std::max<int64_t>(1, bytes - program_bytes() + Allocator::global().ledger().total_now + kLibraries));
}
MemoryLimit::~MemoryLimit() { Allocator::global().set_limit(0); }

}  // namespace attune
