#include <cstring>

#include "base/error.h"
#include "ops/ops.h"

namespace attune {

std::vector<Var> split_columns(const Context& ctx, const Var& x, const std::vector<int64_t>& widths) {
  std::vector<Var> parts;
  int64_t begin = 0;
  for (const int64_t width : widths) {
    parts.emplace_back(x.data.columns(begin, width), x.keys);
    begin += width;
  }
  require(begin == x.cols(), "split_columns: the widths are not those of x");
  if (ctx.tape == nullptr || !x.wants_grad()) return parts;
  std::vector<std::shared_ptr<Gradient>> grads;
  for (Var& part : parts) grads.push_back(part.grad = std::make_shared<Gradient>());
  ctx.tape->record(grads, [grads, widths, t = x.rows(), c = x.cols(), dx = x.grad](const Context& back) {
    Tensor whole({t, c});
    int64_t at = 0;
    for (size_t i = 0; i < grads.size(); ++i) {
      Tensor part = whole.columns(at, widths[i]);
      at += widths[i];
      const Tensor& from = grads[i]->value();
      for (int64_t r = 0; r < t; ++r) {
        float* to = part.f32() + r * part.pitch();
        const auto bytes = static_cast<size_t>(widths[i]) * sizeof(float);
        if (from.empty())
          std::memset(to, 0, bytes);
        else
          std::memcpy(to, from.f32() + r * from.pitch(), bytes);
      }
    }
    dx->add(back, std::move(whole));
  });
  return parts;
}

}  // namespace attune
