// The whole contract of a device: one table of functions. reference/ is the specification (plain loops, double accumulation);
// cpu/ starts as a copy of it and overrides entries with fast code chosen by CPU features.
//
// Conventions: T tokens (rows), C channels, H heads, D head size, V table rows, R rows read. Matrices are row-major; `pitch` is the
// number of elements between the starts of two rows. Gradients are dx, dweight. Gradients of parameters ADD to what is there;
// outputs and gradients of activations ASSIGN, unless a `beta` argument says otherwise. Shapes are checked in ops/, once; kernels trust them.
// A null entry means not available. Same build, machine and thread count: same bits.
#pragma once

#include <cstdint>

namespace attune {

struct Kernels;
class Tape;

/// What every kernel and op gets: the device's table, the threads to use, and what ops/ needs to know about the pass.
struct Context {
  const Kernels* kernels = nullptr;
  int threads = 1;
  Tape* tape = nullptr;   ///< null: nothing is recorded (inference)
  bool training = false;  ///< dropout acts
};

enum class Activation { kNone, kGelu, kGeluNew, kRelu, kSilu, kTanh };  // gelu = exact (erf); gelu_new = tanh form

/// Dropout keeps element (t, c) when dropout_hash(mix_key(row_keys[t], module_key), c) >= p * 2^32 and scales it by 1 / (1 - p).
/// row_keys[t] is made of seed, epoch, row id and token position, so a mask depends on nothing else (docs/design.md, section 3.5).
struct Dropout {
  float p = 0.0f;
  const uint64_t* row_keys = nullptr;  ///< (T)
  uint64_t module_key = 0;
};

/// A 32-bit hash of a 64-bit key and a channel ("lowbias32" by C. Wellons with the key's halves mixed in).
constexpr uint32_t dropout_hash(uint64_t key, uint32_t channel) {
  uint32_t x = static_cast<uint32_t>(key) + channel * 0x9e3779b9u;
  x ^= x >> 16;
  x *= 0x7feb352du;
  x ^= static_cast<uint32_t>(key >> 32);
  x ^= x >> 15;
  x *= 0x846ca68bu;
  x ^= x >> 16;
  return x;
}

/// Attention over packed sequences. Query rows of sequence b are [q_starts[b], q_starts[b+1]), its keys and values
/// [k_starts[b], k_starts[b+1]); the two differ when only some rows are read (last layer) or keys are cached.
/// Head h uses columns [h*D, (h+1)*D) of q and out; with KV key/value heads it uses columns [g*D, (g+1)*D) of k and v, g = h / (H / KV).
/// Causal: query i (of n) sees keys up to i + (k_len - q_len).
/// Dropout acts on the probabilities: element (query row t, head h, key j of its sequence) is kept when
/// dropout_hash(mix_key(row_keys[t], module_key + h), j) >= p * 2^32.
struct AttentionShape {
  int64_t sequences = 0, heads = 0, head_dim = 0;
  const int64_t* q_starts = nullptr;  ///< (B + 1)
  const int64_t* k_starts = nullptr;  ///< (B + 1)
  float scale = 1.0f;
  bool causal = false;
  Dropout dropout;  ///< row_keys: one a query row
  int64_t kv_heads = 0;  ///< a divisor of heads; 0: as many as heads
  int64_t group() const { return kv_heads > 0 ? heads / kv_heads : 1; }  ///< query heads that share one key/value head
};

/// AdamW as PyTorch computes it (docs/formats of training, 9.2). `gradient_scale` multiplies g first (clipping, 1 / count).
struct AdamWStep {
  float lr, beta1, beta2, eps, weight_decay;
  float bias_correction1, bias_correction2;  ///< 1 - beta^t
  float gradient_scale = 1.0f;
};

/// A frozen matrix at 8 bits in the layout of quant/packed_int8.h: N outputs, K inner.
struct Int8Weight {
  int64_t n = 0, k = 0;
  const int8_t* data = nullptr;
  const float* scale = nullptr;           ///< (N)
  const int32_t* compensation = nullptr;  ///< (blocks of K, N up to whole panels)
  const float* x_scale = nullptr;         ///< (K) what the input is multiplied by before it is quantised; null: ones
};

/// What an int8 product quantises: x (T, K), act(u), or x * act'(u). Pre-activations u are bf16: half the memory of the widest tensor of a
/// layer, at an error (2^-9) far below that of 8 bits.
enum class Int8Input { kPlain, kActivation, kSlope };
struct Int8Source {
  const float* x = nullptr;
  int64_t x_pitch = 0;
  Int8Input input = Int8Input::kPlain;
  Activation act = Activation::kNone;
  const uint16_t* u = nullptr;
  int64_t u_pitch = 0;
};

/// One product of an input: y (T, N) = product + bias + beta * y. bias may be null; beta 0 never reads y. With y_bf16 the result goes there
/// instead, rounded to nearest even (beta 0 only).
struct Int8Product {
  Int8Weight w;
  const float* bias = nullptr;
  float beta = 0.0f;
  float* y = nullptr;
  int64_t y_pitch = 0;
  uint16_t* y_bf16 = nullptr;
};

struct Kernels {
  const char* name;  ///< "reference", "cpu-sse2", "cpu-avx2", "cpu-avx2vnni", "cpu-avx512", "cpu-avx512vnni"
  int int8_limit;    ///< largest code of a weight that int8_products takes without saturating: 127, or 63 where 16-bit sums are used
  bool int8_fast;    ///< int8_products is faster than gemm

