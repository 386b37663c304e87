// The specification of every kernel: plain loops over elements, sums in double, one thread. Nothing here is tuned; cpu/ is compared
// with it, and a run can be repeated on it (ATTUNE_ISA=reference) to find a wrong kernel.
#pragma once

#include <cmath>

#include "base/random.h"
#include "kernels/kernels.h"

namespace attune::reference {

/// What dropout multiplies element (t, channel) by: 0 or 1 / (1 - p). `module_key` is the key of the module (and head).
inline double dropout_factor(const Dropout& d, uint64_t module_key, int64_t t, int64_t channel) {
  if (d.p <= 0.0f) return 1.0;
  const uint32_t hash = dropout_hash(mix_key(d.row_keys[t], module_key), static_cast<uint32_t>(channel));
  const double p = static_cast<double>(d.p);
  return static_cast<double>(hash) >= p * 0x1p32 ? 1.0 / (1.0 - p) : 0.0;
}

double activate(Activation act, double x);
double activate_slope(Activation act, double x);

void gemm(const Context&, bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, float alpha, const float* a, int64_t lda,
          const float* b, int64_t ldb, float beta, float* c, int64_t ldc);
void int8_products(const Context&, int64_t t, int64_t k, const Int8Source&, int terms, int count, const Int8Product*);
void bias_activation(const Context&, int64_t t, int64_t c, const float* bias, Activation act, float* u, int64_t u_pitch, float* y,
                     int64_t y_pitch);
void activation_backward(const Context&, int64_t t, int64_t c, Activation act, const float* u, int64_t u_pitch, const float* dy,
                         int64_t dy_pitch, float* dx, int64_t dx_pitch);
void bias_backward(const Context&, int64_t t, int64_t c, const float* dy, int64_t dy_pitch, float* dbias);
void dropout_add_layer_norm(const Context&, int64_t t, int64_t c, const Dropout&, const float* x, const float* residual, const float* gamma,
                            const float* beta, float eps, float* s, float* y, float* mean, float* rstd);
void dropout_add_layer_norm_backward(const Context&, int64_t t, int64_t c, const Dropout&, const float* s, const float* gamma,
                                     const float* mean, const float* rstd, const float* dy, float* ds, float* dx, float* dgamma,
                                     float* dbeta);
void rms_norm(const Context&, int64_t t, int64_t c, const float* x, const float* gamma, float eps, float* y, float* rstd);
void rms_norm_backward(const Context&, int64_t t, int64_t c, const float* x, const float* gamma, const float* rstd, const float* dy,
                       float* dx, float* dgamma);
void rotary(const Context&, int64_t t, int64_t heads, int64_t d, const float* table, float sign, const float* x, int64_t x_pitch, float* y,
            int64_t y_pitch);
void gated(const Context&, int64_t t, int64_t c, Activation act, const float* gate, int64_t gate_pitch, const float* up, int64_t up_pitch,
           float* y, int64_t y_pitch);
void gated_backward(const Context&, int64_t t, int64_t c, Activation act, const float* gate, int64_t gate_pitch, const float* up,
                    int64_t up_pitch, const float* dy, int64_t dy_pitch, float* dgate, float* dup, int64_t d_pitch);
void dropout(const Context&, int64_t t, int64_t c, const Dropout&, const float* x, int64_t x_pitch, float* y, int64_t y_pitch);
void embedding(const Context&, int64_t t, int64_t c, const int32_t* ids, const float* table, float beta, float* y);
void embedding_backward(const Context&, int64_t t, int64_t c, int64_t v, const int32_t* ids, int32_t skip, const float* dy, float* dtable);
void gather_rows(const Context&, int64_t r, int64_t c, const int64_t* rows, const float* x, int64_t x_pitch, float* y, int64_t y_pitch);
void scatter_add_rows(const Context&, int64_t r, int64_t c, const int64_t* rows, const float* dy, int64_t dy_pitch, float* dx,
                      int64_t dx_pitch);
void attention(const Context&, const AttentionShape&, const float* q, int64_t q_pitch, const float* k, int64_t k_pitch, const float* v,
               int64_t v_pitch, float* out, int64_t out_pitch, float* lse);
void attention_backward(const Context&, const AttentionShape&, const float* q, int64_t q_pitch, const float* k, int64_t k_pitch,
                        const float* v, int64_t v_pitch, const float* out, int64_t out_pitch, const float* lse, const float* dout,
                        int64_t dout_pitch, float* dq, int64_t dq_pitch, float* dk, int64_t dk_pitch, float* dv, int64_t dv_pitch);
void cross_entropy(const Context&, int64_t r, int64_t v, const float* logits, int64_t pitch, const int32_t* labels, const float* weight,
                   float smoothing, float* loss, float* dlogits);
void axpby(const Context&, int64_t n, float a, const float* x, float beta, float* y);
double sum_of_squares(const Context&, int64_t n, const float* x);
bool all_finite(const Context&, int64_t n, const float* x);
void adamw(const Context&, int64_t n, const AdamWStep&, float* p, const float* g, float* m, float* v);

}  // namespace attune::reference
