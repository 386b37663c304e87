// Attention over packed sequences, forward: per sequence and head, K transposed and V packed once, then blocks of queries whose
// scores stay in the second cache; softmax in place; the division by its sum waits for the (narrower) output.
#include "kernels/cpu/vector/attention.h"

namespace attune::ATTUNE_ISA {
namespace {

struct Forward {
  const AttentionShape* shape;
  const float *q, *k, *v;
  int64_t q_pitch, k_pitch, v_pitch;
  float* out;
  int64_t out_pitch;
  float* lse;
};

// Exponentials of one row of scores in place, dropout applied, zeros from n to `width`. Gives 1 / sum and the log-sum-exp.
template <bool kDrop>
ATTUNE_INLINE void softmax_row(int64_t n, int64_t width, float scale, float* row, const RowMask& mask, float* inverse, float* lse) {
  if (n == 0) {
    for (int64_t j = 0; j < width; ++j) row[j] = 0.0f;
    *inverse = 0.0f;
    *lse = -__builtin_inff();
    return;
  }
  F best = set1(-__builtin_inff()), total = {};
  int64_t j = 0;
  for (; j + kLanes <= n; j += kLanes) best = vmax(load(row + j) * scale, best);
  if (j < n) best = vmax((I)(lane_numbers() < set1u(static_cast<uint32_t>(n - j))) ? load(row + j) * scale : best, best);
  const float m = top(best);
  for (j = 0; j + kLanes <= n; j += kLanes) {
    F p = vexp_below_88(load(row + j) * scale - m);
    total = total + p;
    if (kDrop) p = p * keep_factor(mask, j);
    store(row + j, p);
  }
  if (j < n) {
    F p = first(vexp_below_88(load(row + j) * scale - m), n - j);
    total = total + p;
    if (kDrop) p = p * keep_factor(mask, j);
    store(row + j, p);
    j += kLanes;
  }
  for (; j < width; j += kLanes) store(row + j, F{});
  const float s = sum(total);
  *inverse = 1.0f / s;
  *lse = m + __builtin_logf(s);
}

// Softmax of rows [first_row, first_row + m) of the sequence and the output rows from them; `right` computes the product with V.
ATTUNE_INLINE void softmax_rows(const Forward& f, const Mask& mask, const Piece& at, int64_t first_row, int64_t m, int64_t width,
                                float* scores, int64_t ld, float* inverse) {
  const int64_t d = f.shape->head_dim, next = (at.head + 1) * d, next_kv = (at.kv + 1) * d;
  for (int64_t i = 0; i < m; ++i) {
    const int64_t t = at.q_begin + first_row + i;
    prefetch(f.out, t, f.out_pitch, at.head * d, d);
    prefetch(f.q, t, f.q_pitch, next, d);
    if (at.last_of_group && first_row + i < at.k_len) {
      prefetch(f.k, at.k_begin + first_row + i, f.k_pitch, next_kv, d);
      prefetch(f.v, at.k_begin + first_row + i, f.v_pitch, next_kv, d);
    }
    const int64_t n = visible(*f.shape, first_row + i, at.q_len, at.k_len);
    float lse;
    if (mask.row_keys) {
      softmax_row<true>(n, width, f.shape->scale, scores + i * ld, row_mask(mask, at.dropout_key, t), inverse + i, &lse);
    } else {
      softmax_row<false>(n, width, f.shape->scale, scores + i * ld, RowMask{}, inverse + i, &lse);
    }
    if (f.lse) f.lse[t * f.shape->heads + at.head] = lse;
  }
}

ATTUNE_INLINE void write_rows(const Forward& f, const Piece& at, int64_t first_row, int64_t m, const float* from, int64_t ld,
                              const float* inverse) {
  const int64_t d = f.shape->head_dim;
  for (int64_t i = 0; i < m; ++i) {
    float* to = f.out + (at.q_begin + first_row + i) * f.out_pitch + at.head * d;
    const float* row = from + i * ld;
    const float by = inverse[i];
    int64_t e = 0;
    for (; e + kLanes <= d; e += kLanes) store(to + e, load(row + e) * by);
    if (e < d) store_part(to + e, load(row + e) * by, d - e);
  }
}

// Few queries: K and V are read once, in place.
void forward_few(const Forward& f, const Mask& mask, const Piece& at, float* memory) {
  const int64_t d = f.shape->head_dim, width = vectors_for(at.k_len) * kLanes;
  const float* q = f.q + at.q_begin * f.q_pitch + at.head * d;
  const float* k = f.k + at.k_begin * f.k_pitch + at.kv * d;
  const float* v = f.v + at.k_begin * f.v_pitch + at.kv * d;
  float* scores = memory;
  float* rows = scores + kFewRows * width;
  float inverse[kFewRows];
  row_dots(at.q_len, at.k_len, d, q, f.q_pitch, k, f.k_pitch, scores, width);
  softmax_rows(f, mask, at, 0, at.q_len, width, scores, width, inverse);
  product<false>(at.q_len, d / kLanes, at.k_len, scores, width, v, f.v_pitch, rows, d, false);
  write_rows(f, at, 0, at.q_len, rows, d, inverse);
}

void forward_piece(const Forward& f, const Mask& mask, const Piece& at, float* memory) {
  if (at.q_len == 0) return;
  const int64_t d = f.shape->head_dim;
  if (takes_few(at, d)) return forward_few(f, mask, at, memory);
  const int64_t vectors = vectors_for(at.k_len), dv = vectors_for(d), dp = dv * kLanes, ld = score_pitch(at.k_len);
  const float* q = f.q + at.q_begin * f.q_pitch + at.head * d;
  float* kt = memory;
  float* vp = kt + vectors * kLanes * d;
  float* scores = vp + at.k_len * dp;
  float* rows = scores + kBlock * ld;  // queries of a block, then their output
  float inverse[kBlock];
  if (at.first_of_group) {
    pack_transposed(at.k_len, d, f.k + at.k_begin * f.k_pitch + at.kv * d, f.k_pitch, kt);
    pack_rows(at.k_len, d, f.v + at.k_begin * f.v_pitch + at.kv * d, f.v_pitch, vp);
  }
  for (int64_t i = 0; i < at.q_len; i += kBlock) {
    const int64_t m = at.q_len - i < kBlock ? at.q_len - i : kBlock;
    const int64_t n = visible(*f.shape, i + m - 1, at.q_len, at.k_len), used = vectors_for(n);
    pack_rows(m, d, q + i * f.q_pitch, f.q_pitch, rows);
    product_packed(m, used, vectors, d, rows, dp, kt, scores, ld);
    softmax_rows(f, mask, at, i, m, used * kLanes, scores, ld, inverse);
    product<false>(m, dv, n, scores, ld, vp, dp, rows, dp, false);
    write_rows(f, at, i, m, rows, dp, inverse);
  }
}

}  // namespace

void attention(const Context& ctx, const AttentionShape& shape, const float* q, int64_t q_pitch, const float* k, int64_t k_pitch,
               const float* v, int64_t v_pitch, float* out, int64_t out_pitch, float* lse) {
  const cpu::AttentionPlan plan = cpu::plan_attention(shape);
  const int64_t d = shape.head_dim, dp = vectors_for(d) * kLanes, wide = vectors_for(plan.most_keys) * kLanes;
  const int64_t each = aligned(wide * d + plan.most_keys * dp + kBlock * score_pitch(plan.most_keys) + kBlock * dp);
  const Forward f = {&shape, q, k, v, q_pitch, k_pitch, v_pitch, out, out_pitch, lse};
  const Mask mask = mask_of(shape.dropout);
  run_pieces(ctx, shape, plan, each, [&](const Piece& at, float* memory) { forward_piece(f, mask, at, memory); });
}

}  // namespace attune::ATTUNE_ISA
