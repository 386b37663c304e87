// NF4 (QLoRA, arXiv 2305.14314) as bitsandbytes stores it: 4-bit indices into the quantiles of a normal distribution, one scale for 64
// weights. Blocks run over the flattened matrix and cross row ends.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "tensor/tensor.h"

namespace attune {

constexpr int64_t kNf4Block = 64;

/// A matrix [out, in] of n = out * in weights in b = ceil(n / 64) blocks: weight i is nf4_code()[code i] * absmax[i / 64].
/// With double quantisation absmax[j] = dynamic_map()[absmax_codes[j]] * nested_absmax[j / 256] + offset.
struct Nf4Matrix {
  int64_t out = 0, in = 0;
  Tensor codes;          ///< U8 (ceil(n / 2)): two weights a byte, the first in the high nibble
  Tensor absmax;         ///< F32 (b); empty with double quantisation
  Tensor absmax_codes;   ///< U8 (b); with double quantisation only, as the next two
  Tensor nested_absmax;  ///< F32 (ceil(b / 256))
  float offset = 0;      ///< mean of the exact block scales
  bool double_quant() const { return !absmax_codes.empty(); }
  int64_t size() const { return out * in; }
  int64_t blocks() const { return (size() + kNf4Block - 1) / kNf4Block; }
  int64_t bytes() const;  ///< of all its tensors
};

/// The 16 values of the code book, ascending from -1 to 1; index 7 is 0.
std::span<const float> nf4_code();

/// The codes and scales bitsandbytes computes on a CPU, bit for bit, except that the 8-bit codes of double quantisation are the truly
/// nearest (its own are off by one for about one in 300). `w` is (out, in). Tensors are of MemoryClass::kQuantized. The result does not
/// depend on `threads`. Error(kInput) "quant.not_finite" naming `where`.
Nf4Matrix quantize_nf4(const float* w, int64_t out, int64_t in, bool double_quant, int threads, const std::string& where);

/// absmax of the blocks [begin, end) into `scales`, double quantisation undone.
void block_scales(const Nf4Matrix& m, int64_t begin, int64_t end, float* scales);

/// Rows [begin, end) into y (end - begin, in), rounded once: code book value times scale in F32. One thread; ranges are independent.
void dequantize_rows(const Nf4Matrix& m, int64_t begin, int64_t end, float* y);

}  // namespace attune
