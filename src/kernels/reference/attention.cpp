// Scaled dot-product attention (Vaswani et al., 2017) over packed sequences, one query row at a time. The backward pass recomputes
// the probabilities from the kept log-sum-exp (Dao et al., FlashAttention, 2022):
//   P = exp(scale q k' - lse), M = dropout factors, O = (P M) V
//   dV = (P M)' dO,  dP = M (dO V'),  dS = P (dP - dO.O),  dQ = scale dS K,  dK = scale dS' Q
#include <limits>
#include <vector>

#include "kernels/reference/reference.h"

namespace attune::reference {

namespace {

double dot(const float* a, const float* b, int64_t n) {
  double sum = 0.0;
  for (int64_t i = 0; i < n; ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

// How many keys of its sequence query i of q_len sees.
int64_t visible(const AttentionShape& shape, int64_t i, int64_t q_len, int64_t k_len) {
  if (!shape.causal) return k_len;
  const int64_t n = i + 1 + (k_len - q_len);
  return n < 0 ? 0 : n;
}

}  // namespace

void attention(const Context&, const AttentionShape& shape, const float* q, int64_t q_pitch, const float* k, int64_t k_pitch,
               const float* v, int64_t v_pitch, float* out, int64_t out_pitch, float* lse) {
  const int64_t d = shape.head_dim, group = shape.group();
  std::vector<double> p, row(static_cast<size_t>(d));
  for (int64_t b = 0; b < shape.sequences; ++b) {
    const int64_t q_begin = shape.q_starts[b], q_len = shape.q_starts[b + 1] - q_begin;
    const int64_t k_begin = shape.k_starts[b], k_len = shape.k_starts[b + 1] - k_begin;
    for (int64_t h = 0; h < shape.heads; ++h) {
      for (int64_t i = 0; i < q_len; ++i) {
        const int64_t t = q_begin + i, n = visible(shape, i, q_len, k_len);
        p.assign(static_cast<size_t>(n), 0.0);
        double top = -std::numeric_limits<double>::infinity(), sum = 0.0;
        for (int64_t j = 0; j < n; ++j) {
          p[j] = shape.scale * dot(q + t * q_pitch + h * d, k + (k_begin + j) * k_pitch + h / group * d, d);
          top = p[j] > top ? p[j] : top;
        }
        for (int64_t j = 0; j < n; ++j) sum += std::exp(p[j] - top);
        const double total = n > 0 ? top + std::log(sum) : top;
        row.assign(static_cast<size_t>(d), 0.0);
        for (int64_t j = 0; j < n; ++j) {
          const double w =
              std::exp(p[j] - total) * dropout_factor(shape.dropout, shape.dropout.module_key + static_cast<uint64_t>(h), t, j);
          for (int64_t e = 0; e < d; ++e) row[e] += w * v[(k_begin + j) * v_pitch + h / group * d + e];
        }
        for (int64_t e = 0; e < d; ++e) out[t * out_pitch + h * d + e] = static_cast<float>(row[e]);
        if (lse) lse[t * shape.heads + h] = static_cast<float>(total);
      }
    }
  }
}

void attention_backward(const Context&, const AttentionShape& shape, const float* q, int64_t q_pitch, const float* k, int64_t k_pitch,
                        const float* v, int64_t v_pitch, const float* out, int64_t out_pitch, const float* lse, const float* dout,
                        int64_t dout_pitch, float* dq, int64_t dq_pitch, float* dk, int64_t dk_pitch, float* dv, int64_t dv_pitch) {
  const int64_t d = shape.head_dim, group = shape.group();
  std::vector<double> sum_q(static_cast<size_t>(d)), sum_k, sum_v;
  for (int64_t b = 0; b < shape.sequences; ++b) {
    const int64_t q_begin = shape.q_starts[b], q_len = shape.q_starts[b + 1] - q_begin;
    const int64_t k_begin = shape.k_starts[b], k_len = shape.k_starts[b + 1] - k_begin;
    for (int64_t h = 0; h < shape.heads; ++h) {
      if (h % group == 0) {
        sum_k.assign(static_cast<size_t>(k_len * d), 0.0);
        sum_v.assign(static_cast<size_t>(k_len * d), 0.0);
      }
      for (int64_t i = 0; i < q_len; ++i) {
        const int64_t t = q_begin + i, n = visible(shape, i, q_len, k_len);
        const float* q_row = q + t * q_pitch + h * d;
        const float* do_row = dout + t * dout_pitch + h * d;
        const double delta = dot(do_row, out + t * out_pitch + h * d, d);
        sum_q.assign(static_cast<size_t>(d), 0.0);
        for (int64_t j = 0; j < n; ++j) {
          const float* k_row = k + (k_begin + j) * k_pitch + h / group * d;
          const float* v_row = v + (k_begin + j) * v_pitch + h / group * d;
          const double p = std::exp(shape.scale * dot(q_row, k_row, d) - lse[t * shape.heads + h]);
          const double factor = dropout_factor(shape.dropout, shape.dropout.module_key + static_cast<uint64_t>(h), t, j);
          const double ds = shape.scale * p * (factor * dot(do_row, v_row, d) - delta);
          for (int64_t e = 0; e < d; ++e) {
            sum_q[e] += ds * k_row[e];
            sum_k[j * d + e] += ds * q_row[e];
            sum_v[j * d + e] += p * factor * do_row[e];
          }
        }
        for (int64_t e = 0; dq && e < d; ++e) dq[t * dq_pitch + h * d + e] = static_cast<float>(sum_q[e]);
      }
      for (int64_t j = 0; (h + 1) % group == 0 && j < k_len; ++j) {
        for (int64_t e = 0; e < d; ++e) {
          if (dk) dk[(k_begin + j) * dk_pitch + h / group * d + e] = static_cast<float>(sum_k[j * d + e]);
          if (dv) dv[(k_begin + j) * dv_pitch + h / group * d + e] = static_cast<float>(sum_v[j * d + e]);
        }
      }
    }
  }
}

}  // namespace attune::reference
