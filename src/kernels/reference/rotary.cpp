// Rotary position embedding (Su et al., arXiv 2104.09864) with the halves of a head paired, as Llama does.
#include "kernels/reference/reference.h"

namespace attune::reference {

void rotary(const Context&, int64_t t, int64_t heads, int64_t d, const float* table, float sign, const float* x, int64_t x_pitch, float* y,
            int64_t y_pitch) {
  const int64_t half = d / 2;
  for (int64_t i = 0; i < t; ++i) {
    for (int64_t h = 0; h < heads; ++h) {
      const float* from = x + i * x_pitch + h * d;
      float* to = y + i * y_pitch + h * d;
      for (int64_t e = 0; e < half; ++e) {
        const double a = from[e], b = from[e + half], c = table[i * d + e], s = static_cast<double>(sign) * table[i * d + half + e];
        to[e] = static_cast<float>(a * c - b * s);
        to[e + half] = static_cast<float>(b * c + a * s);
      }
    }
  }
}

}  // namespace attune::reference
