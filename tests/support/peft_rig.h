// A tiny model with a PEFT method on it, as app/ puts them together.
#pragma once

#include <memory>
#include <string>

#include "peft/method.h"
#include "support/golden_model.h"

namespace attune::testing {

inline fs::path model_folder_of(const std::string& model) { return golden_folder() / "models" / model; }

/// PEFT's word for what a head does; "" where it has none.
inline std::string task_type_of(HeadKind head) {
  switch (head) {
    case HeadKind::kSequenceClassification: return "SEQ_CLS";
    case HeadKind::kTokenClassification: return "TOKEN_CLS";
    case HeadKind::kQuestionAnswering: return "QUESTION_ANS";
    case HeadKind::kCausalLm: return "CAUSAL_LM";
    default: return "";
  }
}

/// What the registry of models tells a method; options are left to the caller.
inline PeftSetup setup_for(const std::string& model_type, const std::string& method, HeadKind head = HeadKind::kSequenceClassification) {
  const Architecture& a = find_architecture(model_type, "test");
  PeftSetup s;
  s.adapter.options.method = method;
  s.adapter.task_type = task_type_of(head);
  s.adapter.base_model_name_or_path = "base";
  s.default_targets = a.default_lora_targets;
  s.target_aliases = a.target_aliases;
  return s;
}

/// LoRA options as PEFT spells them ({"r": 4, "target_modules": [...]}).
inline AdapterConfig lora_config(Json settings, const std::string& task_type = "SEQ_CLS") {
  settings["peft_type"] = "LORA";
  settings["task_type"] = task_type;
  return parse_adapter_config(settings, "settings");
}

/// The structure of a golden model without its weights.
inline std::unique_ptr<Model> empty_model(const std::string& model, int64_t labels = 3) {
  const fs::path file = model_folder_of(model) / "config.json";
  return make_model(ModelConfig{read_json(file), file.string()}, head_of(model), labels);
}

/// The base of a golden adapter with the adapter on it.
struct AdapterRig {
  explicit AdapterRig(const std::string& adapter, bool inference = true)
      : folder(golden_folder() / "adapters" / adapter),
        golden(read_json(folder / "golden.json")),
        file(folder / "adapter_model.safetensors"),
        base(golden["base"].get<std::string>()),
        model(load_golden(model_folder_of(base), head_of(base), labels_in(file))) {
    PeftSetup s = setup_for(model->info().model_type, "lora", head_of(base));
    s.adapter = parse_adapter_config(read_json(folder / "adapter_config.json"), (folder / "adapter_config.json").string());
    s.loaded = true;
    s.origin = {ErrorCode::kInput, folder.string()};
    s.inference = inference;
    method = make_method(std::move(s));
    method->apply(*model);
  }
  static int64_t labels_in(const SafetensorsFile& f) {
    std::vector<std::pair<std::string, Shape>> entries;
    for (const auto& e : f.entries()) entries.emplace_back(e.name, e.shape);
    return adapter_labels(entries).value_or(0);  // a language model's are its vocabulary
  }

  fs::path folder;
  Json golden;
  SafetensorsFile file;
  std::string base;
  std::unique_ptr<Model> model;
  std::unique_ptr<PeftMethod> method;
};

inline std::vector<float> flat(const Json& rows) {
  std::vector<float> all;
  for (const auto& row : rows) {
    if (row.is_array())
      for (const auto& x : row) all.push_back(x.get<float>());
    else
      all.push_back(row.get<float>());
  }
  return all;
}

/// The same architecture with weights from a map, as a merged folder would be read.
inline std::unique_ptr<Model> model_with(const std::string& model, int64_t labels, const TensorMap& weights) {
  auto m = empty_model(model, labels);
  TensorSource s;
  s.where = "map";
  for (const auto& [name, t] : weights) s.entries.emplace_back(name, t.shape());
  s.read = [&](const std::string& name) { return weights.at(name).clone(); };
  const LoadReport r = load_weights(*m, s, 1);
  require(r.missing.empty() && r.unexpected.empty(), "the map holds exactly the model");
  return m;
}

}  // namespace attune::testing
