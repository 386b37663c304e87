// Flat arrays: sums, checks, the optimizer; and cross-entropy, one row at a time.
#include "kernels/cpu/vector/declare.h"
#include "kernels/cpu/vector/math.h"
#include "kernels/cpu/vector/parallel.h"

namespace attune::ATTUNE_ISA {
namespace {

typedef float Half __attribute__((vector_size(kBytes / 2)));
typedef double D __attribute__((vector_size(kBytes)));

ATTUNE_INLINE D wide(const float* p) {
  Half h;
  __builtin_memcpy(&h, p, sizeof h);
  return __builtin_convertvector(h, D);
}

double squares(const float* x, int64_t n) {
  D a = {}, b = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const D low = wide(x + i), high = wide(x + i + kLanes / 2);
    a = a + low * low;
    b = b + high * high;
  }
  a = a + b;
  double total = 0.0;
  for (int64_t j = 0; j < kLanes / 2; ++j) total += a[j];
  for (; i < n; ++i) total += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return total;
}

bool finite(const float* x, int64_t n) {
  constexpr uint32_t kExponent = 0x7f800000u;
  U bad = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) bad |= (U)(((U)load(x + i) & kExponent) == set1u(kExponent));
  if (i < n) bad |= (U)(((U)load_part(x + i, n - i) & kExponent) == set1u(kExponent));
  uint32_t any = 0;
  for (int64_t j = 0; j < kLanes; ++j) any |= bad[j];
  return any == 0;
}

float highest(int64_t n, const float* z) {
  F best = set1(-__builtin_inff());
  int64_t j = 0;
  for (; j + kLanes <= n; j += kLanes) best = vmax(load(z + j), best);
  float m = top(best);
  for (; j < n; ++j) m = z[j] > m ? z[j] : m;
  return m;
}

struct Entropy {
  const float* weight;
  float smoothing, weight_sum;  // weight_sum: over all classes
};

void entropy_row(int64_t v, const float* z, int32_t label, const Entropy& e, float* loss, float* dz) {
  if (label == -100) {
    *loss = 0.0f;
    for (int64_t j = 0; dz && j < v; ++j) dz[j] = 0.0f;
    return;
  }
  constexpr int64_t kPiece = 2048;  // f32 sums stay short; their totals are kept in double
  const float m = highest(v, z);
  const float* weight = e.weight;
  const bool smooth = e.smoothing > 0.0f;
  double total = 0.0, weighted = 0.0;  // of e^(z - m); of w (z - m)
  for (int64_t begin = 0; begin < v; begin += kPiece) {
    F exp_sum = {}, weight_sum = {};
    F *exp_of = &exp_sum, *weight_of = &weight_sum;
    const float* piece = z + begin;
    const float* piece_weight = weight ? weight + begin : nullptr;
    lanes(
        v - begin < kPiece ? v - begin : kPiece,
        [=](int64_t j) {
          const F x = load(piece + j) - m;
          *exp_of = *exp_of + vexp(x);
          if (smooth) *weight_of = *weight_of + (piece_weight ? load(piece_weight + j) : set1(1.0f)) * x;
        },
        [=](int64_t j, int64_t n) {
          const F x = load_part(piece + j, n) - m;
          *exp_of = *exp_of + first(vexp(x), n);
          if (smooth) *weight_of = *weight_of + first((piece_weight ? load_part(piece_weight + j, n) : set1(1.0f)) * x, n);
        });
    total += static_cast<double>(sum(exp_sum));
    weighted += static_cast<double>(sum(weight_sum));
  }
  const double log_total = __builtin_log(total);
  const float spread = e.smoothing / static_cast<float>(v);
  const float on_label = (weight ? weight[label] : 1.0f) * (1.0f - e.smoothing);
  const float all = on_label + spread * e.weight_sum;
  double value = static_cast<double>(on_label) * (log_total - static_cast<double>(z[label] - m));
  if (smooth) value += static_cast<double>(spread) * (static_cast<double>(e.weight_sum) * log_total - weighted);
  *loss = static_cast<float>(value);
  if (!dz) return;
  const float factor = static_cast<float>(static_cast<double>(all) / total);
  lanes(
      v,
      [=](int64_t j) {
        F g = vexp(load(z + j) - m) * factor;
        if (smooth) g = g - (weight ? load(weight + j) : set1(1.0f)) * spread;
        store(dz + j, g);
      },
      [=](int64_t j, int64_t n) {
        F g = vexp(load_part(z + j, n) - m) * factor;
        if (smooth) g = g - (weight ? load_part(weight + j, n) : set1(1.0f)) * spread;
        store_part(dz + j, g, n);
      });
  dz[label] -= on_label;
}

}  // namespace

