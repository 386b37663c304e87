#include "quant/int8.h"

#include <algorithm>
#include <atomic>
#include <bit>

#include "base/error.h"
#include "quant/finite.h"
#include "quant/ranges.h"

namespace attune {
namespace {

constexpr float kLeastInt8Absmax = 1e-36f;  // 127 / 3e-37 is infinite

/// 1.5 * 2^23: adding it rounds a small number half to even and leaves the integer in the low bits, in any vector width.
constexpr float kInt8Rounding = 12582912.0f;

void quantize_int8_row(const float* w, int64_t n, float factor, int8_t* codes) {
  for (int64_t i = 0; i < n; ++i) {
    const auto bits = std::bit_cast<uint32_t>(w[i] * factor + kInt8Rounding);
    codes[i] = static_cast<int8_t>(static_cast<uint8_t>(bits));
  }
}

}  // namespace

Int8Matrix quantize_int8(const float* w, int64_t out, int64_t in, int threads, const std::string& where) {
  Int8Matrix m;
  m.out = out;
  m.in = in;
  m.codes = Tensor({out, in}, DType::kI8, MemoryClass::kQuantized);
  m.absmax = Tensor({out}, DType::kF32, MemoryClass::kQuantized);
  auto* codes = static_cast<int8_t*>(m.codes.data());
  float* absmax = m.absmax.f32();
  std::atomic<bool> finite = true;
  for_ranges(out, threads, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const uint32_t largest = largest_magnitude(w + row * in, in);
      if (largest >= kInfinityBits) {
        finite = false;
        return;
      }
      absmax[row] = std::bit_cast<float>(largest);
      const float factor = absmax[row] < kLeastInt8Absmax ? 0.0f : 127.0f / absmax[row];
      quantize_int8_row(w + row * in, in, factor, codes + row * in);
    }
  });
  if (!finite) fail_not_finite(w, first_not_finite(w, out * in), in, where);
  return m;
}

void dequantize_rows(const Int8Matrix& m, int64_t begin, int64_t end, float* y) {
  require(begin >= 0 && begin <= end && end <= m.out, "row range outside the matrix");
  const auto* codes = static_cast<const int8_t*>(m.codes.data()) + begin * m.in;
  const float* absmax = m.absmax.f32();
  for (int64_t row = begin; row < end; ++row) {
    const float scale = absmax[row];
    for (int64_t i = 0; i < m.in; ++i) y[i] = static_cast<float>(codes[i]) * scale * 7.874015718698502e-3f;
    y += m.in;
    codes += m.in;
  }
}

}  // namespace attune
