#include "ops/span_loss.h"

#include <cmath>

#include "base/error.h"

namespace attune {

LossSum span_loss(const Context& ctx, const Var& logits, std::span<const int64_t> starts,
                  std::span<const std::pair<int32_t, int32_t>> spans, float smoothing) {
  require(logits.cols() == 2 && starts.size() == spans.size() + 1 && starts.back() == logits.rows(),
          "span_loss: two scores a token, a span a sequence");
  const float* z = logits.data.f32();
  const int64_t pitch = logits.data.pitch();
  LossSum loss;
  loss.rows.resize(spans.size());
  Tensor g;
  if (logits.wants_grad()) g = Tensor::zeros({logits.rows(), 2});
  for (size_t b = 0; b < spans.size(); ++b) {
    if (spans[b].first < 0) continue;
    const int64_t first = starts[b], n = starts[b + 1] - first;
    require(spans[b].first < n && spans[b].second >= 0 && spans[b].second < n, "span_loss: a span within its sequence");
    double value = 0;
    for (int64_t c = 0; c < 2; ++c) {
      const auto score = [&](int64_t t) { return static_cast<double>(z[(first + t) * pitch + c]); };
      const int64_t gold = c == 0 ? spans[b].first : spans[b].second;
      double top = score(0), sum = 0, mean = 0;
      for (int64_t t = 1; t < n; ++t) top = std::max(top, score(t));
      for (int64_t t = 0; t < n; ++t) {
        sum += std::exp(score(t) - top);
        mean += score(t) / static_cast<double>(n);
      }
      const double lse = top + std::log(sum), spread = static_cast<double>(smoothing);
      value += 0.5 * (lse - (1 - spread) * score(gold) - spread * mean);
      for (int64_t t = 0; !g.empty() && t < n; ++t) {
        const double target = (t == gold ? 1 - spread : 0.0) + spread / static_cast<double>(n);
        g.f32()[(first + t) * 2 + c] = static_cast<float>(0.5 * (std::exp(score(t) - lse) - target));
      }
    }
    loss.rows[b] = static_cast<float>(value);
    loss.sum += value;
    loss.count += 1;
  }
  if (!g.empty()) logits.grad->add(ctx, std::move(g));
  return loss;
}

}  // namespace attune
