// A GGUF file to a Hugging Face model folder.
#pragma once

#include <string>

#include "base/files.h"
#include "config/field.h"

namespace attune {

struct ConvertOptions {
  std::string input;  ///< a .gguf file
  std::string output_dir;
  std::string dtype = "float32";  ///< of the written weights: float32, float16
  bool overwrite = false;

  void fields(FieldList& f);
};

struct ConvertResult {
  fs::path output_dir;
  std::string architecture;  ///< "llama"
  std::string name;          ///< general.name; may be empty
  int64_t tensors = 0, parameters = 0;
  int64_t vocabulary = 0;
  std::string types;  ///< how the weights were stored: "210 Q4_1, 61 F32, 1 Q8_0"
  int64_t bytes = 0;  ///< of model.safetensors
};

/// Writes config.json, generation_config.json, model.safetensors and the tokenizer's files; transformers and this program load the folder.
/// Error(kInput) of GgufModel (app/gguf_model.h).
ConvertResult convert_gguf(const ConvertOptions& options);

}  // namespace attune
