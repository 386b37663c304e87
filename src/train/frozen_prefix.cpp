#include "train/frozen_prefix.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"
#include "data/packing.h"
#include "data/samplers.h"

namespace attune {
namespace {

[[noreturn]] void refuse_prefix(std::string what, std::string expected, std::string hint) {
  fail(ErrorCode::kUsage, {.id = "train.frozen_prefix",
                           .where = "training.frozen_prefix_cache",
                           .what = std::move(what),
                           .expected = std::move(expected),
                           .hint = std::move(hint)});
}

/// Where each example's states begin: a row a token, or a sequence where they are the result for heads that read one row of each.
std::vector<int64_t> prefix_starts(Model& model, int64_t layers, std::span<const Example> examples) {
  const bool one = layers == model.info().layers && model.head() && model.head()->reads() != ReadRows::kAll;
  std::vector<int64_t> starts = {0};
  for (const Example& e : examples) starts.push_back(starts.back() + static_cast<int64_t>(one ? e.breaks.size() + 1 : e.ids.size()));
  return starts;
}

}  // namespace

int64_t frozen_prefix_layers(Model& model, const Task& task) {
  if (!task.same_tokens_every_epoch())
    refuse_prefix(fmt::format("{} shows the model other tokens of a row in every epoch", task.settings().task), "a task whose rows stay as they are",
                  "leave it out");
  const auto layers = model.backbone().lowest_trained({&cpu_kernels(), 1, nullptr, false});
  if (!layers)
    refuse_prefix("the embeddings train, so nothing the model makes of a row stays the same", "frozen embeddings and lower layers",
                  "--method none (the head alone), --method lora with --layers-to-transform, or --freeze-embeddings with --freeze-first-layers");
  std::vector<std::string> acting, off;
  for (const BackboneDropout& d : model.info().dropouts) {
    if (d.p <= 0.0f || (*layers == 0 && !d.in_embeddings)) continue;
    acting.push_back(fmt::format("{} {:.3g}", d.key, d.p));
    off.push_back(fmt::format("{}=0", d.key));
  }
  if (!acting.empty())
    refuse_prefix(
        fmt::format("dropout acts below the lowest trained layer, so what the frozen layers make of a row is never the same: {}", fmt::join(acting, ", ")),
        "no dropout there", fmt::format("--model-config {}", fmt::join(off, ",")));
  return *layers;
}

Tensor frozen_prefix_memory(Model& model, int64_t layers, std::span<const Example> examples) {
  return Tensor({prefix_starts(model, layers, examples).back(), model.info().hidden_size});
}

FrozenPrefix::FrozenPrefix(const FitJob& job)
    : job_(job),
      layers_(frozen_prefix_layers(*job.model, *job.task)),
      starts_(prefix_starts(*job.model, layers_, job.train)),
      part_of_(job.train.size(), SIZE_MAX),
      states_(frozen_prefix_memory(*job.model, layers_, job.train)) {
  const auto add = [&](std::span<const uint64_t> part) {
    for (const uint64_t i : part)
      if (part_of_[i] == SIZE_MAX) part_of_[i] = parts_.size();
    parts_.emplace_back(part.begin(), part.end());
  };
  const auto lengths = lengths_of(job.train);
  for (const auto& batch : job.plan(0))
    for (const auto part : token_parts(batch, lengths, static_cast<uint64_t>(job.compute.train_tokens))) add(part);
  for (uint64_t i = 0; i < part_of_.size(); ++i)
    if (part_of_[i] == SIZE_MAX) add({&i, 1});
  known_.resize(parts_.size());
}

void FrozenPrefix::compute(size_t part) {
  Context ctx = job_.context;
  ctx.training = true;  // a dropout that acts here after all has no keys, which is a Bug
  const Tensor made = job_.model->states(ctx, pack(job_.train, parts_[part]), layers_);
  int64_t row = 0;
  for (const uint64_t i : parts_[part]) {
    const int64_t rows = starts_[i + 1] - starts_[i];
    const Tensor from = made.row_range(row, rows);
    if (part_of_[i] == part) std::copy_n(from.f32(), from.size(), states_.row_range(starts_[i], rows).f32());
    row += rows;
  }
  known_[part] = true;
}

void FrozenPrefix::put_into(Batch& batch, std::span<const uint64_t> examples) {
  int64_t rows = 0;
  for (const uint64_t i : examples) {
    if (!known_[part_of_[i]]) compute(part_of_[i]);
    rows += starts_[i + 1] - starts_[i];
  }
  batch.states = Tensor({rows, states_.cols()});
  batch.states_layer = layers_;
  float* to = batch.states.f32();
  for (const uint64_t i : examples) {
    const Tensor from = states_.row_range(starts_[i], starts_[i + 1] - starts_[i]);
    to = std::copy_n(from.f32(), from.size(), to);
  }
}

}  // namespace attune
