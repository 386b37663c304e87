// Size arithmetic on numbers that come from files. Every product or sum of declared sizes goes through here.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>

namespace attune {

inline std::optional<uint64_t> checked_mul(uint64_t a, uint64_t b) {
  uint64_t r;
  if (__builtin_mul_overflow(a, b, &r)) return std::nullopt;
  return r;
}
inline std::optional<uint64_t> checked_add(uint64_t a, uint64_t b) {
  uint64_t r;
  if (__builtin_add_overflow(a, b, &r)) return std::nullopt;
  return r;
}
/// Product of all dimensions; 1 for none.
inline std::optional<uint64_t> checked_product(std::span<const int64_t> dims) {
  uint64_t r = 1;
  for (int64_t d : dims) {
    if (d < 0 || __builtin_mul_overflow(r, static_cast<uint64_t>(d), &r)) return std::nullopt;
  }
  return r;
}

}  // namespace attune
