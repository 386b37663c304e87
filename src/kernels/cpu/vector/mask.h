// The dropout mask on vectors: bit for bit that of dropout_hash (kernels.h) and mix_key (base/random.h), repeated here so that those
// inline functions are not compiled for this instruction set.
#pragma once

#include "kernels/cpu/vector/vec.h"
#include "kernels/kernels.h"

namespace attune::ATTUNE_ISA {
namespace {

ATTUNE_INLINE uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

/// What is the same for a whole kernel call.
struct Mask {
  const uint64_t* row_keys;  // null: keep everything
  uint32_t threshold;        // keep when hash >= threshold
  float scale;
};

ATTUNE_INLINE Mask mask_of(const Dropout& d) {
  if (!(d.p > 0.0f)) return {nullptr, 0, 1.0f};
  if (d.p >= 1.0f) return {d.row_keys, 0xffffffffu, 0.0f};
  const double limit = static_cast<double>(d.p) * 4294967296.0;  // exact
  uint64_t threshold = static_cast<uint64_t>(limit);
  if (static_cast<double>(threshold) < limit) ++threshold;
  return {d.row_keys, static_cast<uint32_t>(threshold), static_cast<float>(1.0 / (1.0 - static_cast<double>(d.p)))};
}

/// One row's mask.
struct RowMask {
  U low, high, threshold;
  F scale;
};

ATTUNE_INLINE RowMask row_mask(const Mask& m, uint64_t module_key, int64_t row) {
  const uint64_t key = mix(m.row_keys[row] ^ mix(module_key));
  return {set1u(static_cast<uint32_t>(key)), set1u(static_cast<uint32_t>(key >> 32)), set1u(m.threshold), set1(m.scale)};
}

/// 0 or 1 / (1 - p) for channels channel .. channel + kLanes - 1.
ATTUNE_INLINE F keep_factor(const RowMask& m, int64_t channel) {
  U x = m.low + (lane_numbers() + static_cast<uint32_t>(channel)) * 0x9e3779b9u;
  x ^= x >> 16;
  x *= set1u(0x7feb352du);
  x ^= m.high;
  x ^= x >> 15;
  x *= set1u(0x846ca68bu);
  x ^= x >> 16;
  return (I)(x >= m.threshold) ? m.scale : F{};
}

}  // namespace
}  // namespace attune::ATTUNE_ISA
