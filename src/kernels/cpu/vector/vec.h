// A vector of floats of one instruction set: GCC/Clang vector types, whose operators are the lanes' operators, and the few operations
// those do not have. Included by files compiled for one instruction set each (cpu/<isa>/): everything is in an unnamed namespace and
// nothing of the standard library is used, so no code for a newer CPU can be linked into the rest of the program.
#pragma once

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#ifndef ATTUNE_ISA
#error "include kernels/cpu/<isa>/isa.h first: it defines ATTUNE_ISA (the namespace) and ATTUNE_LANES"
#endif
#if defined(__clang__)
#define ATTUNE_UNROLL _Pragma("unroll")
#else
#define ATTUNE_UNROLL _Pragma("GCC unroll 16")
#endif
#define ATTUNE_INLINE __attribute__((always_inline)) inline

namespace attune::ATTUNE_ISA {
namespace {

constexpr int64_t kLanes = ATTUNE_LANES;
constexpr int kBytes = 4 * ATTUNE_LANES;
typedef float F __attribute__((vector_size(kBytes)));
typedef int32_t I __attribute__((vector_size(kBytes)));
typedef uint32_t U __attribute__((vector_size(kBytes)));

ATTUNE_INLINE F load(const float* p) {
  F v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
ATTUNE_INLINE void store(float* p, F v) { __builtin_memcpy(p, &v, sizeof v); }
ATTUNE_INLINE U set1u(uint32_t x) { return U{} + x; }

#if ATTUNE_LANES == 16

ATTUNE_INLINE F set1(float x) { return _mm512_set1_ps(x); }
ATTUNE_INLINE F load_part(const float* p, int64_t n) { return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1), p); }
ATTUNE_INLINE void store_part(float* p, F v, int64_t n) { _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << n) - 1), v); }
ATTUNE_INLINE F vmax(F a, F b) { return _mm512_max_ps(a, b); }  // b when either is NaN
ATTUNE_INLINE F vmin(F a, F b) { return _mm512_min_ps(a, b); }
ATTUNE_INLINE F vsqrt(F a) { return _mm512_sqrt_ps(a); }
ATTUNE_INLINE F round_nearest(F a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
ATTUNE_INLINE F times_power_of_2(F a, F n) { return _mm512_scalef_ps(a, n); }
ATTUNE_INLINE U lane_numbers() { return U{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}; }
ATTUNE_INLINE void zip(F a, F b, F* lo, F* hi) {  // a0 b0 a1 b1 ...
  const __m512i low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const __m512i high = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  *lo = _mm512_permutex2var_ps(a, low, b);
  *hi = _mm512_permutex2var_ps(a, high, b);
}
ATTUNE_INLINE float sum4(__m128 v) {
  v = v + _mm_movehl_ps(v, v);
  return v[0] + v[1];
}
ATTUNE_INLINE float sum(F v) {
  const __m256 half = _mm512_castps512_ps256(v) + _mm512_extractf32x8_ps(v, 1);
  return sum4(_mm256_castps256_ps128(half) + _mm256_extractf128_ps(half, 1));
}
ATTUNE_INLINE float top(F v) { return _mm512_reduce_max_ps(v); }

#elif ATTUNE_LANES == 8

ATTUNE_INLINE F set1(float x) { return _mm256_set1_ps(x); }
ATTUNE_INLINE __m256i first_lanes(int64_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
ATTUNE_INLINE F load_part(const float* p, int64_t n) { return _mm256_maskload_ps(p, first_lanes(n)); }
ATTUNE_INLINE void store_part(float* p, F v, int64_t n) { _mm256_maskstore_ps(p, first_lanes(n), v); }
ATTUNE_INLINE F vmax(F a, F b) { return _mm256_max_ps(a, b); }
ATTUNE_INLINE F vmin(F a, F b) { return _mm256_min_ps(a, b); }
ATTUNE_INLINE F vsqrt(F a) { return _mm256_sqrt_ps(a); }
ATTUNE_INLINE F round_nearest(F a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
ATTUNE_INLINE F times_power_of_2(F a, F n) { return a * (F)((__builtin_convertvector(n, I) + 127) << 23); }  // n in [-126, 127]
ATTUNE_INLINE U lane_numbers() { return U{0, 1, 2, 3, 4, 5, 6, 7}; }
ATTUNE_INLINE void zip(F a, F b, F* lo, F* hi) {
  const __m256 x = _mm256_unpacklo_ps(a, b), y = _mm256_unpackhi_ps(a, b);
  *lo = _mm256_permute2f128_ps(x, y, 0x20);
  *hi = _mm256_permute2f128_ps(x, y, 0x31);
}
ATTUNE_INLINE float sum(F v) {
  __m128 h = _mm256_castps256_ps128(v) + _mm256_extractf128_ps(v, 1);
  h = h + _mm_movehl_ps(h, h);
  return h[0] + h[1];
}
ATTUNE_INLINE float top(F v) {
  __m128 h = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  h = _mm_max_ps(h, _mm_movehl_ps(h, h));
  return h[0] > h[1] ? h[0] : h[1];
}

#else

ATTUNE_INLINE F set1(float x) { return _mm_set1_ps(x); }
ATTUNE_INLINE F load_part(const float* p, int64_t n) {
  float lanes[4] = {};
  for (int64_t i = 0; i < n; ++i) lanes[i] = p[i];
  return load(lanes);
}
ATTUNE_INLINE void store_part(float* p, F v, int64_t n) {
  for (int64_t i = 0; i < n; ++i) p[i] = v[i];
}
ATTUNE_INLINE F vmax(F a, F b) { return _mm_max_ps(a, b); }
ATTUNE_INLINE F vmin(F a, F b) { return _mm_min_ps(a, b); }
ATTUNE_INLINE F vsqrt(F a) { return _mm_sqrt_ps(a); }
ATTUNE_INLINE F round_nearest(F a) { return _mm_cvtepi32_ps(_mm_cvtps_epi32(a)); }  // |a| < 2^31
ATTUNE_INLINE F times_power_of_2(F a, F n) { return a * (F)((__builtin_convertvector(n, I) + 127) << 23); }
ATTUNE_INLINE U lane_numbers() { return U{0, 1, 2, 3}; }
ATTUNE_INLINE void zip(F a, F b, F* lo, F* hi) {
  *lo = _mm_unpacklo_ps(a, b);
  *hi = _mm_unpackhi_ps(a, b);
}
ATTUNE_INLINE float sum(F v) {
  v = v + _mm_movehl_ps(v, v);
  return v[0] + v[1];
}
ATTUNE_INLINE float top(F v) {
  v = _mm_max_ps(v, _mm_movehl_ps(v, v));
  return v[0] > v[1] ? v[0] : v[1];
}

#endif

ATTUNE_INLINE F vabs(F a) { return (F)((U)a & 0x7fffffffu); }
/// Lanes from n on become 0.
ATTUNE_INLINE F first(F v, int64_t n) { return (I)(lane_numbers() < set1u(static_cast<uint32_t>(n))) ? v : F{}; }

/// Transposes kLanes x kLanes in place: log2(kLanes) rounds of perfect shuffles.
ATTUNE_INLINE void transpose(F* rows) {
  for (int64_t span = 1; span < kLanes; span *= 2) {
    F next[kLanes];
    ATTUNE_UNROLL
    for (int64_t i = 0; i < kLanes / 2; ++i) zip(rows[i], rows[i + kLanes / 2], &next[2 * i], &next[2 * i + 1]);
    ATTUNE_UNROLL
    for (int64_t i = 0; i < kLanes; ++i) rows[i] = next[i];
  }
}

}  // namespace
}  // namespace attune::ATTUNE_ISA
