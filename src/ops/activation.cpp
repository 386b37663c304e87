#include <cstring>

#include "base/error.h"
#include "ops/ops.h"

namespace attune {

Var activation(const Context& ctx, const Var& x, Activation act) {
  if (act == Activation::kNone) return x;
  const int64_t t = x.rows(), c = x.cols();
  Var out(Tensor({t, c}), x.keys);
  Tensor u = x.data;  // without a bias the kernel leaves u as it is
  ctx.kernels->bias_activation(ctx, t, c, nullptr, act, u.f32(), u.pitch(), out.data.f32(), c);
  if (start_recording(ctx, x.wants_grad(), out)) {
    ctx.tape->record({out.grad}, [t, c, act, u, dx = x.grad, dy = out.grad](const Context& back) {
      Tensor g({t, c});
      back.kernels->activation_backward(back, t, c, act, u.f32(), u.pitch(), dy->value().f32(), dy->value().pitch(), g.f32(), c);
      dx->add(back, std::move(g));
    });
  }
  return out;
}

}  // namespace attune
