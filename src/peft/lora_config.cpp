#include "peft/lora_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/suggest.h"

namespace attune {
namespace {

constexpr double kLargeAlpha = 1e9;
constexpr int64_t kLargestRank = 65536;

/// Values that leave the base as it is: A and B of the file are all there is (formats, section 7.10).
constexpr const char* kPlainInits[] = {"true", "false", "gaussian", "orthogonal", "eva", "mica"};

bool among(const std::string& s, std::initializer_list<const char*> words) {
  return std::any_of(words.begin(), words.end(), [&](const char* w) { return s == w; });
}

void read_init(AdapterFields& f, PeftConfig& o) {
  const Json& v = f.value("init_lora_weights");
  if (v.is_boolean())
    o.init_lora_weights = v.get<bool>() ? "true" : "false";
  else if (v.is_string())
    o.init_lora_weights = v.get<std::string>();
  else if (!v.is_null())
    f.refuse("init_lora_weights", "expected true, false or a text");
  const std::string& s = o.init_lora_weights;
  if (std::any_of(std::begin(kPlainInits), std::end(kPlainInits), [&](const char* w) { return s == w; })) return;
  if (s.starts_with("pissa") || among(s, {"olora", "corda", "lora_ga", "loftq"}))
    f.refuse("init_lora_weights",
             "changes the base weights whenever the adapter is loaded; convert the adapter in peft "
             "(save_pretrained with path_initial_model_for_weight_conversion)");
  else
    f.refuse("init_lora_weights", "unknown initialisation");
}

}  // namespace

void read_lora_config(AdapterFields& f, PeftConfig& o) {
  o.r = f.integer("r", 8, 1, kLargestRank);
  o.lora_alpha = f.number("lora_alpha", 8, -kLargeAlpha, kLargeAlpha);
  o.lora_dropout = f.number("lora_dropout", 0, 0, 0.999999);
  o.use_rslora = f.boolean("use_rslora", false);
  o.target_modules = f.selection("target_modules");
  o.exclude_modules = f.selection("exclude_modules");
  o.layers_to_transform = f.integers("layers_to_transform");
  o.layers_pattern = f.names("layers_pattern", true);
  o.rank_pattern = f.numbers<int64_t>("rank_pattern", 1, static_cast<double>(kLargestRank));
  o.alpha_pattern = f.numbers<double>("alpha_pattern", -kLargeAlpha, kLargeAlpha);
  o.modules_to_save = f.names("modules_to_save");
  read_init(f, o);

  const std::string bias = f.text("bias");
  if (bias == "all")
    o.bias = LoraBias::kAll;
  else if (bias == "lora_only")
    o.bias = LoraBias::kLoraOnly;
  else if (bias != "" && bias != "none")
    f.refuse("bias", "expected none, all or lora_only");

  o.fan_in_fan_out = f.boolean("fan_in_fan_out", false);
  f.text("megatron_core");  // means nothing without megatron_config

  f.only_default("use_dora", false);
  f.only_default("lora_bias", false);
  f.only_default("use_qalora", false);
  f.only_default("qalora_group_size", 16);
  f.only_default("use_bdlora", false);
  f.only_default("ensure_weight_tying", false);
  // eva_config only says how A and B were first filled.
  if (o.init_lora_weights == "eva") f.known("eva_config");
  for (const char* key : {"megatron_config", "trainable_token_indices", "loftq_config", "eva_config", "corda_config", "lora_ga_config",
                          "alora_invocation_tokens", "layer_replication", "target_parameters", "arrow_config", "velora_config",
                          "monteclora_config", "kasa_config", "runtime_config"})
    if (std::string(key) != "eva_config" || o.init_lora_weights != "eva") f.only_default(key, Json());
}

namespace {

Json selection_json(const NameSelection& s) {
  if (!s.pattern.empty()) return s.pattern;
  if (s.names.empty()) return nullptr;
  auto names = s.names;
  std::sort(names.begin(), names.end());
  return names;
}

/// 16, not 16.0: as people write it and PEFT keeps it.
Json plain_number(double x) {
  if (std::floor(x) == x && std::abs(x) < 1e15) return static_cast<int64_t>(x);
  return x;
}

template <typename List>
Json list_or_null(List items) {
  if (items.empty()) return nullptr;
  std::sort(items.begin(), items.end());
  return items;
}

}  // namespace

Json write_lora_config(const PeftConfig& o) {
  Json j = Json::object();
  j["r"] = o.r;
  j["lora_alpha"] = plain_number(o.lora_alpha);
  j["lora_dropout"] = o.lora_dropout;
  j["use_rslora"] = o.use_rslora;
  j["bias"] = o.bias == LoraBias::kAll ? "all" : o.bias == LoraBias::kLoraOnly ? "lora_only" : "none";
  j["target_modules"] = selection_json(o.target_modules);
  j["layers_to_transform"] = list_or_null(o.layers_to_transform);
  j["layers_pattern"] = list_or_null(o.layers_pattern);
  j["modules_to_save"] = list_or_null(o.modules_to_save);
  j["rank_pattern"] = Json::object();
  for (const auto& [key, r] : o.rank_pattern) j["rank_pattern"][key] = r;
  j["alpha_pattern"] = Json::object();
  for (const auto& [key, alpha] : o.alpha_pattern) j["alpha_pattern"][key] = plain_number(alpha);
  if (o.init_lora_weights == "true" || o.init_lora_weights == "false")
    j["init_lora_weights"] = o.init_lora_weights == "true";
  else
    j["init_lora_weights"] = o.init_lora_weights;
  j["fan_in_fan_out"] = o.fan_in_fan_out;
  j["layer_replication"] = nullptr;
  j["loftq_config"] = Json::object();
  j["megatron_config"] = nullptr;
  j["megatron_core"] = "megatron.core";
  j["use_dora"] = false;
  if (!o.exclude_modules.empty()) j["exclude_modules"] = selection_json(o.exclude_modules);  // 0.14
  return j;
}

void check_lora_init(const PeftConfig& o, const Origin& origin) {
  const std::string& s = o.init_lora_weights;
  if (among(s, {"true", "false", "gaussian"})) return;
  const bool changes_base = s.starts_with("pissa") || among(s, {"olora", "corda", "lora_ga", "loftq"});
  fail(origin.code, {.id = "peft.init_lora_weights",
                     .where = origin.where + ".init_lora_weights",
                     .what = changes_base ? "'" + s + "' rewrites the base weights and is not supported" : "'" + s + "' is not supported",
                     .hint = suggestion(s, {"true", "false", "gaussian"})});
}

}  // namespace attune
