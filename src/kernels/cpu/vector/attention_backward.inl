// Attention's backward pass: per sequence and head, blocks of queries; probabilities come back from the kept log-sum-exp.
//   P = exp(scale q k' - lse), M dropout;  dV = (P M)' dO,  dS = scale P (M (dO V') - dO.O),  dQ = dS K,  dK = dS' Q
#include "kernels/cpu/vector/attention.h"

namespace attune::ATTUNE_ISA {
namespace {

struct Backward {
  const AttentionShape* shape;
  const float *q, *k, *v, *out, *lse, *dout;
  int64_t q_pitch, k_pitch, v_pitch, out_pitch, dout_pitch;
  float *dq, *dk, *dv;
  int64_t dq_pitch, dk_pitch, dv_pitch;
};

// Scores become P M, dp (M-free: dO V') becomes dS; zeros from n to width. kSlope: dp is wanted.
template <bool kDrop, bool kSlope>
ATTUNE_INLINE void slope_row(int64_t n, int64_t width, float scale, float lse, float delta, const RowMask& mask, float* scores, float* dp) {
  const auto lane = [&](int64_t j, int64_t count) {
    F p = vexp_below_88(load(scores + j) * scale - lse);
    if (count < kLanes) p = first(p, count);
    F keep = set1(1.0f);
    if (kDrop) keep = keep_factor(mask, j);
    if (kSlope) store(dp + j, p * (keep * load(dp + j) - delta) * scale);
    store(scores + j, p * keep);
  };
  int64_t j = 0;
  for (; j + kLanes <= n; j += kLanes) lane(j, kLanes);
  if (j < n) lane(j, n - j), j += kLanes;
  for (; j < width; j += kLanes) {
    store(scores + j, F{});
    if (kSlope) store(dp + j, F{});
  }
}

ATTUNE_INLINE float row_dot(int64_t d, const float* a, const float* b) {
  F total = {};
  int64_t e = 0;
  for (; e + kLanes <= d; e += kLanes) total = total + load(a + e) * load(b + e);
  if (e < d) total = total + load_part(a + e, d - e) * load_part(b + e, d - e);
  return sum(total);
}

ATTUNE_INLINE void slope_rows(const Backward& g, const Mask& mask, const Piece& at, int64_t first_row, int64_t m, int64_t width,
                              float* scores, float* dp, int64_t ld, bool slope) {
  const int64_t d = g.shape->head_dim;
  for (int64_t i = 0; i < m; ++i) {
    const int64_t t = at.q_begin + first_row + i, column = at.head * d, kv = at.kv * d;
    prefetch(g.q, t, g.q_pitch, column + d, d);
    prefetch(g.out, t, g.out_pitch, column + d, d);
    prefetch(g.dout, t, g.dout_pitch, column + d, d);
    if (g.dq) prefetch(g.dq, t, g.dq_pitch, column, d);
    if (at.last_of_group && first_row + i < at.k_len) {
      const int64_t key = at.k_begin + first_row + i;
      prefetch(g.k, key, g.k_pitch, kv + d, d);
      prefetch(g.v, key, g.v_pitch, kv + d, d);
      if (g.dk) prefetch(g.dk, key, g.dk_pitch, kv, d);
      if (g.dv) prefetch(g.dv, key, g.dv_pitch, kv, d);
    }
    const int64_t n = visible(*g.shape, first_row + i, at.q_len, at.k_len);
    const float lse = g.lse[t * g.shape->heads + at.head];
    const float delta = slope ? row_dot(d, g.dout + t * g.dout_pitch + column, g.out + t * g.out_pitch + column) : 0.0f;
    const auto run = [&](auto fn, const RowMask& row) { fn(n, width, g.shape->scale, lse, delta, row, scores + i * ld, dp + i * ld); };
    if (mask.row_keys) {
      const RowMask row = row_mask(mask, at.dropout_key, t);
      slope ? run(slope_row<true, true>, row) : run(slope_row<true, false>, row);
    } else {
      slope ? run(slope_row<false, true>, RowMask{}) : run(slope_row<false, false>, RowMask{});
    }
  }
}

// Y (n, d) (+)= w (n) x (d), the outer product of one query with its keys.
ATTUNE_INLINE void outer(int64_t n, int64_t d, const float* w, const float* x, float* y, int64_t pitch, bool add) {
  for (int64_t j = 0; j < n; ++j) {
    for (int64_t e = 0; e < d; e += kLanes) {
      const F value = load(x + e) * w[j];
      store(y + j * pitch + e, add ? load(y + j * pitch + e) + value : value);
    }
  }
}

void backward_few(const Backward& g, const Mask& mask, const Piece& at, float* memory) {
  const int64_t d = g.shape->head_dim, column = at.head * d, kv = at.kv * d, width = vectors_for(at.k_len) * kLanes, m = at.q_len;
  const float* q = g.q + at.q_begin * g.q_pitch + column;
  const float* k = g.k + at.k_begin * g.k_pitch + kv;
  const float* v = g.v + at.k_begin * g.v_pitch + kv;
  const float* dout = g.dout + at.q_begin * g.dout_pitch + column;
  float* scores = memory;
  float* dp = scores + kFewRows * width;
  const bool slope = g.dq || g.dk;
  row_dots(m, at.k_len, d, q, g.q_pitch, k, g.k_pitch, scores, width);
  if (slope) row_dots(m, at.k_len, d, dout, g.dout_pitch, v, g.v_pitch, dp, width);
  slope_rows(g, mask, at, 0, m, width, scores, dp, width, slope);
  if (g.dq) product<false>(m, d / kLanes, at.k_len, dp, width, k, g.k_pitch, g.dq + at.q_begin * g.dq_pitch + column, g.dq_pitch, false);
  for (int64_t i = 0; i < m; ++i) {
    const bool add = i > 0 || !at.first_of_group;
    if (g.dk) outer(at.k_len, d, dp + i * width, q + i * g.q_pitch, g.dk + at.k_begin * g.dk_pitch + kv, g.dk_pitch, add);
    if (g.dv) outer(at.k_len, d, scores + i * width, dout + i * g.dout_pitch, g.dv + at.k_begin * g.dv_pitch + kv, g.dv_pitch, add);
  }
}

void zero_rows(int64_t n, int64_t d, float* to, int64_t pitch) {
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t e = 0; e < d; ++e) to[i * pitch + e] = 0.0f;
  }
}

