// Losses are a sum and a count. The gradient of the sum goes straight onto the logits: they are the last value on the tape.
#include <algorithm>
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

/// The loss of labels before anything is summed: checked, counted by weight.
LossSum counted(const Var& logits, std::span<const int32_t> labels, std::span<const float> weight) {
  const int64_t b = logits.rows(), c = logits.cols();
  require(static_cast<int64_t>(labels.size()) == b, "loss: one label a row");
  require(weight.empty() || static_cast<int64_t>(weight.size()) == c, "loss: one weight a class");
  LossSum loss;
  for (int32_t y : labels) {
    require(y == -100 || (y >= 0 && y < c), "loss: label outside the classes");
    if (y >= 0) loss.count += weight.empty() ? 1.0 : static_cast<double>(weight[static_cast<size_t>(y)]);
  }
  loss.rows.resize(static_cast<size_t>(b));
  return loss;
}

/// d loss / d z_y = -factor q with q = 1 - p, and factor p_j for the other logits. log p / q goes to -1 as q goes to 0.
struct Focal {
  double loss, factor;
  Focal(double p, double q, double log_p, double gamma) {
    const double focus = std::pow(q, gamma), ratio = q > 0 ? -log_p / q : 1.0;
    loss = -focus * log_p;
    factor = focus * (1.0 + gamma * p * ratio);
  }
};

}  // namespace

LossSum cross_entropy_loss(const Context& ctx, const Var& logits, std::span<const int32_t> labels, std::span<const float> weight, float smoothing) {
  const int64_t b = logits.rows(), c = logits.cols();
  LossSum loss = counted(logits, labels, weight);
  Tensor g;
  if (logits.wants_grad()) g = Tensor({b, c});
  ctx.kernels->cross_entropy(ctx, b, c, logits.data.f32(), logits.data.pitch(), labels.data(), weight.empty() ? nullptr : weight.data(), smoothing,
                             loss.rows.data(), g.empty() ? nullptr : g.f32());
  for (float row : loss.rows) loss.sum += static_cast<double>(row);
  if (!g.empty()) logits.grad->add(ctx, std::move(g));
  return loss;
}

LossSum focal_loss(const Context& ctx, const Var& logits, std::span<const int32_t> labels, std::span<const float> weight, float gamma) {
  const int64_t b = logits.rows(), c = logits.cols();
  LossSum loss = counted(logits, labels, weight);
  Tensor g({b, c});
  std::vector<double> p(static_cast<size_t>(c));
  for (int64_t i = 0; i < b; ++i) {
    const int32_t y = labels[static_cast<size_t>(i)];
    float* slope = g.f32() + i * c;
    std::fill_n(slope, c, 0.0f);
    if (y < 0) continue;
    const float* z = logits.data.f32() + i * logits.data.pitch();
    const auto top = static_cast<double>(*std::max_element(z, z + c));
    double sum = 0, others = 0;  // 1 - p without cancellation
    for (int64_t j = 0; j < c; ++j) {
      const double e = std::exp(static_cast<double>(z[j]) - top);
      p[static_cast<size_t>(j)] = e;
      sum += e;
      if (j != y) others += e;
    }
    for (double& x : p) x /= sum;
    const double q = others / sum;
    const double log_p = q < 0.5 ? std::log1p(-q) : static_cast<double>(z[y]) - top - std::log(sum);
    const Focal focal(p[static_cast<size_t>(y)], q, log_p, static_cast<double>(gamma));
    const double w = weight.empty() ? 1.0 : static_cast<double>(weight[static_cast<size_t>(y)]);
    loss.rows[static_cast<size_t>(i)] = static_cast<float>(w * focal.loss);
    loss.sum += w * focal.loss;
    for (int64_t j = 0; j < c; ++j) slope[j] = static_cast<float>(w * focal.factor * (j == y ? -q : p[static_cast<size_t>(j)]));
  }
  if (logits.wants_grad()) logits.grad->add(ctx, std::move(g));
  return loss;
}

LossSum sigmoid_focal_loss(const Context& ctx, const Var& logits, std::span<const float> targets, float gamma) {
  return elementwise(ctx, logits, targets, [gamma](double x, double y) {
    const double s = y > 0.5 ? x : -x;  // the logit of what is right
    const double q = 1.0 / (1.0 + std::exp(s));
    const Focal focal(1.0 / (1.0 + std::exp(-s)), q, std::min(s, 0.0) - std::log1p(std::exp(-std::fabs(s))), static_cast<double>(gamma));
    return std::pair{focal.loss, (y > 0.5 ? -1.0 : 1.0) * focal.factor * q};
  });
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
