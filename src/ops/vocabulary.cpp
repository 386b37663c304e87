// Products with a matrix of one row a token of the vocabulary (V, C), which may be the embedding table itself, and the loss over them.
// Logits of a large vocabulary are the largest tensor of a language model: the loss makes them kChunk rows at a time and turns each
// chunk into gradients at once, so (R, V) is never held.
#include <algorithm>

#include "base/error.h"
#include "ops/ops.h"

namespace attune {
namespace {

constexpr int64_t kChunk = 256;

/// y (T, V) = x W' + bias.
void project(const Context& ctx, const Tensor& x, const Var& weight, const Var* bias, Tensor& y) {
  const int64_t c = weight.cols(), v = weight.rows();
  ctx.kernels->gemm(ctx, false, true, x.rows(), v, c, 1.0f, x.f32(), x.pitch(), weight.data.f32(), c, 0.0f, y.f32(), y.pitch());
  if (bias) ctx.kernels->bias_activation(ctx, x.rows(), v, bias->data.f32(), Activation::kNone, y.f32(), y.pitch(), y.f32(), y.pitch());
}

/// Gradients of weight and bias, added; of x into `dx`.
void project_backward(const Context& ctx, const Tensor& x, const Var& weight, const Var* bias, const Tensor& dy, const Gradient::Target* dx) {
  const int64_t t = x.rows(), c = weight.cols(), v = weight.rows();
  if (bias && bias->wants_grad()) ctx.kernels->bias_backward(ctx, t, v, dy.f32(), dy.pitch(), bias->grad->value().f32());
  if (weight.wants_grad())
    ctx.kernels->gemm(ctx, true, false, v, c, t, 1.0f, dy.f32(), dy.pitch(), x.f32(), x.pitch(), 1.0f, weight.grad->value().f32(), c);
  if (dx) ctx.kernels->gemm(ctx, false, false, t, c, v, 1.0f, dy.f32(), dy.pitch(), weight.data.f32(), c, dx->beta, dx->data, dx->pitch);
}

void check(const Var& x, const Var& weight, const Var* bias) {
  require(x.cols() == weight.cols(), "vocabulary: x has another width than the matrix");
  require(!bias || bias->data.size() == weight.rows(), "vocabulary: one bias a row of the matrix");
}

}  // namespace

Var vocabulary_logits(const Context& ctx, const Var& x, const Var& weight, const Var* bias) {
  check(x, weight, bias);
  Var out(Tensor({x.rows(), weight.rows()}), x.keys);
  project(ctx, x.data, weight, bias, out.data);
  if (start_recording(ctx, x.wants_grad() || weight.wants_grad() || (bias && bias->wants_grad()), out)) {
    ctx.tape->record({out.grad}, [x = x.data, dx = x.grad, weight, bias = bias ? *bias : Var(), has_bias = bias != nullptr, dy = out.grad](const Context& back) {
      Gradient::Target target{};
      if (dx) target = dx->target(back, x.shape());
      project_backward(back, x, weight, has_bias ? &bias : nullptr, dy->value(), dx ? &target : nullptr);
    });
  }
  return out;
}

LossSum vocabulary_loss(const Context& ctx, const Var& x, const Var& weight, const Var* bias, std::span<const int32_t> labels, float smoothing) {
  check(x, weight, bias);
  const int64_t r = x.rows(), v = weight.rows();
  require(static_cast<int64_t>(labels.size()) == r, "vocabulary: one label a row");
  LossSum loss;
  loss.rows.resize(static_cast<size_t>(r));
  for (int32_t y : labels) {
    require(y == -100 || (y >= 0 && y < v), "vocabulary: label outside the vocabulary");
    loss.count += y >= 0;
  }
  if (r == 0) return loss;
  const bool learns = ctx.tape != nullptr && (x.wants_grad() || weight.wants_grad() || (bias && bias->wants_grad()));
  Tensor dx;
  if (learns && x.wants_grad()) dx = Tensor({r, x.cols()});
  Tensor logits({std::min(r, kChunk), v});
  for (int64_t begin = 0; begin < r; begin += kChunk) {
    const int64_t n = std::min(kChunk, r - begin);
    const Tensor rows = x.data.row_range(begin, n);
    Tensor chunk = logits.row_range(0, n);
    project(ctx, rows, weight, bias, chunk);
    ctx.kernels->cross_entropy(ctx, n, v, chunk.f32(), v, labels.data() + begin, nullptr, smoothing, loss.rows.data() + begin, learns ? chunk.f32() : nullptr);
    if (!learns) continue;
    Gradient::Target target{};
    if (!dx.empty()) target = {dx.f32() + begin * dx.cols(), dx.cols(), 0.0f};
    project_backward(ctx, rows, weight, bias, chunk, dx.empty() ? nullptr : &target);
  }
  for (float row : loss.rows) loss.sum += static_cast<double>(row);
  if (!dx.empty()) x.grad->add(ctx, std::move(dx));
  return loss;
}

}  // namespace attune
