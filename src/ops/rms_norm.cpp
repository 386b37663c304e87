#include "base/error.h"
#include "ops/ops.h"

namespace attune {

Var rms_norm(const Context& ctx, const Var& x, const Var& gamma, float eps) {
  const int64_t t = x.rows(), c = x.cols();
  require(gamma.data.size() == c, "rms_norm: weight must have the size of the last dimension");
  require(x.data.contiguous(), "rms_norm: contiguous rows only");
  Var out(Tensor({t, c}), x.keys);
  Tensor rstd({t});
  ctx.kernels->rms_norm(ctx, t, c, x.data.f32(), gamma.data.f32(), eps, out.data.f32(), rstd.f32());
  if (start_recording(ctx, x.wants_grad() || gamma.wants_grad(), out)) {
    ctx.tape->record({out.grad}, [t, c, x = x.data, rstd, gamma = gamma, dx = x.grad, dy = out.grad](const Context& back) {
      Tensor g({t, c});
      const Tensor& d = dy->value();
      const Tensor whole = d.contiguous() ? d : d.clone();
      back.kernels->rms_norm_backward(back, t, c, x.f32(), gamma.data.f32(), rstd.f32(), whole.f32(), g.f32(), gamma.grad ? gamma.grad->value().f32() : nullptr);
      if (dx) dx->add(back, std::move(g));
    });
  }
  return out;
}

}  // namespace attune
