// `quantization_config` of a config.json, as transformers and bitsandbytes write it (docs/formats.md, section 11.3).
#pragma once

#include "nn/model_config.h"
#include "nn/quantization.h"

namespace attune {

/// How a checkpoint holds its linear layers: `type` and `double_quant`; kPlain without the section. Error(kInput) "config.quantization"
/// for other methods (gptq, awq...) and for fp4.
QuantizationConfig stored_quantization(const ModelConfig& config);

/// The section for layers stored as `form`. `skip_modules`: ends of the paths of linear layers that are not; transformers takes the list
/// as it is, so heads and poolers belong in it.
Json quantization_section(StoredForm form, bool double_quant, const std::vector<std::string>& skip_modules);

}  // namespace attune
