// bitsandbytes' signed dynamic 8-bit map (arXiv 2110.02861, "dynamic tree quantization"), in blocks of 256 with the largest magnitude of
// each as its scale. NF4's double quantisation stores its block scales with it.
#pragma once

#include <cstdint>
#include <span>

namespace attune {

constexpr int64_t kDynamicBlock = 256;

/// 256 values, ascending from -0.99296875 to 1. The spread of values within a decade is finer the nearer to 1 it is.
std::span<const float> dynamic_map();

/// x[i] ~ map[codes[i]] * scales[i / 256]; the nearest value, the lower one on a tie. `x` is finite.
void quantize_dynamic(const float* x, int64_t n, uint8_t* codes, float* scales, int threads);

}  // namespace attune
