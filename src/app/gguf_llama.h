// GGUF's architecture "llama" as Hugging Face's LlamaForCausalLM (docs/formats.md, GGUF): config.json and tensors.
#pragma once

#include "io/gguf.h"

namespace attune {

/// config.json. Error(kInput) "convert.config" for numbers that contradict each other, "convert.unsupported" for mixtures of experts and
/// rotary scalings that cannot be said in config.json.
Json llama_config(const GgufFile& file, const std::string& dtype);

/// The tensors under Hugging Face's names, query and key rows in Hugging Face's order; F32, or F16 with `half`. Error(kInput)
/// "convert.tensors" naming every tensor that is missing, unexpected or misshapen, before anything is read.
TensorMap llama_tensors(const GgufFile& file, const Json& config, bool half);

/// Rows of one query or key matrix (heads * head_dim rows, or a bias of that length) from ggml's order, which keeps the two halves of each
/// rotated pair together, to Hugging Face's, which keeps first halves before second ones.
Tensor unpermuted(const Tensor& rows, int64_t heads);

}  // namespace attune
