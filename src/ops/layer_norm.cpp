#include "base/error.h"
#include "ops/ops.h"

namespace attune {

Var dropout_add_layer_norm(const Context& ctx, const Var& x, const Var* residual, const DropoutSpec& spec, const Var& gamma, const Var& beta,
                           float eps) {
  const int64_t t = x.rows(), c = x.cols();
  require(gamma.data.size() == c && beta.data.size() == c, "layer_norm: weight and bias must have the size of the last dimension");
  require(residual == nullptr || residual->data.shape() == x.data.shape(), "layer_norm: residual has another shape");
  require(x.data.contiguous() && (residual == nullptr || residual->data.contiguous()), "layer_norm: contiguous rows only");
  const Dropout d = acting_dropout(ctx, spec, x.keys);
  Var out(Tensor({t, c}), x.keys);
  const bool changed = residual != nullptr || d.p > 0.0f;  // else s is x itself, and the kernel writes what is there
  Tensor s = changed ? Tensor({t, c}) : x.data, mean({t}), rstd({t});
  ctx.kernels->dropout_add_layer_norm(ctx, t, c, d, x.data.f32(), residual ? residual->data.f32() : nullptr, gamma.data.f32(), beta.data.f32(),
                                      eps, s.f32(), out.data.f32(), mean.f32(), rstd.f32());
  const bool needed = x.wants_grad() || (residual && residual->wants_grad()) || gamma.wants_grad() || beta.wants_grad();
  if (start_recording(ctx, needed, out)) {
    ctx.tape->record({out.grad}, [t, c, d, keys = x.keys, s, mean, rstd, gamma = gamma, beta = beta.grad, dx = x.grad,
                                  dresidual = residual ? residual->grad : nullptr, dy = out.grad](const Context& back) {
      Tensor ds({t, c}), dropped;
      const bool apart = dx != nullptr && d.p > 0.0f;
      if (apart) dropped = Tensor({t, c});
      back.kernels->dropout_add_layer_norm_backward(back, t, c, d, s.f32(), gamma.data.f32(), mean.f32(), rstd.f32(), dy->value().f32(), ds.f32(),
                                                    apart ? dropped.f32() : nullptr, gamma.grad ? gamma.grad->value().f32() : nullptr,
                                                    beta ? beta->value().f32() : nullptr);
      if (dx) dx->add(back, apart ? std::move(dropped) : ds);
      if (dresidual) dresidual->add(back, std::move(ds));
    });
  }
  return out;
}

}  // namespace attune
