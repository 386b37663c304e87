#include "nn/bitsandbytes.h"

#include "base/error.h"

namespace attune {

QuantizationConfig stored_quantization(const ModelConfig& config) {
  QuantizationConfig q;
  const auto it = config.json.find("quantization_config");
  if (it == config.json.end() || it->is_null()) return q;
  const std::string where = config.where + " (quantization_config)";
  const auto refuse = [&](std::string what, std::string expected, std::string got) {
    fail(ErrorCode::kInput, {.id = "config.quantization",
                             .where = where,
                             .what = std::move(what),
                             .expected = std::move(expected),
                             .got = std::move(got),
                             .hint = "attune quantize makes such a folder from one that is not quantised"});
  };
  if (!it->is_object()) refuse("is no object", "", "");
  const std::string method = get_string(*it, "quant_method", "bitsandbytes", where);
  if (method != "bitsandbytes") refuse("names a method that is not supported", "bitsandbytes", method);
  const bool four = get_bool(*it, "load_in_4bit", false, where), eight = get_bool(*it, "load_in_8bit", false, where);
  if (four == eight) refuse("says neither or both of load_in_4bit and load_in_8bit", "one of them", "");
  q.type = four ? StoredForm::kNf4 : StoredForm::kInt8;
  if (!four) return q;
  const std::string type = get_string(*it, "bnb_4bit_quant_type", "fp4", where);
  if (type != "nf4") refuse("names a 4-bit type that is not supported", "nf4", type);
  q.double_quant = get_bool(*it, "bnb_4bit_use_double_quant", false, where);
  return q;
}

Json quantization_section(StoredForm form, bool double_quant, const std::vector<std::string>& skip_modules) {
  const bool four = form == StoredForm::kNf4;
  return {{"quant_method", "bitsandbytes"},
          {"load_in_4bit", four},
          {"load_in_8bit", !four},
          {"bnb_4bit_quant_type", four ? "nf4" : "fp4"},
          {"bnb_4bit_use_double_quant", double_quant},
          {"bnb_4bit_compute_dtype", "float32"},
          {"bnb_4bit_quant_storage", "uint8"},
          {"llm_int8_threshold", 6.0},
          {"llm_int8_skip_modules", skip_modules},
          {"llm_int8_has_fp16_weight", false},
          {"llm_int8_enable_fp32_cpu_offload", false}};
}

}  // namespace attune
