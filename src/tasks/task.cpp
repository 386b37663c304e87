#include "tasks/task.h"

#include <algorithm>

#include "base/error.h"

namespace attune {

LossSum label_loss(const Context& ctx, const Var& logits, std::span<const int32_t> labels, const LossOptions& options) {
  if (options.focal_gamma <= 0) return cross_entropy_loss(ctx, logits, labels, options.class_weights, options.label_smoothing);
  require(options.label_smoothing == 0, "focal loss has no smoothing");
  return focal_loss(ctx, logits, labels, options.class_weights, options.focal_gamma);
}

LossSum Task::loss(const Context& ctx, Model& model, const Batch& batch, TokenKeys keys, const LossOptions& options, Var* logits) const {
  const Var out = model.forward(ctx, batch, std::move(keys));
  if (logits) *logits = out;
  return loss_of(ctx, out, batch, options);
}

Json Task::metrics(std::span<const Row> rows, std::span<const Example> examples, const Outputs& outputs, double loss) const {
  const std::unique_ptr<Scores> all = scores();
  if (!answers_rows()) {
    all->add({.examples = examples, .outputs = &outputs});
  } else if (rows.empty()) {
    for (size_t i = 0; i < examples.size(); ++i) all->add({.examples = examples.subspan(i, 1), .outputs = &outputs, .first = i});
  } else {
    for (const RowOutputs& row : by_row(rows, examples, outputs)) all->add(row);
  }
  return all->metrics(loss);
}

LossSum Task::loss_of(const Context&, const Var&, const Batch&, const LossOptions&) const { throw Bug("a task without a loss"); }

bool Task::same_answer(std::span<const float> a, std::span<const float> b, int64_t columns) const {
  require(columns > 0, "same_answer: rows without columns");
  const auto width = static_cast<size_t>(columns);
  for (size_t i = 0; i + width <= a.size(); i += width) {
    const auto best = [&](std::span<const float> x) { return std::max_element(x.begin(), x.end()) - x.begin(); };
    if (best(a.subspan(i, width)) != best(b.subspan(i, width))) return false;
  }
  return true;
}

}  // namespace attune
