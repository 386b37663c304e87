#include "train/evaluation.h"

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "data/packing.h"
#include "data/samplers.h"

namespace attune {
namespace {

ReadRows reads(Model& model) { return model.head() ? model.head()->reads() : ReadRows::kAll; }

/// Puts the logits of a batch where its examples are.
class OutputsMaker {
 public:
  OutputsMaker(std::span<const Example> examples, ReadRows read) : examples_(examples), read_(read) {}

  void put(const Tensor& logits, const Batch& batch, std::span<const uint64_t> indices) {
    if (logits.empty()) return;
    if (all_.starts.size() == 1) all_ = blank_outputs(examples_, read_, logits.cols());
    require(logits.rows() == (read_ == ReadRows::kAll ? batch.tokens() : batch.sequences()) && logits.cols() == all_.logits.cols(),
            "evaluation: logits of another shape");
    int64_t from = 0;
    for (const uint64_t i : indices) {
      int64_t to = all_.starts[i];
      for (int64_t n = all_.rows_of(i); n > 0; --n, ++from, ++to) {
        const float* row = logits.f32() + from * logits.pitch();
        std::copy(row, row + logits.cols(), all_.logits.f32() + to * logits.cols());
      }
    }
  }
  Outputs take() { return std::move(all_); }

 private:
  std::span<const Example> examples_;
  ReadRows read_;
  Outputs all_;
};

/// Runs `each` on batches of rows of like length; false when stopped.
bool for_batches(std::span<const Example> examples, const EvaluationOptions& options,
                 const std::function<void(const Batch&, std::span<const uint64_t>)>& each) {
  int64_t done = 0;
  for (const auto& indices : length_sorted_batches(lengths_of(examples), static_cast<uint64_t>(options.max_tokens), static_cast<uint64_t>(options.max_sequences))) {
    if (options.go_on && !options.go_on(done)) return false;
    const Batch batch = pack(examples, indices);
    each(batch, indices);
    done += static_cast<int64_t>(indices.size());
  }
  return true;
}

Context quiet(Context ctx) {
  ctx.tape = nullptr;
  ctx.training = false;
  return ctx;
}

}  // namespace

Outputs blank_outputs(std::span<const Example> examples, ReadRows read, int64_t columns) {
  Outputs out;
  out.starts.reserve(examples.size() + 1);
  for (const Example& e : examples) out.starts.push_back(out.starts.back() + (read == ReadRows::kAll ? static_cast<int64_t>(e.ids.size()) : 1));
  out.logits = Tensor({out.starts.back(), columns});
  return out;
}

std::optional<Outputs> outputs_of(const Context& given, Model& model, std::span<const Example> examples, const EvaluationOptions& options) {
  const Context ctx = quiet(given);
  OutputsMaker outputs(examples, reads(model));
  const bool whole = for_batches(examples, options, [&](const Batch& batch, std::span<const uint64_t> indices) {
    outputs.put(model.forward(ctx, batch).data, batch, indices);
  });
  if (!whole) return std::nullopt;
  return outputs.take();
}

std::optional<Computed> compute_examples(const Context& given, Model& model, const Task& task, std::span<const Example> examples,
                                         const EvaluationOptions& options) {
  const Context ctx = quiet(given);
  Computed result;
  OutputsMaker outputs(examples, reads(model));
  const bool whole = for_batches(examples, options, [&](const Batch& batch, std::span<const uint64_t> indices) {
    Var logits;
    const LossSum loss = task.loss(ctx, model, batch, nullptr, {}, &logits);
    outputs.put(logits.data, batch, indices);
    result.loss_sum += loss.sum;
    result.loss_count += loss.count;
    ++result.batches;
  });
  if (!whole) return std::nullopt;
  result.outputs = outputs.take();
  return result;
}

std::optional<Evaluation> evaluate_examples(const Context& ctx, Model& model, const Task& task, std::span<const Row> rows,
                                            std::span<const Example> examples, const EvaluationOptions& options) {
  const auto begin = std::chrono::steady_clock::now();
  std::optional<Computed> c = compute_examples(ctx, model, task, examples, options);
  if (!c) return std::nullopt;
  Evaluation result;
  result.outputs = std::move(c->outputs);
  result.loss = c->loss_count > 0 ? c->loss_sum / c->loss_count : 0;
  result.batches = c->batches;
  result.metrics = task.metrics(rows, examples, result.outputs, result.loss);
  result.runtime = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return result;
}

}  // namespace attune
