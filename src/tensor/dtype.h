// Element types, spelled as safetensors spells them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace attune {

enum class DType { kF32, kF16, kBF16, kF64, kI64, kI32, kI16, kI8, kU8, kBool };

int64_t size_of(DType t);
std::string_view name_of(DType t);                     ///< "F32", "BF16", ...
std::optional<DType> dtype_named(std::string_view s);  ///< of the types above

/// IEEE 754 binary16 to float, exactly, and back, rounded to nearest even (too large becomes infinity).
float half_to_float(uint16_t half);
uint16_t float_to_half(float value);

}  // namespace attune
