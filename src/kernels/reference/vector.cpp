// Sums and checks over flat arrays.
#include "kernels/reference/reference.h"

namespace attune::reference {

void axpby(const Context&, int64_t n, float a, const float* x, float beta, float* y) {
  for (int64_t i = 0; i < n; ++i) {
    const double old = beta == 0.0f ? 0.0 : static_cast<double>(beta) * y[i];
    y[i] = static_cast<float>(static_cast<double>(a) * x[i] + old);
  }
}

double sum_of_squares(const Context&, int64_t n, const float* x) {
  double sum = 0.0;
  for (int64_t i = 0; i < n; ++i) sum += static_cast<double>(x[i]) * x[i];
  return sum;
}

bool all_finite(const Context&, int64_t n, const float* x) {
  for (int64_t i = 0; i < n; ++i) {
    if (!std::isfinite(x[i])) return false;
  }
  return true;
}

}  // namespace attune::reference
