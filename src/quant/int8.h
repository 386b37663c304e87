// int8 weights with one scale an output channel, as LLM.int8 (arXiv 2208.07339) and bitsandbytes' Linear8bitLt store them.
#pragma once

#include <cstdint>
#include <string>

#include "tensor/tensor.h"

namespace attune {

/// A matrix [out, in]: weight (o, i) is codes(o, i) * absmax[o] / 127.
struct Int8Matrix {
  int64_t out = 0, in = 0;
  Tensor codes;   ///< I8 (out, in), in [-127, 127]
  Tensor absmax;  ///< F32 (out): the largest magnitude of each row (bitsandbytes' SCB)
  int64_t bytes() const { return codes.bytes() + absmax.bytes(); }
};

/// codes = w * (127 / absmax), rounded half to even; a row of zeros (or of magnitudes below 1e-36, whose factor overflows) has zero
/// codes. bitsandbytes' bits for the same `w`; its Linear8bitLt first rounds `w` to F16. Tensors are of MemoryClass::kQuantized. The
/// result does not depend on `threads`. Error(kInput) "quant.not_finite" naming `where`.
Int8Matrix quantize_int8(const float* w, int64_t out, int64_t in, int threads, const std::string& where);

/// Rows [begin, end) into y (end - begin, in): code * absmax * (1 / 127) in F32, in this order. One thread; ranges are independent.
void dequantize_rows(const Int8Matrix& m, int64_t begin, int64_t end, float* y);

}  // namespace attune