  /// C (m, n) = alpha * op(A) (m, k) * op(B) (k, n) + beta * C. trans: op transposes the stored matrix. beta 0 never reads C.
  void (*gemm)(const Context&, bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, float alpha, const float* a, int64_t lda,
               const float* b, int64_t ldb, float beta, float* c, int64_t ldc);

  /// Products of one input with frozen matrices at 8 bits. Each row of the input (times x_scale) is quantised in blocks b of 128 elements,
  /// q = round_half_even(x * (127 / max|x|)), s = max|x| / 127 over the block, so y[r][n] = scale[n] * sum_b s[r][b] sum_k q[r][k] B[n][k]:
  /// exact integer sums within a block, a result that depends on its row alone. A row with a NaN or infinity gives a row that is not
  /// finite. terms 2: what rounding left of x is quantised again and its product added.
  void (*int8_products)(const Context&, int64_t t, int64_t k, const Int8Source&, int terms, int count, const Int8Product*);

  /// u (T, C) += bias (C) in place, y (T, C) = act(u). bias may be null; y may equal u when nothing later needs u; kNone: y is not written.
  void (*bias_activation)(const Context&, int64_t t, int64_t c, const float* bias, Activation act, float* u, int64_t u_pitch, float* y,
                          int64_t y_pitch);
  /// dx = dy * act'(u); dx may equal dy.
  void (*activation_backward)(const Context&, int64_t t, int64_t c, Activation act, const float* u, int64_t u_pitch, const float* dy,
                              int64_t dy_pitch, float* dx, int64_t dx_pitch);
  /// dbias (C) += column sums of dy (T, C).
  void (*bias_backward)(const Context&, int64_t t, int64_t c, const float* dy, int64_t dy_pitch, float* dbias);

  /// s (T, C) = dropout(x) + residual, y = layer_norm(s) * gamma + beta (biased variance). residual may be null; s is always written
  /// (it may equal x); mean and rstd (T) are kept for backward. All contiguous.
  void (*dropout_add_layer_norm)(const Context&, int64_t t, int64_t c, const Dropout&, const float* x, const float* residual,
                                 const float* gamma, const float* beta, float eps, float* s, float* y, float* mean, float* rstd);
  /// ds (T, C) from dy; dx = dropout(ds) (dx may be null, or equal ds when p is 0); dgamma, dbeta (C) added to, each may be null.
  void (*dropout_add_layer_norm_backward)(const Context&, int64_t t, int64_t c, const Dropout&, const float* s, const float* gamma,
                                          const float* mean, const float* rstd, const float* dy, float* ds, float* dx, float* dgamma,
                                          float* dbeta);

  /// y (T, C) = x / sqrt(mean(x^2) + eps) * gamma; rstd (T) is kept for backward. Contiguous.
  void (*rms_norm)(const Context&, int64_t t, int64_t c, const float* x, const float* gamma, float eps, float* y, float* rstd);
  /// dx (T, C) from dy, dgamma (C) added to (null: not wanted).
  void (*rms_norm_backward)(const Context&, int64_t t, int64_t c, const float* x, const float* gamma, const float* rstd, const float* dy,
                            float* dx, float* dgamma);

  /// Rotary positions on H heads of D columns, D even: with angles a of row t, table (T, D) = cos a_0 ... cos a_{D/2-1}, sin a_0 ...:
  /// y[i] = x[i] cos a_i - x[i + D/2] sin a_i, y[i + D/2] = x[i + D/2] cos a_i + x[i] sin a_i. sign -1 turns back: the gradient. y may be x.
  void (*rotary)(const Context&, int64_t t, int64_t heads, int64_t d, const float* table, float sign, const float* x, int64_t x_pitch, float* y,
                 int64_t y_pitch);

