#include <cstring>

#include "base/error.h"
#include "ops/ops.h"

namespace attune {

Var gather_rows(const Context& ctx, const Var& x, std::shared_ptr<const std::vector<int64_t>> rows) {
  const auto r = static_cast<int64_t>(rows->size());
  const int64_t c = x.cols();
  for (int64_t row : *rows) require(row >= 0 && row < x.rows(), "gather_rows: row outside the matrix");
  TokenKeys keys;
  if (x.keys) {
    auto picked = std::make_shared<std::vector<uint64_t>>();
    for (int64_t row : *rows) picked->push_back((*x.keys)[static_cast<size_t>(row)]);
    keys = std::move(picked);
  }
  Var out(Tensor({r, c}), std::move(keys));
  ctx.kernels->gather_rows(ctx, r, c, rows->data(), x.data.f32(), x.data.pitch(), out.data.f32(), c);
  if (start_recording(ctx, x.wants_grad(), out)) {
    ctx.tape->record({out.grad}, [r, c, rows, shape = x.data.shape(), dx = x.grad, dy = out.grad](const Context& back) {
      const auto target = dx->target(back, shape);
      if (target.beta == 0.0f) std::memset(target.data, 0, static_cast<size_t>(count(shape)) * sizeof(float));
      back.kernels->scatter_add_rows(back, r, c, rows->data(), dy->value().f32(), dy->value().pitch(), target.data, target.pitch);
    });
  }
  return out;
}

}  // namespace attune
