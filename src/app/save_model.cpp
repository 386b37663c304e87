#include "app/save_model.h"

#include "base/error.h"

namespace attune {

std::vector<std::pair<std::string, std::string>> side_files(const LoadedModel& m, bool adapter, const std::string& merged_onto) {
  constexpr const char* kGeneration = "generation_config.json";
  const TaskSettings& s = m.task->settings();
  Json side = adapter ? side_file(s, m.opened.base_name, m.stored->fingerprint()) : side_file(s, "", "");
  if (!merged_onto.empty()) side["merged_onto"] = merged_onto;
  std::vector<std::pair<std::string, std::string>> out{{kSideFile, dump_json(side, {.ascii = false}) + "\n"}};
  for (auto& [name, content] : m.tokenizer->files(s.max_length, s.truncation_side)) out.push_back({name, std::move(content)});
  if (!adapter && m.task->kind().head == HeadKind::kCausalLm && m.opened.files.contains(kGeneration)) out.push_back({kGeneration, m.opened.files.read(kGeneration)});
  return out;
}

void require_other_folder(const fs::path& output, const std::vector<fs::path>& inputs) {
  for (const fs::path& input : inputs)
    if (fs::weakly_canonical(input) == fs::weakly_canonical(output))
      fail(ErrorCode::kState, {.id = "output_is_input", .where = output.string(), .what = "is a folder that is read from", .hint = "choose another output folder"});
}

Json trained_config(const LoadedModel& m) {
  const TaskSettings& s = m.task->settings();
  Json config = m.opened.config.json;
  config["architectures"] = Json::array({m.opened.architecture->class_name(m.task->kind().head)});
  Json id2label = Json::object(), label2id = Json::object();
  for (size_t i = 0; i < s.labels.size(); ++i) {
    id2label[std::to_string(i)] = s.labels[i];
    label2id[s.labels[i]] = i;
  }
  for (const char* key : {"num_labels", "id2label", "label2id", "problem_type"}) config.erase(key);
  if (!s.labels.empty()) {
    config["id2label"] = id2label;
    config["label2id"] = label2id;
    config["problem_type"] = problem_type_name(s.problem_type);
  }
  config["dtype"] = "float32";
  config.erase("torch_dtype");
  config.erase("quantization_config");
  return config;
}

namespace {

std::vector<Artifact> with_side_files(std::vector<Artifact> artifacts, std::vector<std::pair<std::string, std::string>> side) {
  for (auto& [name, text] : side) artifacts.push_back(text_artifact(name, std::move(text)));
  return artifacts;
}

}  // namespace

std::vector<Artifact> adapter_artifacts(const LoadedModel& m) {
  return with_side_files({text_artifact("adapter_config.json", adapter_config_text(m.method->adapter_json())),
                          weights_artifact("adapter_model.safetensors", m.method->adapter_tensors())},
                         side_files(m, true));
}

std::vector<Artifact> model_artifacts(const LoadedModel& m, const TensorMap& weights, const std::string& merged_onto) {
  return with_side_files({text_artifact("config.json", dump_json(trained_config(m)) + "\n"), weights_artifact("model.safetensors", weights)},
                         side_files(m, false, merged_onto));
}

std::vector<Artifact> trained_artifacts(const LoadedModel& m) {
  return m.method && m.method->makes_adapter() ? adapter_artifacts(m) : model_artifacts(m, weights_of(*m.model));
}

}  // namespace attune
