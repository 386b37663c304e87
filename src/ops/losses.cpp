// Losses are a sum and a count. The gradient of the sum goes straight onto the logits: they are the last value on the tape.
#include <cmath>

#include "base/error.h"
#include "ops/ops.h"

namespace attune {
namespace {

/// Losses of one float target an output: `term` gives loss and derivative of one element.
template <typename Term>
LossSum elementwise(const Context& ctx, const Var& logits, std::span<const float> targets, Term term) {
  require(static_cast<int64_t>(targets.size()) == logits.data.size(), "loss: one target an output");
  const int64_t b = logits.rows(), c = logits.cols();
  LossSum loss;
  loss.count = static_cast<double>(b * c);
  loss.rows.resize(static_cast<size_t>(b));
  Tensor g({b, c});
  for (int64_t i = 0; i < b; ++i) {
    double row = 0;
    for (int64_t j = 0; j < c; ++j) {
      const auto [value, slope] = term(static_cast<double>(logits.data.f32()[i * logits.data.pitch() + j]), static_cast<double>(targets[static_cast<size_t>(i * c + j)]));
      row += value;
      g.f32()[i * c + j] = static_cast<float>(slope);
    }
    loss.rows[static_cast<size_t>(i)] = static_cast<float>(row);
    loss.sum += row;
  }
  if (logits.wants_grad()) logits.grad->add(ctx, std::move(g));
  return loss;
}

}  // namespace

LossSum cross_entropy_loss(const Context& ctx, const Var& logits, std::span<const int32_t> labels, std::span<const float> weight, float smoothing) {
  const int64_t b = logits.rows(), c = logits.cols();
  require(static_cast<int64_t>(labels.size()) == b, "cross_entropy: one label a row");
  require(weight.empty() || static_cast<int64_t>(weight.size()) == c, "cross_entropy: one weight a class");
  LossSum loss;
  for (int32_t y : labels) {
    require(y == -100 || (y >= 0 && y < c), "cross_entropy: label outside the classes");
    if (y >= 0) loss.count += weight.empty() ? 1.0 : static_cast<double>(weight[static_cast<size_t>(y)]);
  }
  loss.rows.resize(static_cast<size_t>(b));
  Tensor g;
  if (logits.wants_grad()) g = Tensor({b, c});
  ctx.kernels->cross_entropy(ctx, b, c, logits.data.f32(), logits.data.pitch(), labels.data(), weight.empty() ? nullptr : weight.data(), smoothing,
                             loss.rows.data(), g.empty() ? nullptr : g.f32());
  for (float row : loss.rows) loss.sum += static_cast<double>(row);
  if (!g.empty()) logits.grad->add(ctx, std::move(g));
  return loss;
}

LossSum bce_with_logits_loss(const Context& ctx, const Var& logits, std::span<const float> targets) {
  return elementwise(ctx, logits, targets, [](double x, double y) {
    const double value = std::max(x, 0.0) - x * y + std::log1p(std::exp(-std::fabs(x)));
    return std::pair{value, 1.0 / (1.0 + std::exp(-x)) - y};
  });
}

LossSum mse_loss(const Context& ctx, const Var& logits, std::span<const float> targets) {
  return elementwise(ctx, logits, targets, [](double x, double y) { return std::pair{(x - y) * (x - y), 2.0 * (x - y)}; });
}

}  // namespace attune
