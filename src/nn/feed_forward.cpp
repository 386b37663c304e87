#include "nn/linear.h"
#include "nn/product.h"

namespace attune {
namespace {

/// Nothing of the layer but its input's gradient is wanted, so the activation between two of them need not be kept.
bool passes_through(const Linear& l) { return l.weight.eight_bit() && !l.weight.observed && l.deltas.empty() && !trains(l); }

const float* bias_of(const Linear& l) { return l.has_bias ? l.bias.var.data.f32() : nullptr; }

}  // namespace

Var feed_forward(const Context& ctx, const Var& x, const Linear& first, Activation activation, const Linear& second) {
  if (!passes_through(first) || !passes_through(second)) return linear(ctx, linear(ctx, x, first, {activation}), second);
  const int64_t t = x.rows();
  Tensor u({t, first.out()}, DType::kBF16);
  const ProductOutput into{&first.weight, bias_of(first), nullptr, u.pitch(), static_cast<uint16_t*>(u.data())};
  products(ctx, x.data, {&into, 1});
  Var out(Tensor({t, second.out()}), x.keys);
  activated_product(ctx, u, activation, {&second.weight, bias_of(second), out.data.f32(), out.data.pitch()});
  if (!start_recording(ctx, x.wants_grad(), out)) return out;
  ctx.tape->record({out.grad}, [&first, &second, activation, u, shape = x.data.shape(), dx = x.grad, dout = out.grad](const Context& back) {
    Tensor dy({u.rows(), u.cols()});
    input_gradient(back, second.weight, dout->value(), {dy.f32(), dy.pitch(), 0.0f});
    activated_input_gradient(back, first.weight, dy, activation, u, dx->target(back, shape));
  });
  return out;
}

}  // namespace attune
