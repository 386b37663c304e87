// Block types of GGUF tensors (ggml's ggml-common.h): a few scales and small integers for 32 or 256 weights that follow one another in a row.
#pragma once

#include <cstdint>
#include <string_view>

namespace attune {

/// A tensor type of GGUF. `number` is the one in the file.
struct GgufType {
  uint32_t number;
  std::string_view name;
  uint32_t block;     ///< weights in a block
  uint32_t bytes;     ///< of a block
  bool readable;      ///< dequantize_blocks knows it
};

/// nullptr for a number that is no type.
const GgufType* gguf_type(uint32_t number);
/// "F32, F16, ...": what dequantize_blocks knows, for messages.
std::string_view readable_gguf_types();

/// `blocks` blocks to float, in the order of the weights. Every product and sum is rounded to F32 on its own, as ggml's reference does.
/// Bug for a type that is not readable. Scales that are not finite give values that are not.
void dequantize_blocks(const GgufType& type, const void* data, int64_t blocks, float* out);

}  // namespace attune
