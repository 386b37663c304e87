// tests/golden/quantized: what bitsandbytes makes of each matrix (tools/goldens/quantized.py).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "io/safetensors.h"

namespace attune::testing {

inline fs::path quantized_golden(const std::string& file) { return fs::path(ATTUNE_SOURCE_DIR) / "tests/golden/quantized" / file; }

/// Case -> name -> tensor, floats as F32.
inline const std::map<std::string, TensorMap>& golden_cases() {
  static const std::map<std::string, TensorMap> cases = [] {
    const SafetensorsFile file(quantized_golden("cases.safetensors"));
    std::map<std::string, TensorMap> read;
    for (const TensorEntry& e : file.entries()) {
      const size_t slash = e.name.find('/');
      read[e.name.substr(0, slash)][e.name.substr(slash + 1)] =
          e.dtype == "BF16" ? file.read_f32(e.name) : file.read(e.name, MemoryClass::kQuantized);
    }
    return read;
  }();
  return cases;
}

/// All elements, whatever the shape.
template <typename T>
std::vector<T> elements(const Tensor& t) {
  const auto* p = static_cast<const T*>(t.data());
  return {p, p + t.bytes() / static_cast<int64_t>(sizeof(T))};
}

/// Floats as bits: -0 and 0 differ.
inline std::vector<uint32_t> bits(const Tensor& t) { return elements<uint32_t>(t); }

}  // namespace attune::testing
