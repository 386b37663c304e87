// GGUF's architecture "llama" as Hugging Face's LlamaForCausalLM (docs/formats.md, GGUF): config.json and tensors.
#pragma once

#include "io/gguf.h"

namespace attune {

/// config.json. Error(kInput) "convert.config" for numbers that contradict each other, "convert.unsupported" for mixtures of experts and
/// rotary scalings that cannot be said in config.json.
Json llama_config(const GgufFile& file, const std::string& dtype);

/// One tensor of the model under Hugging Face's name and in its shape.
struct LlamaTensor {
  std::string name;
  Shape shape;
  const GgufTensor* from = nullptr;  ///< null: zeros, a bias that other layers have
  int64_t heads = 0;                 ///< of a matrix whose rows are permuted; 0: none is
  bool is_layer() const { return from && shape.size() == 2 && from->name.starts_with("blk."); }  ///< a linear layer of the backbone
};

/// By name; they point into `file`. Error(kInput) "convert.tensors" naming every tensor that is missing, unexpected or misshapen.
std::vector<LlamaTensor> llama_tensors(const GgufFile& file, const Json& config);

/// Dequantised, query and key rows in Hugging Face's order.
Tensor read_llama_tensor(const GgufFile& file, const LlamaTensor& tensor);

/// Rows of one query or key matrix (heads * head_dim rows, or a bias of that length) from ggml's order, which keeps the two halves of each
/// rotated pair together, to Hugging Face's, which keeps first halves before second ones.
Tensor unpermuted(const Tensor& rows, int64_t heads);

}  // namespace attune
