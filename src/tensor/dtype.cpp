#include "tensor/dtype.h"

#include <array>
#include <bit>
#include <utility>

namespace attune {
namespace {

struct Row {
  DType type;
  std::string_view name;
  int64_t size;
};
constexpr std::array<Row, 10> kTypes{{{DType::kF32, "F32", 4},
                                      {DType::kF16, "F16", 2},
                                      {DType::kBF16, "BF16", 2},
                                      {DType::kF64, "F64", 8},
                                      {DType::kI64, "I64", 8},
                                      {DType::kI32, "I32", 4},
                                      {DType::kI16, "I16", 2},
                                      {DType::kI8, "I8", 1},
                                      {DType::kU8, "U8", 1},
                                      {DType::kBool, "BOOL", 1}}};

}  // namespace

int64_t size_of(DType t) { return kTypes[static_cast<size_t>(t)].size; }
std::string_view name_of(DType t) { return kTypes[static_cast<size_t>(t)].name; }

std::optional<DType> dtype_named(std::string_view s) {
  for (const auto& row : kTypes)
    if (row.name == s) return row.type;
  return std::nullopt;
}

float half_to_float(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  uint32_t exponent = (half >> 10) & 0x1fu, mantissa = half & 0x3ffu;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000u | (mantissa << 13));
  if (exponent != 0) return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
  if (mantissa == 0) return std::bit_cast<float>(sign);
  exponent = 113;
  while (!(mantissa & 0x400u)) {
    mantissa <<= 1;
    --exponent;
  }
  return std::bit_cast<float>(sign | (exponent << 23) | ((mantissa & 0x3ffu) << 13));
}

uint16_t float_to_half(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000u);
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<uint16_t>(sign | 0x7e00u);   // NaN
  if (magnitude >= 0x477ff000u) return static_cast<uint16_t>(sign | 0x7c00u);  // 65,520 and above
  if (magnitude < 0x33000001u) return sign;                                     // 2^-25 and below
  // The mantissa with its leading one, and how many of its bits a half does not hold.
  const uint32_t exponent = magnitude >> 23, mantissa = (magnitude & 0x7fffffu) | 0x800000u;
  const uint32_t drop = exponent < 113 ? 126 - exponent : 13;
  const uint32_t kept = mantissa >> drop, rest = mantissa & ((1u << drop) - 1), middle = 1u << (drop - 1);
  const uint32_t rounded = kept + (rest > middle || (rest == middle && (kept & 1u)) ? 1u : 0u);
  // A normal number's leading one adds itself to the exponent, and a carry out of the mantissa does what it should.
  return static_cast<uint16_t>(sign | (exponent < 113 ? rounded : ((exponent - 113) << 10) + rounded));
}

}  // namespace attune
