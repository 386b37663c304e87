// Small products from cached operands: a tile of C stays in registers over the whole inner dimension. Columns come in whole vectors
// (packed operands are padded with zeros); rows are any number.
#pragma once

#include "kernels/cpu/vector/vec.h"

namespace attune::ATTUNE_ISA {
namespace {

constexpr int kPanel = kLanes == 16 ? 4 : 2;  // vectors a tile row, at most

/// Rows of a tile `vectors` wide: as many accumulators as the registers hold beside one row of B and one value of A.
constexpr int tile_rows(int vectors) {
  if (kLanes == 16) return vectors == 4 ? 6 : vectors == 3 ? 8 : 12;
  if (kLanes == 8) return vectors == 2 ? 6 : 8;
  return vectors == 2 ? 4 : 6;
}

/// C (R, N vectors) = A B, or C += A B. A is (R, k), or stored (k, R) when kTransA.
template <int R, int N, bool kTransA>
ATTUNE_INLINE void tile(int64_t k, const float* a, int64_t lda, const float* b, int64_t ldb, float* c, int64_t ldc, bool add) {
  F acc[R][N];
  ATTUNE_UNROLL
  for (int r = 0; r < R; ++r) {
    ATTUNE_UNROLL
    for (int v = 0; v < N; ++v) acc[r][v] = F{};
  }
  for (int64_t p = 0; p < k; ++p) {
    F row[N];
    ATTUNE_UNROLL
    for (int v = 0; v < N; ++v) row[v] = load(b + v * kLanes);
    ATTUNE_UNROLL
    for (int r = 0; r < R; ++r) {
      const F x = set1(kTransA ? a[r] : a[r * lda]);
      ATTUNE_UNROLL
      for (int v = 0; v < N; ++v) acc[r][v] = acc[r][v] + x * row[v];
    }
    a += kTransA ? lda : 1;
    b += ldb;
  }
  ATTUNE_UNROLL
  for (int r = 0; r < R; ++r) {
    ATTUNE_UNROLL
    for (int v = 0; v < N; ++v) {
      float* to = c + r * ldc + v * kLanes;
      store(to, add ? load(to) + acc[r][v] : acc[r][v]);
    }
  }
}

/// All m rows of one strip N vectors wide.
template <int N, bool kTransA>
void strip(int64_t m, int64_t k, const float* a, int64_t lda, const float* b, int64_t ldb, float* c, int64_t ldc, bool add) {
  constexpr int kRows = tile_rows(N);
  const int64_t step = kTransA ? 1 : lda;
  int64_t i = 0;
  for (; i + kRows <= m; i += kRows) tile<kRows, N, kTransA>(k, a + i * step, lda, b, ldb, c + i * ldc, ldc, add);
  if (kRows > 8 && i + 8 <= m) tile<8, N, kTransA>(k, a + i * step, lda, b, ldb, c + i * ldc, ldc, add), i += 8;
  if (i + 4 <= m) tile<4, N, kTransA>(k, a + i * step, lda, b, ldb, c + i * ldc, ldc, add), i += 4;
  if (i + 2 <= m) tile<2, N, kTransA>(k, a + i * step, lda, b, ldb, c + i * ldc, ldc, add), i += 2;
  if (i + 1 <= m) tile<1, N, kTransA>(k, a + i * step, lda, b, ldb, c + i * ldc, ldc, add);
}

template <bool kTransA>
ATTUNE_INLINE void any_strip(int64_t vectors, int64_t m, int64_t k, const float* a, int64_t lda, const float* b, int64_t ldb, float* c,
                             int64_t ldc, bool add) {
  switch (vectors) {
    case 1:
      return strip<1, kTransA>(m, k, a, lda, b, ldb, c, ldc, add);
    case 2:
      return strip<2, kTransA>(m, k, a, lda, b, ldb, c, ldc, add);
#if ATTUNE_LANES == 16
    case 3:
      return strip<3, kTransA>(m, k, a, lda, b, ldb, c, ldc, add);
    case 4:
      return strip<4, kTransA>(m, k, a, lda, b, ldb, c, ldc, add);
#endif
    default:
      return;
  }
}

/// C (m, vectors) (+)= A B with B (k, vectors) row-major. The inner dimension is cut so that a strip of B stays in the first cache.
template <bool kTransA>
void product(int64_t m, int64_t vectors, int64_t k, const float* a, int64_t lda, const float* b, int64_t ldb, float* c, int64_t ldc,
             bool add) {
  constexpr int64_t kInner = 96;
  int64_t p = 0;
  do {
    const int64_t inner = k - p < kInner + kInner / 2 ? k - p : kInner;
    const float* from = kTransA ? a + p * lda : a + p;
    for (int64_t v = 0; v < vectors; v += kPanel) {
      const int64_t wide = vectors - v < kPanel ? vectors - v : kPanel;
      any_strip<kTransA>(wide, m, inner, from, lda, b + p * ldb + v * kLanes, ldb, c + v * kLanes, ldc, add || p > 0);
    }
    p += inner;
  } while (p < k);
}

/// Vectors that hold n floats.
ATTUNE_INLINE int64_t vectors_for(int64_t n) { return (n + kLanes - 1) / kLanes; }

/// Packs X (n, d) as X' in panels: [panel][d][up to kPanel vectors of rows of X], rows from n on are zeros.
inline void pack_transposed(int64_t n, int64_t d, const float* x, int64_t pitch, float* to) {
  const int64_t vectors = vectors_for(n);
  for (int64_t v = 0; v < vectors; ++v) {
    const int64_t panel = v / kPanel * kPanel;
    const int64_t width = (vectors - panel < kPanel ? vectors - panel : kPanel) * kLanes;
    float* column = to + panel * kLanes * d + (v - panel) * kLanes;
    for (int64_t e = 0; e < d; e += kLanes) {
      const int64_t count = d - e < kLanes ? d - e : kLanes;
      F rows[kLanes];
      for (int64_t i = 0; i < kLanes; ++i) {
        rows[i] = F{};
        if (v * kLanes + i >= n) continue;
        const float* from = x + (v * kLanes + i) * pitch + e;
        rows[i] = count == kLanes ? load(from) : load_part(from, count);
      }
      transpose(rows);
      for (int64_t i = 0; i < count; ++i) store(column + (e + i) * width, rows[i]);
    }
  }
}

/// Copies X (n, d) to rows of whole vectors, padded with zeros.
inline void pack_rows(int64_t n, int64_t d, const float* x, int64_t pitch, float* to) {
  const int64_t width = vectors_for(d) * kLanes;
  for (int64_t i = 0; i < n; ++i) {
    int64_t e = 0;
    for (; e + kLanes <= d; e += kLanes) store(to + i * width + e, load(x + i * pitch + e));
    if (e < d) store(to + i * width + e, load_part(x + i * pitch + e, d - e));
  }
}

/// Copies n rows of d floats out of such rows.
inline void unpack_rows(int64_t n, int64_t d, const float* x, float* to, int64_t pitch) {
  const int64_t width = vectors_for(d) * kLanes;
  for (int64_t i = 0; i < n; ++i) {
    int64_t e = 0;
    for (; e + kLanes <= d; e += kLanes) store(to + i * pitch + e, load(x + i * width + e));
    if (e < d) store_part(to + i * pitch + e, load(x + i * width + e), d - e);
  }
}

/// C (m, first `used` of `vectors`) = A B with B packed by pack_transposed: k is its d, `vectors` those of its n.
inline void product_packed(int64_t m, int64_t used, int64_t vectors, int64_t k, const float* a, int64_t lda, const float* b, float* c,
                           int64_t ldc) {
  for (int64_t panel = 0; panel < used; panel += kPanel) {
    const int64_t stored = vectors - panel < kPanel ? vectors - panel : kPanel;
    const int64_t wide = used - panel < stored ? used - panel : stored;
    any_strip<false>(wide, m, k, a, lda, b + panel * kLanes * k, stored * kLanes, c + panel * kLanes, ldc, false);
  }
}

}  // namespace
}  // namespace attune::ATTUNE_ISA
