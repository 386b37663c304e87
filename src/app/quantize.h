// A model folder with its linear layers in few bits, and what that changes.
#pragma once

#include <optional>

#include "app/compare_logits.h"

namespace attune {

struct QuantizeOptions {
  std::string model;  ///< Hugging Face folder, with or without a head
  std::string output_dir;
  StoredForm type = StoredForm::kNf4;
  bool double_quant = false;
  std::vector<std::string> skip_modules;  ///< stay in F32, beside heads and poolers
  bool overwrite = false;
  std::string verify;  ///< rows to compare on; "": built-in sentences
  DataConfig data;     ///< reading_fields only, for `verify`
  int64_t verify_rows = 64;
  int64_t threads = 0;

  void fields(FieldList& f);
};

struct QuantizeResult {
  fs::path output_dir;
  int64_t layers = 0;                       ///< quantised
  int64_t bytes_before = 0, bytes_after = 0;  ///< of the weight files
  double weight_error = 0;  ///< |W - quantised W| / |W| over all quantised weights (Frobenius)
  std::string worst_layer;
  double worst_error = 0;                   ///< the same of this layer
  std::string verified_on;                  ///< file, or "built-in sentences"
  std::optional<LogitComparison> compared;  ///< original against quantised; none for a model that cannot label
};

/// Writes config.json with bitsandbytes' quantization_config, the weights under bitsandbytes' keys, everything else in F32, tokenizer files
/// and attune.json as they are. The folder loads in transformers, and here without being dequantised. Error(kUsage) "quantize.adapter";
/// Error(kInput) "quantize.quantized", "quantize.no_layers"; Error(kState) "output_is_input".
QuantizeResult quantize(const QuantizeOptions& options);

}  // namespace attune
