// adapter_config.json: nothing is ignored, and what is written is what PEFT 0.10 and later read without a warning.
#include <gtest/gtest.h>

#include "support/peft_rig.h"

namespace attune {
namespace {

using namespace testing;

/// What PEFT 0.21.2 writes for LoRA when nothing was set.
Json standard() {
  Json j = read_json(golden_folder() / "adapters/bert_default_targets/adapter_config.json");
  j["target_modules"] = {"query", "value"};
  return j;
}

std::string refusal(const Json& j) {
  try {
    parse_adapter_config(j, "adapter_config.json");
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kInput);
    return e.info().id + ": " + e.what();
  }
  return "";
}

/// reliability I2: each field of PEFT's configuration times a value that is not its default.
TEST(AdapterConfig, NoFieldIsIgnored) {
  struct Row {
    const char* key;
    Json value;
    bool supported;
  };
  const std::vector<Row> rows{
      {"alora_invocation_tokens", {1, 2}, false},
      {"alpha_pattern", {{"query", 4}}, true},
      {"arrow_config", {{"top_k", 3}}, false},
      {"auto_mapping", {{"base_model_class", "BertModel"}}, true},
      {"base_model_name_or_path", "x", true},
      {"bias", "all", true},
      {"bias", "lora_only", true},
      {"bias", "some", false},
      {"corda_config", {{"a", 1}}, false},
      {"ensure_weight_tying", true, false},
      {"eva_config", {{"rho", 2.0}}, false},
      {"exclude_modules", {"key"}, true},
      {"exclude_modules", ".*key", true},
      {"fan_in_fan_out", true, true},
      {"inference_mode", false, true},
      {"init_lora_weights", false, true},
      {"init_lora_weights", "gaussian", true},
      {"init_lora_weights", "orthogonal", true},
      {"init_lora_weights", "eva", true},
      {"init_lora_weights", "mica", true},
      {"init_lora_weights", "pissa", false},
      {"init_lora_weights", "pissa_niter_4", false},
      {"init_lora_weights", "olora", false},
      {"init_lora_weights", "corda", false},
      {"init_lora_weights", "lora_ga", false},
      {"init_lora_weights", "loftq", false},
      {"init_lora_weights", "nonsense", false},
      {"init_lora_weights", 3, false},
      {"kasa_config", {{"a", 1}}, false},
      {"layer_replication", {{0, 2}}, false},
      {"layers_pattern", "layer", true},
      {"layers_to_transform", {0, 1}, true},
      {"layers_to_transform", 1, true},
      {"layers_to_transform", -1, false},
      {"loftq_config", {{"loftq_bits", 4}}, false},
      {"lora_alpha", 32, true},
      {"lora_alpha", 11.3, true},
      {"lora_alpha", "32", false},
      {"lora_bias", true, false},
      {"lora_dropout", 0.1, true},
      {"lora_dropout", 1.5, false},
      {"lora_ga_config", {{"a", 1}}, false},
      {"megatron_config", {{"a", 1}}, false},
      {"modules_to_save", {"classifier", "pooler"}, true},
      {"modules_to_save", "classifier", false},
      {"monteclora_config", {{"a", 1}}, false},
      {"peft_type", "IA3", false},
      {"peft_type", "lora", false},
      {"peft_version", "0.10.0", true},
      {"qalora_group_size", 32, false},
      {"r", 16, true},
      {"r", 0, false},
      {"r", 1e30, false},
      {"r", true, false},
      {"rank_pattern", {{"query", 4}}, true},
      {"rank_pattern", {{"query", 0}}, false},
      {"rank_pattern", {{"query", 1.5}}, false},
      {"revision", "main", true},
      {"runtime_config", {{"ephemeral_gpu_offload", true}}, false},
      {"target_modules", {"key"}, true},
      {"target_modules", "all-linear", true},
      {"target_modules", {1}, false},
      {"target_parameters", {"a"}, false},
      {"task_type", "TOKEN_CLS", true},
      {"task_type", "NONSENSE", false},
      {"trainable_token_indices", {1}, false},
      {"use_bdlora", {{"a", 1}}, false},
      {"use_dora", true, false},
      {"use_dora", "yes", false},
      {"use_qalora", true, false},
      {"use_rslora", true, true},
      {"velora_config", {{"a", 1}}, false},
      {"a_setting_of_tomorrow", true, false},
      {"a_setting_of_tomorrow", {{"x", 1}}, false},
      {"a_setting_of_tomorrow", nullptr, true},
      {"a_setting_of_tomorrow", false, true},
      {"_comment", "made by hand", true},
  };
  std::set<std::string> tested{"megatron_core"};
  for (const Row& row : rows) {
    tested.insert(row.key);
    Json j = standard();
    j[row.key] = row.value;
    const std::string text = refusal(j);
    EXPECT_EQ(text.empty(), row.supported) << row.key << " = " << row.value.dump() << "\n" << text;
    if (!row.supported && std::string(row.key) != "peft_type") {
      EXPECT_NE(text.find(row.key), std::string::npos) << text;
    }
  }
  const Json all = standard();
  for (const auto& [key, value] : all.items()) EXPECT_TRUE(tested.contains(key)) << key << " has no row in this table";
}

TEST(AdapterConfig, EveryProblemIsListedAtOnce) {
  Json j = standard();
  j["use_dora"] = true;
  j["r"] = -1;
  j["something"] = 7;
  const std::string text = refusal(j);
  for (const char* part : {"use_dora = true", "r: expected", "something = 7: unknown setting", "3 setting(s)"})
    EXPECT_NE(text.find(part), std::string::npos) << text;
}

TEST(AdapterConfig, UnknownHarmlessKeysAreListedAndKept) {
  Json j = standard();
  j["later_option"] = nullptr;
  j["later_list"] = Json::array();
  const AdapterConfig c = parse_adapter_config(j, "f");
  ASSERT_EQ(c.notes.size(), 1u);
  EXPECT_NE(c.notes[0].find("later_option, later_list"), std::string::npos) << c.notes[0];
  EXPECT_TRUE(adapter_config_json(c).contains("later_option"));
  EXPECT_TRUE(adapter_config_json(c).contains("later_list"));
}

TEST(AdapterConfig, NotAnAdapterConfig) {
  for (const Json& j : {Json(), Json::array(), Json("x"), Json::object(), Json({{"peft_type", 3}}), Json({{"peft_type", nullptr}})})
    EXPECT_NE(refusal(j), "");
}

/// The 0.10 key set with sorted keys, indent 2, no newline; later keys only where they say something.
TEST(AdapterConfig, Bytes) {
  AdapterConfig c = lora_config({{"r", 4},
                                 {"lora_alpha", 16},
                                 {"lora_dropout", 0.1},
                                 {"target_modules", {"value", "query"}},
                                 {"modules_to_save", {"score", "classifier", "score"}}});
  c.base_model_name_or_path = "models/caf\u00e9";
  EXPECT_EQ(adapter_config_text(adapter_config_json(c)), R"({
  "alpha_pattern": {},
  "auto_mapping": null,
  "base_model_name_or_path": "models/caf\u00e9",
  "bias": "none",
  "fan_in_fan_out": false,
  "inference_mode": true,
  "init_lora_weights": true,
  "layer_replication": null,
  "layers_pattern": null,
  "layers_to_transform": null,
  "loftq_config": {},
  "lora_alpha": 16,
  "lora_dropout": 0.1,
  "megatron_config": null,
  "megatron_core": "megatron.core",
  "modules_to_save": [
    "classifier",
    "score"
  ],
  "peft_type": "LORA",
  "r": 4,
  "rank_pattern": {},
  "revision": null,
  "target_modules": [
    "query",
    "value"
  ],
  "task_type": "SEQ_CLS",
  "use_dora": false,
  "use_rslora": false
})");
  c.options.exclude_modules.names = {"x"};
  EXPECT_TRUE(adapter_config_json(c).contains("exclude_modules"));
}

