// Dropout, residual and layer norm in one pass over a row, and back. Two-pass variance: the row is in cache.
#include "kernels/cpu/scratch.h"
#include "kernels/cpu/vector/declare.h"
#include "kernels/cpu/vector/mask.h"
#include "kernels/cpu/vector/parallel.h"

namespace attune::ATTUNE_ISA {
namespace {

// s = dropout(x) + residual over one row; returns its sum.
template <bool kDrop, bool kAdd>
ATTUNE_INLINE float sum_row(int64_t c, const float* x, const float* residual, float* s, const RowMask& mask) {
  F total = {};
  F* sum_of = &total;
  lanes(
      c,
      [=, &mask](int64_t j) {
        F v = load(x + j);
        if (kDrop) v = v * keep_factor(mask, j);
        if (kAdd) v = v + load(residual + j);
        store(s + j, v);
        *sum_of = *sum_of + v;
      },
      [=, &mask](int64_t j, int64_t n) {
        F v = load_part(x + j, n);
        if (kDrop) v = v * keep_factor(mask, j);
        if (kAdd) v = v + load_part(residual + j, n);
        store_part(s + j, v, n);
        *sum_of = *sum_of + first(v, n);
      });
  return sum(total);
}

ATTUNE_INLINE float square_row(int64_t c, const float* s, float mean) {
  F total = {};
  F* sum_of = &total;
  lanes(
      c,
      [=](int64_t j) {
        const F d = load(s + j) - mean;
        *sum_of = *sum_of + d * d;
      },
      [=](int64_t j, int64_t n) {
        const F d = first(load_part(s + j, n) - mean, n);
        *sum_of = *sum_of + d * d;
      });
  return sum(total);
}

template <bool kDrop, bool kAdd>
void norm_rows(const Context& ctx, int64_t t, int64_t c, const Dropout& drop, const float* x, const float* residual, const float* gamma,
               const float* beta, float eps, float* s, float* y, float* mean, float* rstd) {
  const Mask mask = mask_of(drop);
  const uint64_t key = drop.module_key;
  parallel_rows(ctx, t, c, [=](int64_t i) {
    const RowMask row = kDrop ? row_mask(mask, key, i) : RowMask{};
    float* s_row = s + i * c;
    float* y_row = y + i * c;
    const float m = sum_row<kDrop, kAdd>(c, x + i * c, residual + (kAdd ? i * c : 0), s_row, row) / static_cast<float>(c);
    const float r = 1.0f / __builtin_sqrtf(square_row(c, s_row, m) / static_cast<float>(c) + eps);
    lanes(
        c, [=](int64_t j) { store(y_row + j, (load(s_row + j) - m) * r * load(gamma + j) + load(beta + j)); },
        [=](int64_t j, int64_t n) {
          store_part(y_row + j, (load_part(s_row + j, n) - m) * r * load_part(gamma + j, n) + load_part(beta + j, n), n);
        });
    mean[i] = m;
    rstd[i] = r;
  });
}

// Adds one row's share of dgamma and dbeta to `sums` (2, c) and gives the two sums ds needs.
ATTUNE_INLINE void row_sums(int64_t c, const float* s, const float* gamma, float m, float r, const float* dy, float* sums, float* sum_g,
                            float* sum_gx) {
  F g_total = {}, gx_total = {};
  F *g_of = &g_total, *gx_of = &gx_total;
  lanes(
      c,
      [=](int64_t j) {
        const F d = load(dy + j), xhat = (load(s + j) - m) * r, g = d * load(gamma + j);
        *g_of = *g_of + g;
        *gx_of = *gx_of + g * xhat;
        if (sums) {
          store(sums + j, load(sums + j) + d * xhat);
          store(sums + c + j, load(sums + c + j) + d);
        }
      },
      [=](int64_t j, int64_t n) {
        const F d = load_part(dy + j, n), xhat = (load_part(s + j, n) - m) * r, g = d * load_part(gamma + j, n);
        *g_of = *g_of + first(g, n);
        *gx_of = *gx_of + first(g * xhat, n);
        if (sums) {
          store_part(sums + j, load_part(sums + j, n) + d * xhat, n);
          store_part(sums + c + j, load_part(sums + c + j, n) + d, n);
        }
      });
  *sum_g = sum(g_total);
  *sum_gx = sum(gx_total);
}

template <bool kDrop>
ATTUNE_INLINE void ds_row(int64_t c, const float* s, const float* gamma, float m, float r, float mean_g, float mean_gx, const float* dy,
                          float* ds, float* dx, const RowMask& mask) {
  lanes(
      c,
      [=, &mask](int64_t j) {
        const F g = load(dy + j) * load(gamma + j), xhat = (load(s + j) - m) * r;
        const F d = (g - mean_g - xhat * mean_gx) * r;
        store(ds + j, d);
        if (dx) store(dx + j, kDrop ? d * keep_factor(mask, j) : d);
      },
      [=, &mask](int64_t j, int64_t n) {
        const F g = load_part(dy + j, n) * load_part(gamma + j, n), xhat = (load_part(s + j, n) - m) * r;
        const F d = (g - mean_g - xhat * mean_gx) * r;
        store_part(ds + j, d, n);
        if (dx) store_part(dx + j, kDrop ? d * keep_factor(mask, j) : d, n);
      });
}

}  // namespace

void dropout_add_layer_norm(const Context& ctx, int64_t t, int64_t c, const Dropout& drop, const float* x, const float* residual,
                            const float* gamma, const float* beta, float eps, float* s, float* y, float* mean, float* rstd) {
  const auto run = drop.p > 0.0f ? (residual ? norm_rows<true, true> : norm_rows<true, false>)
                                 : (residual ? norm_rows<false, true> : norm_rows<false, false>);
  run(ctx, t, c, drop, x, residual, gamma, beta, eps, s, y, mean, rstd);
}

// Rows are cut into at most kChunks pieces by T alone; each sums dgamma and dbeta apart and the pieces are added in order, so the
// bits do not depend on the number of threads.
void dropout_add_layer_norm_backward(const Context& ctx, int64_t t, int64_t c, const Dropout& drop, const float* s, const float* gamma,
                                     const float* mean, const float* rstd, const float* dy, float* ds, float* dx, float* dgamma,
                                     float* dbeta) {
  if (t == 0 || c == 0) return;
  constexpr int64_t kChunks = 64, kLeastRows = 16;
  int64_t rows = (t + kChunks - 1) / kChunks;
  if (rows < kLeastRows) rows = kLeastRows;
  const int64_t chunks = (t + rows - 1) / rows;
  const bool parameters = dgamma || dbeta;
  float* sums = parameters ? cpu::scratch(chunks * 2 * c) : nullptr;
  const Mask mask = mask_of(drop);
  const uint64_t key = drop.module_key;
  parallel_ranges(team(ctx, t * c), chunks, 1, [=](int64_t begin, int64_t end) {
    for (int64_t chunk = begin; chunk < end; ++chunk) {
      float* mine = sums ? sums + chunk * 2 * c : nullptr;
      for (int64_t j = 0; mine && j < 2 * c; ++j) mine[j] = 0.0f;
      const int64_t stop = (chunk + 1) * rows < t ? (chunk + 1) * rows : t;
      for (int64_t i = chunk * rows; i < stop; ++i) {
        const int64_t at = i * c;
        float sum_g, sum_gx;
        row_sums(c, s + at, gamma, mean[i], rstd[i], dy + at, mine, &sum_g, &sum_gx);
        const float mean_g = sum_g / static_cast<float>(c), mean_gx = sum_gx / static_cast<float>(c);
        float* dx_row = dx ? dx + at : nullptr;
        if (mask.row_keys && dx) {
          ds_row<true>(c, s + at, gamma, mean[i], rstd[i], mean_g, mean_gx, dy + at, ds + at, dx_row, row_mask(mask, key, i));
        } else {
          ds_row<false>(c, s + at, gamma, mean[i], rstd[i], mean_g, mean_gx, dy + at, ds + at, dx_row == ds + at ? nullptr : dx_row,
                        RowMask{});
        }
      }
    }
  });
  for (int64_t chunk = 0; parameters && chunk < chunks; ++chunk) {
    const float* from = sums + chunk * 2 * c;
    for (int64_t j = 0; dgamma && j < c; ++j) dgamma[j] += from[j];
    for (int64_t j = 0; dbeta && j < c; ++j) dbeta[j] += from[c + j];
  }
}

}  // namespace attune::ATTUNE_ISA