// The floats backward_piece lays out, for the longest sequence.
int64_t backward_memory(int64_t keys, int64_t d) {
  const int64_t dp = vectors_for(d) * kLanes, wide = vectors_for(keys) * kLanes;
  return aligned(2 * wide * d + 3 * keys * dp + 2 * kBlock * score_pitch(keys) + 3 * kBlock * dp);
}

void backward_piece(const Backward& g, const Mask& mask, const Piece& at, float* memory) {
  const int64_t d = g.shape->head_dim, column = at.head * d, kv = at.kv * d;
  if (at.q_len == 0) {
    if (g.dk) zero_rows(at.k_len, d, g.dk + at.k_begin * g.dk_pitch + kv, g.dk_pitch);
    if (g.dv) zero_rows(at.k_len, d, g.dv + at.k_begin * g.dv_pitch + kv, g.dv_pitch);
    return;
  }
  if (takes_few(at, d)) return backward_few(g, mask, at, memory);
  const int64_t vectors = vectors_for(at.k_len), dv = vectors_for(d), dp = dv * kLanes, ld = score_pitch(at.k_len);
  const float* k = g.k + at.k_begin * g.k_pitch + kv;
  const bool slope = g.dq || g.dk;
  float* kt = memory;
  float* vt = kt + vectors * kLanes * d;
  float* kp = vt + vectors * kLanes * d;
  float* dk = kp + at.k_len * dp;
  float* dvs = dk + at.k_len * dp;
  float* q_rows = dvs + at.k_len * dp;
  float* do_rows = q_rows + kBlock * dp;
  float* dq_rows = do_rows + kBlock * dp;
  float* scores = dq_rows + kBlock * dp;
  float* slopes = scores + kBlock * ld;
  if (at.first_of_group) {
    pack_transposed(at.k_len, d, k, g.k_pitch, kt);
    if (slope) pack_transposed(at.k_len, d, g.v + at.k_begin * g.v_pitch + kv, g.v_pitch, vt);
    if (g.dq) pack_rows(at.k_len, d, k, g.k_pitch, kp);
    if (g.dk) zero_rows(1, at.k_len * dp, dk, 0);
    if (g.dv) zero_rows(1, at.k_len * dp, dvs, 0);
  }
  for (int64_t i = 0; i < at.q_len; i += kBlock) {
    const int64_t m = at.q_len - i < kBlock ? at.q_len - i : kBlock;
    const int64_t n = visible(*g.shape, i + m - 1, at.q_len, at.k_len), used = vectors_for(n);
    pack_rows(m, d, g.q + (at.q_begin + i) * g.q_pitch + column, g.q_pitch, q_rows);
    pack_rows(m, d, g.dout + (at.q_begin + i) * g.dout_pitch + column, g.dout_pitch, do_rows);
    product_packed(m, used, vectors, d, q_rows, dp, kt, scores, ld);
    if (slope) product_packed(m, used, vectors, d, do_rows, dp, vt, slopes, ld);
    slope_rows(g, mask, at, i, m, used * kLanes, scores, slopes, ld, slope);
    if (g.dv) product<true>(n, dv, m, scores, ld, do_rows, dp, dvs, dp, true);
    if (g.dk) product<true>(n, dv, m, slopes, ld, q_rows, dp, dk, dp, true);
    if (g.dq) {
      product<false>(m, dv, n, slopes, ld, kp, dp, dq_rows, dp, false);
      unpack_rows(m, d, dq_rows, g.dq + (at.q_begin + i) * g.dq_pitch + column, g.dq_pitch);
    }
  }
  if (!at.last_of_group) return;
  if (g.dk) unpack_rows(at.k_len, d, dk, g.dk + at.k_begin * g.dk_pitch + kv, g.dk_pitch);
  if (g.dv) unpack_rows(at.k_len, d, dvs, g.dv + at.k_begin * g.dv_pitch + kv, g.dv_pitch);
}

}  // namespace

void attention_backward(const Context& ctx, const AttentionShape& shape, const float* q, int64_t q_pitch, const float* k, int64_t k_pitch,
                        const float* v, int64_t v_pitch, const float* out, int64_t out_pitch, const float* lse, const float* dout,
                        int64_t dout_pitch, float* dq, int64_t dq_pitch, float* dk, int64_t dk_pitch, float* dv, int64_t dv_pitch) {
  if (!dq && !dk && !dv) return;
  const cpu::AttentionPlan plan = cpu::plan_attention(shape);
  const Backward g = {&shape,  q,         k,          v,  out, lse, dout,     q_pitch,  k_pitch,
                      v_pitch, out_pitch, dout_pitch, dq, dk,  dv,  dq_pitch, dk_pitch, dv_pitch};
  const Mask mask = mask_of(shape.dropout);
  run_pieces(ctx, shape, plan, backward_memory(plan.most_keys, shape.head_dim),
             [&](const Piece& at, float* memory) { backward_piece(g, mask, at, memory); });
}

}  // namespace attune::ATTUNE_ISA
