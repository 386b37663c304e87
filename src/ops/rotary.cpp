#include "base/error.h"
#include "ops/ops.h"

namespace attune {

Var rotary(const Context& ctx, const Var& x, int64_t heads, const Tensor& table) {
  const int64_t t = x.rows(), d = table.cols();
  require(x.cols() == heads * d && table.rows() == t && d % 2 == 0, "rotary: heads, angles and x do not fit together");
  Var out = x;
  out.grad = nullptr;
  ctx.kernels->rotary(ctx, t, heads, d, table.f32(), 1.0f, x.data.f32(), x.data.pitch(), out.data.f32(), out.data.pitch());
  if (start_recording(ctx, x.wants_grad(), out)) {
    ctx.tape->record({out.grad}, [t, heads, d, table, dx = x.grad, dy = out.grad](const Context& back) {
      Tensor g({t, heads * d});
      back.kernels->rotary(back, t, heads, d, table.f32(), -1.0f, dy->value().f32(), dy->value().pitch(), g.f32(), g.pitch());
      dx->add(back, std::move(g));
    });
  }
  return out;
}

}  // namespace attune
