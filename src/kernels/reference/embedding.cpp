// Table lookup and its scatter-add.
#include "kernels/reference/reference.h"

namespace attune::reference {

void embedding(const Context&, int64_t t, int64_t c, const int32_t* ids, const float* table, float beta, float* y) {
  for (int64_t i = 0; i < t; ++i) {
    for (int64_t j = 0; j < c; ++j) {
      const double old = beta == 0.0f ? 0.0 : static_cast<double>(beta) * y[i * c + j];
      y[i * c + j] = static_cast<float>(table[ids[i] * c + j] + old);
    }
  }
}

void embedding_backward(const Context&, int64_t t, int64_t c, int64_t, const int32_t* ids, int32_t skip, const float* dy, float* dtable) {
  for (int64_t i = 0; i < t; ++i) {
    if (ids[i] == skip) continue;
    for (int64_t j = 0; j < c; ++j) dtable[ids[i] * c + j] += dy[i * c + j];
  }
}

}  // namespace attune::reference