void cross_entropy(const Context& ctx, int64_t r, int64_t v, const float* logits, int64_t pitch, const int32_t* labels, const float* weight,
                   float smoothing, float* loss, float* dlogits) {
  double weight_sum = weight ? 0.0 : static_cast<double>(v);
  for (int64_t j = 0; weight && j < v; ++j) weight_sum += static_cast<double>(weight[j]);
  const Entropy e = {weight, smoothing, static_cast<float>(weight_sum)};
  parallel_rows(ctx, r, v,
                [=, &e](int64_t i) { entropy_row(v, logits + i * pitch, labels[i], e, loss + i, dlogits ? dlogits + i * v : nullptr); });
}

void axpby(const Context& ctx, int64_t n, float a, const float* x, float beta, float* y) {
  parallel_ranges(team(ctx, n), n, kLanes, [=](int64_t begin, int64_t end) {
    const float* from = x + begin;
    float* to = y + begin;
    lanes(
        end - begin,
        [=](int64_t j) {
          const F v = load(from + j) * a;
          store(to + j, beta == 0.0f ? v : v + load(to + j) * beta);
        },
        [=](int64_t j, int64_t m) {
          const F v = load_part(from + j, m) * a;
          store_part(to + j, beta == 0.0f ? v : v + load_part(to + j, m) * beta, m);
        });
  });
}

// The array is cut by its length alone; the pieces' sums are added in order.
double sum_of_squares(const Context& ctx, int64_t n, const float* x) {
  constexpr int64_t kMostPieces = 512, kLeast = 8192;
  double pieces[kMostPieces];
  double* out = pieces;
  int64_t length = (n + kMostPieces - 1) / kMostPieces;
  if (length < kLeast) length = kLeast;
  const int64_t count = (n + length - 1) / length;
  parallel_ranges(team(ctx, n), count, 1, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) out[i] = squares(x + i * length, (i + 1) * length < n ? length : n - i * length);
  });
  double total = 0.0;
  for (int64_t i = 0; i < count; ++i) total += pieces[i];
  return total;
}

bool all_finite(const Context& ctx, int64_t n, const float* x) {
  int bad = 0;
  int* flag = &bad;
  parallel_ranges(team(ctx, n), n, kLanes, [=](int64_t begin, int64_t end) {
    if (!finite(x + begin, end - begin)) __atomic_store_n(flag, 1, __ATOMIC_RELAXED);
  });
  return bad == 0;
}

void adamw(const Context& ctx, int64_t n, const AdamWStep& step, float* p, const float* g, float* m, float* v) {
  const float keep = 1.0f - step.lr * step.weight_decay, rate = step.lr / step.bias_correction1;
  const float inv_root2 = 1.0f / __builtin_sqrtf(step.bias_correction2);
  const float b1 = step.beta1, b2 = step.beta2, eps = step.eps, scale = step.gradient_scale;
  const auto update = [=](F grad, F* weight, F* first_moment, F* second_moment) {
    grad = grad * scale;
    const F a = *first_moment * b1 + grad * (1.0f - b1);
    const F b = *second_moment * b2 + grad * grad * (1.0f - b2);
    *first_moment = a;
    *second_moment = b;
    *weight = *weight * keep - a * rate / (vsqrt(b) * inv_root2 + eps);
  };
  parallel_ranges(team(ctx, n), n, kLanes, [=](int64_t begin, int64_t end) {
    lanes(
        end - begin,
        [=](int64_t j) {
          const int64_t i = begin + j;
          F w = load(p + i), a = load(m + i), b = load(v + i);
          update(load(g + i), &w, &a, &b);
          store(p + i, w);
          store(m + i, a);
          store(v + i, b);
        },
        [=](int64_t j, int64_t count) {
          const int64_t i = begin + j;
          F w = load_part(p + i, count), a = load_part(m + i, count), b = load_part(v + i, count);
          update(load_part(g + i, count), &w, &a, &b);
          store_part(p + i, w, count);
          store_part(m + i, a, count);
          store_part(v + i, b, count);
        });
  });
}

}  // namespace attune::ATTUNE_ISA
