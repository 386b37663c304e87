// Softmax cross-entropy with class weights and label smoothing (Szegedy et al., 2016), as PyTorch's cross_entropy computes it before
// its division. With W = w[y] (1 - e) + e / V sum_c w[c]: loss = W lse - w[y] (1 - e) z_y - e / V sum_c w[c] z_c,
// dloss / dz_c = W p_c - w[y] (1 - e) [c = y] - e / V w[c].
#include "kernels/reference/reference.h"

namespace attune::reference {

void cross_entropy(const Context&, int64_t r, int64_t v, const float* logits, int64_t pitch, const int32_t* labels, const float* weight,
                   float smoothing, float* loss, float* dlogits) {
  const double spread = static_cast<double>(smoothing) / static_cast<double>(v);
  for (int64_t i = 0; i < r; ++i) {
    const float* z = logits + i * pitch;
    if (labels[i] == -100) {
      loss[i] = 0.0f;
      for (int64_t c = 0; dlogits && c < v; ++c) dlogits[i * v + c] = 0.0f;
      continue;
    }
    double top = z[0], sum = 0.0;
    for (int64_t c = 1; c < v; ++c) top = z[c] > top ? z[c] : top;
    for (int64_t c = 0; c < v; ++c) sum += std::exp(z[c] - top);
    const double lse = top + std::log(sum);
    const double on_label = (weight ? weight[labels[i]] : 1.0) * (1.0 - smoothing);
    double total = on_label, value = on_label * (lse - z[labels[i]]);
    for (int64_t c = 0; smoothing > 0.0f && c < v; ++c) {
      const double w = spread * (weight ? weight[c] : 1.0);
      total += w;
      value += w * (lse - z[c]);
    }
    loss[i] = static_cast<float>(value);
    for (int64_t c = 0; dlogits && c < v; ++c) {
      double g = total * std::exp(z[c] - lse) - spread * (weight ? weight[c] : 1.0);
      if (c == labels[i]) g -= on_label;
      dlogits[i * v + c] = static_cast<float>(g);
    }
  }
}

}  // namespace attune::reference
