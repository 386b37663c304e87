#include "nn/model_config.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/suggest.h"

namespace attune {

int32_t ModelConfig::token(const std::string& key, int32_t absent) const {
  return static_cast<int32_t>(get_int(json, key, absent, where, -1, kMaxVocabulary));
}

float ModelConfig::probability(const std::string& key, double absent) const {
  const double p = number(key, absent);
  if (!(p >= 0.0 && p < 1.0))
    fail(ErrorCode::kInput,
         {.id = "config.probability", .where = where + " (" + key + ")", .what = "not a dropout probability", .expected = "0 <= p < 1", .got = fmt::format("{}", p)});
  return static_cast<float>(p);
}

Activation ModelConfig::activation(const std::string& key, const std::string& absent) const {
  static const std::vector<std::pair<std::string, Activation>> known{
      {"gelu", Activation::kGelu}, {"gelu_new", Activation::kGeluNew}, {"gelu_pytorch_tanh", Activation::kGeluNew}, {"relu", Activation::kRelu},
      {"silu", Activation::kSilu}, {"swish", Activation::kSilu},       {"tanh", Activation::kTanh}};
  const std::string name = get_string(json, key, absent, where);
  std::vector<std::string> names;
  for (const auto& [n, a] : known) {
    if (n == name) return a;
    names.push_back(n);
  }
  fail(ErrorCode::kInput, {.id = "config.activation", .where = where + " (" + key + ")", .what = "unknown activation \"" + name + "\"", .hint = suggestion(name, names)});
}

std::string ModelConfig::model_type() const {
  const std::string type = get_string(json, "model_type", "", where);
  if (type.empty())
    fail(ErrorCode::kInput, {.id = "config.model_type", .where = where, .what = "no model_type", .hint = "is this the config.json of a Hugging Face model folder?"});
  return type;
}

}  // namespace attune
