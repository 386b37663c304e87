// AdamW (Loshchilov and Hutter, 2019) as torch.optim.AdamW computes it: decay first, eps outside the square root.
#include "kernels/reference/reference.h"

namespace attune::reference {

void adamw(const Context&, int64_t n, const AdamWStep& step, float* p, const float* g, float* m, float* v) {
  const double b1 = step.beta1, b2 = step.beta2;
  for (int64_t i = 0; i < n; ++i) {
    const double grad = static_cast<double>(g[i]) * step.gradient_scale;
    const double decayed = p[i] * (1.0 - static_cast<double>(step.lr) * step.weight_decay);
    const double first = b1 * m[i] + (1.0 - b1) * grad;
    const double second = b2 * v[i] + (1.0 - b2) * grad * grad;
    const double root = std::sqrt(second) / std::sqrt(static_cast<double>(step.bias_correction2)) + step.eps;
    p[i] = static_cast<float>(decayed - step.lr / static_cast<double>(step.bias_correction1) * first / root);
    m[i] = static_cast<float>(first);
    v[i] = static_cast<float>(second);
  }
}

}  // namespace attune::reference
