#include "base/error.h"
#include "ops/ops.h"

namespace attune {

Var gated(const Context& ctx, const Var& gate, const Var& up, Activation act) {
  const int64_t t = gate.rows(), c = gate.cols();
  require(gate.data.shape() == up.data.shape(), "gated: the two have different shapes");
  Var out(Tensor({t, c}), gate.keys);
  ctx.kernels->gated(ctx, t, c, act, gate.data.f32(), gate.data.pitch(), up.data.f32(), up.data.pitch(), out.data.f32(), c);
  if (start_recording(ctx, gate.wants_grad() || up.wants_grad(), out)) {
    ctx.tape->record({out.grad}, [t, c, act, g = gate.data, u = up.data, dgate = gate.grad, dup = up.grad, dy = out.grad](const Context& back) {
      Tensor dg({t, c}), du({t, c});
      const Tensor& d = dy->value();
      back.kernels->gated_backward(back, t, c, act, g.f32(), g.pitch(), u.f32(), u.pitch(), d.f32(), d.pitch(), dg.f32(), du.f32(), c);
      if (dgate) dgate->add(back, std::move(dg));
      if (dup) dup->add(back, std::move(du));
    });
  }
  return out;
}

}  // namespace attune
