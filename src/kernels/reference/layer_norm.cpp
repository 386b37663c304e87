// s = dropout(x) + residual; y = (s - mean) / sqrt(var + eps) * gamma + beta (Ba, Kiros, Hinton, "Layer normalization", 2016).
#include "kernels/reference/reference.h"

namespace attune::reference {

void dropout_add_layer_norm(const Context&, int64_t t, int64_t c, const Dropout& drop, const float* x, const float* residual,
                            const float* gamma, const float* beta, float eps, float* s, float* y, float* mean, float* rstd) {
  for (int64_t i = 0; i < t; ++i) {
    const int64_t row = i * c;
    double sum = 0.0;
    for (int64_t j = 0; j < c; ++j) {
      const double kept = x[row + j] * dropout_factor(drop, drop.module_key, i, j);
      s[row + j] = static_cast<float>(kept + (residual ? residual[row + j] : 0.0f));
      sum += s[row + j];
    }
    const double m = sum / static_cast<double>(c);
    double square = 0.0;
    for (int64_t j = 0; j < c; ++j) square += (s[row + j] - m) * (s[row + j] - m);
    const double r = 1.0 / std::sqrt(square / static_cast<double>(c) + eps);
    for (int64_t j = 0; j < c; ++j) y[row + j] = static_cast<float>((s[row + j] - m) * r * gamma[j] + beta[j]);
    mean[i] = static_cast<float>(m);
    rstd[i] = static_cast<float>(r);
  }
}

// With xhat = (s - mean) rstd and g = dy gamma: ds = rstd (g - mean(g) - xhat mean(g xhat)).
void dropout_add_layer_norm_backward(const Context&, int64_t t, int64_t c, const Dropout& drop, const float* s, const float* gamma,
                                     const float* mean, const float* rstd, const float* dy, float* ds, float* dx, float* dgamma,
                                     float* dbeta) {
  for (int64_t j = 0; j < c; ++j) {
    double by_xhat = 0.0, plain = 0.0;
    for (int64_t i = 0; i < t; ++i) {
      by_xhat += dy[i * c + j] * ((static_cast<double>(s[i * c + j]) - mean[i]) * rstd[i]);
      plain += dy[i * c + j];
    }
    if (dgamma) dgamma[j] = static_cast<float>(dgamma[j] + by_xhat);
    if (dbeta) dbeta[j] = static_cast<float>(dbeta[j] + plain);
  }
  for (int64_t i = 0; i < t; ++i) {
    const int64_t row = i * c;
    const double m = mean[i], r = rstd[i];
    double sum_g = 0.0, sum_gx = 0.0;
    for (int64_t j = 0; j < c; ++j) {
      const double g = static_cast<double>(dy[row + j]) * gamma[j];
      sum_g += g;
      sum_gx += g * (s[row + j] - m) * r;
    }
    for (int64_t j = 0; j < c; ++j) {
      const double g = static_cast<double>(dy[row + j]) * gamma[j];
      const double xhat = (s[row + j] - m) * r;
      const double d = r * (g - sum_g / static_cast<double>(c) - xhat * sum_gx / static_cast<double>(c));
      ds[row + j] = static_cast<float>(d);
      if (dx) dx[row + j] = static_cast<float>(d * dropout_factor(drop, drop.module_key, i, j));
    }
  }
}

}  // namespace attune::reference
