#include "train/evaluation.h"

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "data/packing.h"
#include "data/samplers.h"

namespace attune {

std::optional<Tensor> logits_of(const Context& given, Model& model, std::span<const Example> examples, const EvaluationOptions& options,
                                const std::function<void(const Var&, const Batch&)>& each) {
  Context ctx = given;
  ctx.tape = nullptr;
  ctx.training = false;
  const auto n = static_cast<int64_t>(examples.size());
  Tensor all({n, model.labels()});
  int64_t done = 0;
  const auto batches = length_sorted_batches(lengths_of(examples), static_cast<uint64_t>(options.max_tokens), static_cast<uint64_t>(options.max_sequences));
  for (const auto& indices : batches) {
    if (options.go_on && !options.go_on(done)) return std::nullopt;
    const Batch batch = pack(examples, indices);
    const Var logits = model.forward(ctx, batch);
    require(logits.rows() == batch.sequences() && logits.cols() == all.cols(), "evaluation: one row of logits an example");
    for (size_t b = 0; b < indices.size(); ++b) {
      const float* row = logits.data.f32() + static_cast<int64_t>(b) * logits.data.pitch();
      std::copy(row, row + all.cols(), all.f32() + static_cast<int64_t>(indices[b]) * all.cols());
    }
    if (each) each(logits, batch);
    done += batch.sequences();
  }
  return all;
}

std::optional<Evaluation> evaluate_examples(const Context& ctx, Model& model, const Task& task, std::span<const Example> examples,
                                            const EvaluationOptions& options) {
  const auto begin = std::chrono::steady_clock::now();
  Context quiet = ctx;
  quiet.tape = nullptr;
  quiet.training = false;
  Evaluation result;
  double sum = 0, count = 0;
  auto logits = logits_of(ctx, model, examples, options, [&](const Var& out, const Batch& batch) {
    const LossSum loss = task.loss(quiet, out, batch, {});
    sum += loss.sum;
    count += loss.count;
    ++result.batches;
  });
  if (!logits) return std::nullopt;
  result.logits = std::move(*logits);
  result.loss = count > 0 ? sum / count : 0;
  result.metrics = task.metrics(examples, result.logits, result.loss);
  result.runtime = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return result;
}

}  // namespace attune
