#include "base/error.h"
#include "ops/ops.h"

namespace attune {

Dropout acting_dropout(const Context& ctx, const DropoutSpec& spec, const TokenKeys& keys) {
  if (!ctx.training || spec.p <= 0.0f) return {};
  require(keys != nullptr, "dropout acts on rows without keys");
  return {spec.p, keys->data(), spec.module_key};
}

Var dropout(const Context& ctx, const Var& x, const DropoutSpec& spec) {
  const Dropout d = acting_dropout(ctx, spec, x.keys);
  if (d.p <= 0.0f) return x;
  const int64_t t = x.rows(), c = x.cols();
  Var out(Tensor({t, c}), x.keys);
  ctx.kernels->dropout(ctx, t, c, d, x.data.f32(), x.data.pitch(), out.data.f32(), c);
  if (start_recording(ctx, x.wants_grad(), out)) {
    ctx.tape->record({out.grad}, [t, c, d, keys = x.keys, dx = x.grad, dy = out.grad](const Context& back) {
      Tensor g({t, c});
      back.kernels->dropout(back, t, c, d, dy->value().f32(), dy->value().pitch(), g.f32(), c);
      dx->add(back, std::move(g));
    });
  }
  return out;
}

Var dropout_add(const Context& ctx, const Var& x, const Var& residual, const DropoutSpec& spec) {
  require(x.data.shape() == residual.data.shape() && residual.data.contiguous(), "dropout_add: shapes differ");
  const Dropout d = acting_dropout(ctx, spec, x.keys);
  const int64_t t = x.rows(), c = x.cols();
  Var out(Tensor({t, c}), residual.keys);
  ctx.kernels->dropout(ctx, t, c, d, x.data.f32(), x.data.pitch(), out.data.f32(), c);
  ctx.kernels->axpby(ctx, t * c, 1.0f, residual.data.f32(), 1.0f, out.data.f32());
  if (start_recording(ctx, x.wants_grad() || residual.wants_grad(), out)) {
    ctx.tape->record({out.grad}, [t, c, d, keys = x.keys, dx = x.grad, dresidual = residual.grad, dy = out.grad](const Context& back) {
      const Tensor& g = dy->value();
      if (dx && d.p > 0.0f) {
        Tensor dropped({t, c});
        back.kernels->dropout(back, t, c, d, g.f32(), g.pitch(), dropped.f32(), c);
        dx->add(back, std::move(dropped));
      } else if (dx) {
        dx->add(back, g);
      }
      if (dresidual) dresidual->add(back, g);
    });
  }
  return out;
}

}  // namespace attune
