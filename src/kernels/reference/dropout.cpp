// Inverted dropout with a counter-based mask: the backward pass regenerates it.
#include "kernels/reference/reference.h"

namespace attune::reference {

void dropout(const Context&, int64_t t, int64_t c, const Dropout& drop, const float* x, int64_t x_pitch, float* y, int64_t y_pitch) {
  for (int64_t i = 0; i < t; ++i) {
    for (int64_t j = 0; j < c; ++j) {
      y[i * y_pitch + j] = static_cast<float>(x[i * x_pitch + j] * dropout_factor(drop, drop.module_key, i, j));
    }
  }
}

}  // namespace attune::reference
