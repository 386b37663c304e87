// Products go to oneDNN, but for those with few columns, which low-rank adapters and small heads make and dnnl_sgemm computes at a
// third of its usual rate: C (m, few) = A (m, k) op(B), such as x A' and dy B, and C (m, few) = A' B, such as dy' (x A'); and for those
// with few rows, C (few, n) = A B', a sentence times a weight: dnnl_sgemm would copy the weight first, here it passes by once.
#include "kernels/cpu/dense.h"
#include "kernels/cpu/scratch.h"
#include "kernels/cpu/vector/declare.h"
#include "kernels/cpu/vector/parallel.h"
#include "kernels/cpu/vector/tile.h"

namespace attune::ATTUNE_ISA {
namespace {

constexpr int64_t kThin = 16;
constexpr int64_t kFewRows = 48;
constexpr int64_t kBigEnough = 64;  // of the other two sizes: below, the general way costs little

ATTUNE_INLINE float blend(float alpha, float sum, float beta, const float* c) {
  return beta == 0.0f ? alpha * sum : alpha * sum + beta * *c;
}

// R rows of A times N packed columns: dot products over vectors of the inner dimension (padded with zeros in `b`).
template <int R, int N>
ATTUNE_INLINE void dots(int64_t k, const float* a, int64_t lda, const float* b, int64_t ldb, float alpha, float beta, float* c,
                        int64_t ldc) {
  F acc[R][N] = {};
  int64_t p = 0;
  for (; p + kLanes <= k; p += kLanes) {
    F x[R];
    ATTUNE_UNROLL
    for (int r = 0; r < R; ++r) x[r] = load(a + r * lda + p);
    ATTUNE_UNROLL
    for (int j = 0; j < N; ++j) {
      const F y = load(b + j * ldb + p);
      ATTUNE_UNROLL
      for (int r = 0; r < R; ++r) acc[r][j] = acc[r][j] + x[r] * y;
    }
  }
  if (p < k) {
    ATTUNE_UNROLL
    for (int r = 0; r < R; ++r) {
      const F x = load_part(a + r * lda + p, k - p);
      ATTUNE_UNROLL
      for (int j = 0; j < N; ++j) acc[r][j] = acc[r][j] + x * load(b + j * ldb + p);
    }
  }
  ATTUNE_UNROLL
  for (int r = 0; r < R; ++r) {
    ATTUNE_UNROLL
    for (int j = 0; j < N; ++j) c[r * ldc + j] = blend(alpha, sum(acc[r][j]), beta, c + r * ldc + j);
  }
}

template <int N>
void dot_rows(int64_t m, int64_t k, const float* a, int64_t lda, const float* b, int64_t ldb, float alpha, float beta, float* c,
              int64_t ldc) {
  constexpr int kRows = kLanes == 16 ? (N == 8 ? 3 : 4) : (N >= 4 ? 2 : 4);
  int64_t i = 0;
  for (; i + kRows <= m; i += kRows) dots<kRows, N>(k, a + i * lda, lda, b, ldb, alpha, beta, c + i * ldc, ldc);
  for (; i < m; ++i) dots<1, N>(k, a + i * lda, lda, b, ldb, alpha, beta, c + i * ldc, ldc);
}

void narrow(const Context& ctx, bool trans_b, int64_t m, int64_t n, int64_t k, float alpha, const float* a, int64_t lda, const float* b,
            int64_t ldb, float beta, float* c, int64_t ldc) {
  constexpr int kWidest = kLanes == 16 ? 8 : 4;
  const int64_t width = vectors_for(k) * kLanes;
  float* packed = cpu::scratch(n * width);  // (n, k), rows of whole vectors
  for (int64_t j = 0; j < n; ++j) {
    for (int64_t p = 0; p < width; ++p) packed[j * width + p] = p >= k ? 0.0f : trans_b ? b[j * ldb + p] : b[p * ldb + j];
  }
  parallel_ranges(team(ctx, m * k), m, 12, [=](int64_t begin, int64_t end) {
    const float* rows = a + begin * lda;
    for (int64_t j = 0; j < n;) {
      const float* columns = packed + j * width;
      float* to = c + begin * ldc + j;
      const int64_t left = n - j;
      if (kWidest == 8 && left >= 8)
        dot_rows<8>(end - begin, k, rows, lda, columns, width, alpha, beta, to, ldc), j += 8;
      else if (left >= 4)
        dot_rows<4>(end - begin, k, rows, lda, columns, width, alpha, beta, to, ldc), j += 4;
      else if (left >= 2)
        dot_rows<2>(end - begin, k, rows, lda, columns, width, alpha, beta, to, ldc), j += 2;
      else
        dot_rows<1>(end - begin, k, rows, lda, columns, width, alpha, beta, to, ldc), j += 1;
    }
  });
}

// kLanes dot products at once, of kLanes / 4 rows of A and four rows of B, so that one transposition adds up all lanes.
constexpr int kDotRows = static_cast<int>(kLanes / 4);
// `ahead`: how far on in B the next four rows are (0: not wanted): they are fetched meanwhile, in the order of their addresses, which
// memory answers half as fast again as four rows side by side.
ATTUNE_INLINE void dot_tile(int64_t k, const float* const* a, const float* const* b, int64_t ahead, float* sums) {
  F acc[kLanes] = {};
  const auto add = [&](const F* x, const F* y) {
    ATTUNE_UNROLL
    for (int r = 0; r < kDotRows; ++r) {
      ATTUNE_UNROLL
      for (int j = 0; j < 4; ++j) acc[r * 4 + j] = acc[r * 4 + j] + x[r] * y[j];
    }
  };
  int64_t p = 0;
  for (; p + kLanes <= k; p += kLanes) {
    F x[kDotRows], y[4];
    ATTUNE_UNROLL
    for (int r = 0; r < kDotRows; ++r) x[r] = load(a[r] + p);
    ATTUNE_UNROLL
    for (int j = 0; j < 4; ++j) y[j] = load(b[j] + p);
    if (ahead > 0) {
      ATTUNE_UNROLL
      for (int j = 0; j < 4; ++j) __builtin_prefetch(b[0] + ahead + 4 * p + j * kLanes, 0, 2);
    }
    add(x, y);
  }
  if (p < k) {
    F x[kDotRows], y[4];
    for (int r = 0; r < kDotRows; ++r) x[r] = load_part(a[r] + p, k - p);
    for (int j = 0; j < 4; ++j) y[j] = load_part(b[j] + p, k - p);
    add(x, y);
  }
  transpose(acc);
  F total = acc[0];
  ATTUNE_UNROLL
  for (int i = 1; i < kLanes; ++i) total = total + acc[i];
  store(sums, total);
}

/// C (m, n) from A (m, k) and B (n, k) for few rows: every four rows of B meet all of A while they are in the first cache.
void few(const Context& ctx, int64_t m, int64_t n, int64_t k, float alpha, const float* a, int64_t lda, const float* b, int64_t ldb, float beta,
         float* c, int64_t ldc) {
  parallel_ranges(team(ctx, m * n * k / 16), n, 4, [=](int64_t begin, int64_t end) {
    for (int64_t j = begin; j < end; j += 4) {
      const float* columns[4];
      for (int64_t i = 0; i < 4; ++i) columns[i] = b + (j + i < n ? j + i : n - 1) * ldb;
      for (int64_t r = 0; r < m; r += kDotRows) {
        const float* rows[kDotRows];
        for (int64_t i = 0; i < kDotRows; ++i) rows[i] = a + (r + i < m ? r + i : m - 1) * lda;
        float sums[kLanes];
        dot_tile(k, rows, columns, r == 0 ? 4 * ldb : 0, sums);
        for (int64_t i = 0; i < kDotRows && r + i < m; ++i) {
          for (int64_t v = 0; v < 4 && j + v < n; ++v) {
            float* to = c + (r + i) * ldc + j + v;
            *to = blend(alpha, sums[i * 4 + v], beta, to);
          }
        }
      }
    }
  });
}

// oneDNN is fast at C' = B' A with few rows and slow at C = A' B with few columns: C' is computed aside.
void tall(const Context& ctx, int64_t m, int64_t n, int64_t k, float alpha, const float* a, int64_t lda, const float* b, int64_t ldb,
          float beta, float* c, int64_t ldc) {
  float* sums = cpu::scratch(n * m);
  cpu::dense_gemm(ctx, true, false, n, m, k, alpha, b, ldb, a, lda, 0.0f, sums, m);
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) c[i * ldc + j] = blend(1.0f, sums[j * m + i], beta, c + i * ldc + j);
  }
}

}  // namespace

void gemm(const Context& ctx, bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, float alpha, const float* a, int64_t lda,
          const float* b, int64_t ldb, float beta, float* c, int64_t ldc) {
  if (n > 0 && n <= kThin && m >= kBigEnough && k >= kBigEnough) {
    if (!trans_a) return narrow(ctx, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    if (!trans_b) return tall(ctx, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  }
  if (!trans_a && trans_b && m <= kFewRows && n >= kBigEnough && k >= kBigEnough) return few(ctx, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  cpu::dense_gemm(ctx, trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

}  // namespace attune::ATTUNE_ISA
