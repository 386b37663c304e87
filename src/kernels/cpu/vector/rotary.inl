// Rotary positions: pairs (i, i + D/2) of a head turned by the row's angles.
#include "kernels/cpu/vector/declare.h"
#include "kernels/cpu/vector/parallel.h"

namespace attune::ATTUNE_ISA {

void rotary(const Context& ctx, int64_t t, int64_t heads, int64_t d, const float* table, float sign, const float* x, int64_t x_pitch, float* y,
            int64_t y_pitch) {
  const int64_t half = d / 2;
  parallel_rows(ctx, t, heads * d, [=](int64_t i) {
    const float* cosine = table + i * d;
    const float* sine = cosine + half;
    for (int64_t h = 0; h < heads; ++h) {
      const float* from = x + i * x_pitch + h * d;
      float* to = y + i * y_pitch + h * d;
      lanes(
          half,
          [=](int64_t j) {
            const F a = load(from + j), b = load(from + half + j), c = load(cosine + j), s = load(sine + j) * sign;
            store(to + j, a * c - b * s);
            store(to + half + j, b * c + a * s);
          },
          [=](int64_t j, int64_t n) {
            const F a = load_part(from + j, n), b = load_part(from + half + j, n), c = load_part(cosine + j, n), s = load_part(sine + j, n) * sign;
            store_part(to + j, a * c - b * s, n);
            store_part(to + half + j, b * c + a * s, n);
          });
    }
  });
}

}  // namespace attune::ATTUNE_ISA
