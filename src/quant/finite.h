// The largest magnitude of a run of weights, with a check that costs nothing: magnitudes are compared as integers (which is also what
// lets plain C++ vectorise), and infinity and NaN are the largest of them.
#pragma once

#include <bit>
#include <cstdint>
#include <string>

namespace attune {

constexpr uint32_t kMagnitudeMask = 0x7fffffffu, kInfinityBits = 0x7f800000u;

/// Bits of max |x[i]|: a float unless kInfinityBits or above, which says that some x[i] is not finite.
inline uint32_t largest_magnitude(const float* x, int64_t n) {
  int32_t largest = 0;  // signed: plain x86-64 has no unsigned vector comparison
  for (int64_t i = 0; i < n; ++i) {
    const auto bits = static_cast<int32_t>(std::bit_cast<uint32_t>(x[i]) & kMagnitudeMask);
    largest = bits > largest ? bits : largest;
  }
  return static_cast<uint32_t>(largest);
}

/// Index of the first value in x[0, n) that is not finite, or n.
int64_t first_not_finite(const float* x, int64_t n);

/// Error(kInput) "quant.not_finite" naming `where` and the element `index` of a matrix with `in` columns.
[[noreturn]] void fail_not_finite(const float* w, int64_t index, int64_t in, const std::string& where);

}  // namespace attune
