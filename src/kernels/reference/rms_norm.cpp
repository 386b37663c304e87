// y = x / sqrt(mean(x^2) + eps) * gamma (Zhang and Sennrich, "Root mean square layer normalization", 2019).
#include "kernels/reference/reference.h"

namespace attune::reference {

void rms_norm(const Context&, int64_t t, int64_t c, const float* x, const float* gamma, float eps, float* y, float* rstd) {
  for (int64_t i = 0; i < t; ++i) {
    const int64_t row = i * c;
    double square = 0.0;
    for (int64_t j = 0; j < c; ++j) square += static_cast<double>(x[row + j]) * x[row + j];
    const double r = 1.0 / std::sqrt(square / static_cast<double>(c) + eps);
    for (int64_t j = 0; j < c; ++j) y[row + j] = static_cast<float>(x[row + j] * r * gamma[j]);
    rstd[i] = static_cast<float>(r);
  }
}

// With xhat = x rstd and g = dy gamma: dx = rstd (g - xhat mean(g xhat)).
void rms_norm_backward(const Context&, int64_t t, int64_t c, const float* x, const float* gamma, const float* rstd, const float* dy,
                       float* dx, float* dgamma) {
  for (int64_t j = 0; dgamma && j < c; ++j) {
    double sum = 0.0;
    for (int64_t i = 0; i < t; ++i) sum += static_cast<double>(dy[i * c + j]) * x[i * c + j] * rstd[i];
    dgamma[j] = static_cast<float>(dgamma[j] + sum);
  }
  for (int64_t i = 0; i < t; ++i) {
    const int64_t row = i * c;
    const double r = rstd[i];
    double sum = 0.0;
    for (int64_t j = 0; j < c; ++j) sum += static_cast<double>(dy[row + j]) * gamma[j] * x[row + j] * r;
    for (int64_t j = 0; j < c; ++j) {
      const double g = static_cast<double>(dy[row + j]) * gamma[j];
      dx[row + j] = static_cast<float>(r * (g - x[row + j] * r * sum / static_cast<double>(c)));
    }
  }
}

}  // namespace attune::reference