  /// y (T, C) = act(gate) * up; pitches apart.
  void (*gated)(const Context&, int64_t t, int64_t c, Activation act, const float* gate, int64_t gate_pitch, const float* up, int64_t up_pitch,
                float* y, int64_t y_pitch);
  /// dgate = dy * up * act'(gate), dup = dy * act(gate); dy (T, C), dgate and dup of one pitch.
  void (*gated_backward)(const Context&, int64_t t, int64_t c, Activation act, const float* gate, int64_t gate_pitch, const float* up,
                         int64_t up_pitch, const float* dy, int64_t dy_pitch, float* dgate, float* dup, int64_t d_pitch);

  /// y = dropout(x); its own backward. y may equal x. Pitches apart.
  void (*dropout)(const Context&, int64_t t, int64_t c, const Dropout&, const float* x, int64_t x_pitch, float* y, int64_t y_pitch);

  /// y (T, C) = table[ids] + beta * y.
  void (*embedding)(const Context&, int64_t t, int64_t c, const int32_t* ids, const float* table, float beta, float* y);
  /// dtable[ids[t]] += dy[t], rows equal to `skip` (padding; -1: none) left alone. Order of additions is that of t.
  void (*embedding_backward)(const Context&, int64_t t, int64_t c, int64_t v, const int32_t* ids, int32_t skip, const float* dy, float* dtable);

  /// y (R, C) = x[rows]; x has pitch.
  void (*gather_rows)(const Context&, int64_t r, int64_t c, const int64_t* rows, const float* x, int64_t x_pitch, float* y, int64_t y_pitch);
  /// dx[rows] += dy; rows are distinct.
  void (*scatter_add_rows)(const Context&, int64_t r, int64_t c, const int64_t* rows, const float* dy, int64_t dy_pitch, float* dx,
                           int64_t dx_pitch);

  /// out (Tq, H*D); lse (Tq, H) = log-sum-exp of the scaled scores, kept for backward (null: not wanted). No S x S matrix is kept.
  void (*attention)(const Context&, const AttentionShape&, const float* q, int64_t q_pitch, const float* k, int64_t k_pitch, const float* v,
                    int64_t v_pitch, float* out, int64_t out_pitch, float* lse);
  /// dq, dk, dv assign; each may be null when not wanted. Rows of dk and dv no query sees get zero.
  void (*attention_backward)(const Context&, const AttentionShape&, const float* q, int64_t q_pitch, const float* k, int64_t k_pitch,
                             const float* v, int64_t v_pitch, const float* out, int64_t out_pitch, const float* lse, const float* dout,
                             int64_t dout_pitch, float* dq, int64_t dq_pitch, float* dk, int64_t dk_pitch, float* dv, int64_t dv_pitch);

  /// Per row: loss (R) = w[y] (1 - e) (-log p_y) + e / V * sum_c w[c] (-log p_c) (PyTorch's cross_entropy with weight and label
  /// smoothing, before the division by sum of w[y]); dlogits (R, V) its gradient, contiguous (null: not wanted; it
  /// may equal logits when pitch is V). label -100: loss 0, gradient 0. weight may be null.
  void (*cross_entropy)(const Context&, int64_t r, int64_t v, const float* logits, int64_t pitch, const int32_t* labels, const float* weight,
                        float smoothing, float* loss, float* dlogits);

  /// y = a * x + beta * y over n elements; beta 0 never reads y.
  void (*axpby)(const Context&, int64_t n, float a, const float* x, float beta, float* y);
  /// Sum of squares in double, in a fixed order whatever the thread count.
  double (*sum_of_squares)(const Context&, int64_t n, const float* x);
  /// True when every element is finite.
  bool (*all_finite)(const Context&, int64_t n, const float* x);
  void (*adamw)(const Context&, int64_t n, const AdamWStep&, float* p, const float* g, float* m, float* v);
};

/// The specification.
const Kernels& reference_kernels();
/// The fastest table this CPU runs, capped by ATTUNE_ISA (reference, sse2, avx2, avx2vnni, avx512, avx512vnni; an unknown or unavailable value is Error(kUsage)).
const Kernels& cpu_kernels();
/// Every table this CPU can run, reference first: what tests loop over.
const Kernels* const* all_kernels();  // ends with nullptr
/// `like` with entries that compute nothing, null where its are: finds what a step allocates.
Kernels idle_kernels(const Kernels& like);
/// What the CPU has, for `attune env`: "avx2 fma avx512f avx512vnni ...".
const char* cpu_features();
/// Threads to use: OMP_NUM_THREADS or ATTUNE_THREADS when set, else the cores this process may run on.
int default_threads();

}  // namespace attune
