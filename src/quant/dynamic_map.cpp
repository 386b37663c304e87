#include "quant/dynamic_map.h"

#include <algorithm>
#include <array>
#include <bit>

#include "quant/finite.h"
#include "quant/ranges.h"

namespace attune {
namespace {

using DynamicMap = std::array<float, 256>;

/// bitsandbytes' create_dynamic_map(): decade 10^(i - 6) holds 2^i values, the middles of equal parts of [0.1, 1]. The boundaries are
/// torch.linspace's on processors with AVX2, where each is rounded once (hence double); elsewhere its last bits differ.
DynamicMap make_dynamic_map() {
  DynamicMap map;
  size_t n = 0;
  for (int i = 0; i < 7; ++i) {
    static constexpr float kDecades[7] = {1e-6f, 1e-5f, 1e-4f, 1e-3f, 1e-2f, 1e-1f, 1.0f};
    const float decade = kDecades[i];
    const int parts = 1 << i;
    const float step = (1.0f - 0.1f) / static_cast<float>(parts);
    const auto boundary = [&](int k) {
      return static_cast<float>(k <= parts / 2 ? double{0.1f} + double{step} * k : 1.0 - double{step} * (parts - k));
    };
    for (int k = 0; k < parts; ++k) {
      const float middle = (boundary(k) + boundary(k + 1)) / 2.0f;
      map[n++] = decade * middle;
      map[n++] = -decade * middle;
    }
  }
  map[n++] = 0.0f;
  map[n++] = 1.0f;
  std::sort(map.begin(), map.end());
  return map;
}

const DynamicMap& the_dynamic_map() {
  static const DynamicMap map = make_dynamic_map();
  return map;
}

/// How many of the 255 middles between neighbours lie strictly below x: a binary search without branches.
uint8_t nearest_dynamic(const float* middles, float x) {
  int code = 0;
  for (int step = 128; step > 0; step /= 2) code += x > middles[code + step - 1] ? step : 0;
  return static_cast<uint8_t>(code);
}

}  // namespace

std::span<const float> dynamic_map() { return the_dynamic_map(); }

void quantize_dynamic(const float* x, int64_t n, uint8_t* codes, float* scales, int threads) {
  const DynamicMap& map = the_dynamic_map();
  std::array<float, 255> middles;
  for (size_t i = 0; i < middles.size(); ++i) middles[i] = 0.5f * (map[i] + map[i + 1]);
  for_ranges((n + kDynamicBlock - 1) / kDynamicBlock, threads, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      const int64_t first = block * kDynamicBlock, last = std::min(n, first + kDynamicBlock);
      const auto scale = std::bit_cast<float>(largest_magnitude(x + first, last - first));
      scales[block] = scale;
      if (scale == 0) {  // any code means zero; bitsandbytes writes 0
        std::fill(codes + first, codes + last, uint8_t{0});
        continue;
      }
      const float factor = 1.0f / scale;
      for (int64_t i = first; i < last; ++i) codes[i] = nearest_dynamic(middles.data(), x[i] * factor);
    }
  });
}

}  // namespace attune
