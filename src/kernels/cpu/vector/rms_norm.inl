// RMS norm and its backward pass.
#include "kernels/cpu/scratch.h"
#include "kernels/cpu/vector/declare.h"
#include "kernels/cpu/vector/parallel.h"

namespace attune::ATTUNE_ISA {
namespace {

ATTUNE_INLINE float rms_square_row(int64_t c, const float* x) {
  F total = {};
  F* sum_of = &total;
  lanes(
      c,
      [=](int64_t j) {
        const F v = load(x + j);
        *sum_of = *sum_of + v * v;
      },
      [=](int64_t j, int64_t n) {
        const F v = first(load_part(x + j, n), n);
        *sum_of = *sum_of + v * v;
      });
  return sum(total);
}

/// The sum of dy gamma x over a row; dy x rstd is added to `sums` (null: not wanted).
ATTUNE_INLINE float rms_row_sums(int64_t c, const float* x, const float* gamma, float r, const float* dy, float* sums) {
  F total = {};
  F* sum_of = &total;
  lanes(
      c,
      [=](int64_t j) {
        const F d = load(dy + j) * load(x + j);
        *sum_of = *sum_of + d * load(gamma + j);
        if (sums) store(sums + j, load(sums + j) + d * r);
      },
      [=](int64_t j, int64_t n) {
        const F d = load_part(dy + j, n) * load_part(x + j, n);
        *sum_of = *sum_of + first(d * load_part(gamma + j, n), n);
        if (sums) store_part(sums + j, load_part(sums + j, n) + d * r, n);
      });
  return sum(total);
}

}  // namespace

void rms_norm(const Context& ctx, int64_t t, int64_t c, const float* x, const float* gamma, float eps, float* y, float* rstd) {
  parallel_rows(ctx, t, c, [=](int64_t i) {
    const float* from = x + i * c;
    float* to = y + i * c;
    const float r = 1.0f / __builtin_sqrtf(rms_square_row(c, from) / static_cast<float>(c) + eps);
    rstd[i] = r;
    lanes(
        c, [=](int64_t j) { store(to + j, load(from + j) * r * load(gamma + j)); },
        [=](int64_t j, int64_t n) { store_part(to + j, load_part(from + j, n) * r * load_part(gamma + j, n), n); });
  });
}

// Rows are cut by T alone and dgamma's pieces are added in order: the bits do not depend on the number of threads.
void rms_norm_backward(const Context& ctx, int64_t t, int64_t c, const float* x, const float* gamma, const float* rstd, const float* dy,
                       float* dx, float* dgamma) {
  if (t == 0 || c == 0) return;
  constexpr int64_t kChunks = 64, kLeastRows = 16;
  int64_t rows = (t + kChunks - 1) / kChunks;
  if (rows < kLeastRows) rows = kLeastRows;
  const int64_t chunks = (t + rows - 1) / rows;
  float* sums = dgamma ? cpu::scratch(chunks * c) : nullptr;
  parallel_ranges(team(ctx, t * c), chunks, 1, [=](int64_t begin, int64_t end) {
    for (int64_t chunk = begin; chunk < end; ++chunk) {
      float* mine = sums ? sums + chunk * c : nullptr;
      for (int64_t j = 0; mine && j < c; ++j) mine[j] = 0.0f;
      const int64_t stop = (chunk + 1) * rows < t ? (chunk + 1) * rows : t;
      for (int64_t i = chunk * rows; i < stop; ++i) {
        const float* from = x + i * c;
        const float* d_row = dy + i * c;
        float* to = dx + i * c;
        const float r = rstd[i];
        const float by_x = rms_row_sums(c, from, gamma, r, d_row, mine) * r * r / static_cast<float>(c);
        lanes(
            c, [=](int64_t j) { store(to + j, (load(d_row + j) * load(gamma + j) - load(from + j) * by_x) * r); },
            [=](int64_t j, int64_t n) { store_part(to + j, (load_part(d_row + j, n) * load_part(gamma + j, n) - load_part(from + j, n) * by_x) * r, n); });
      }
    }
  });
  for (int64_t chunk = 0; dgamma && chunk < chunks; ++chunk) {
    for (int64_t j = 0; j < c; ++j) dgamma[j] += sums[chunk * c + j];
  }
}

}  // namespace attune::ATTUNE_ISA