TEST(AdapterConfig, WrittenAndReadAgainIsTheSame) {
  const AdapterConfig c = lora_config({{"r", 4},
                                       {"lora_alpha", 11.5},
                                       {"use_rslora", true},
                                       {"bias", "all"},
                                       {"target_modules", ".*query"},
                                       {"exclude_modules", {"b", "a"}},
                                       {"init_lora_weights", "gaussian"},
                                       {"rank_pattern", {{"x", 3}}},
                                       {"alpha_pattern", {{"x", 0.5}}}});
  const Json j = adapter_config_json(c);
  EXPECT_EQ(adapter_config_json(parse_adapter_config(j, "f")), j);
}

TEST(AdapterConfig, LabelsFromTheHead) {
  const auto labels = [](const std::string& key, Shape shape) { return adapter_labels({{key, std::move(shape)}}); };
  EXPECT_EQ(labels("base_model.model.classifier.weight", {5, 32}), 5);
  EXPECT_EQ(labels("base_model.model.classifier.out_proj.weight", {4, 32}), 4);
  EXPECT_EQ(labels("base_model.model.score.weight", {3, 32}), 3);
  EXPECT_EQ(labels("classifier.weight", {2, 32}), 2);
  EXPECT_EQ(labels("base_model.model.classifier.modules_to_save.default.weight", {7, 32}), 7);
  EXPECT_EQ(labels("base_model.model.pre_classifier.weight", {32, 32}), std::nullopt);
  EXPECT_EQ(labels("base_model.model.bert.x.lora_A.weight", {8, 32}), std::nullopt);
}

}  // namespace
}  // namespace attune
