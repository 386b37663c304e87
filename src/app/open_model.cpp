#include "app/open_model.h"

#include <fmt/format.h>

#include "base/error.h"
#include "io/safetensors.h"
#include "peft/adapter_config.h"

namespace attune {
namespace {

ModelConfig read_config(const TextFiles& files, const Json& overrides) {
  if (!files.contains("config.json"))
    fail(ErrorCode::kInput, {.id = "model.no_config", .where = files.place().string(), .what = "no config.json, so this is no Hugging Face model folder", .hint = "give the folder that holds config.json, or an adapter folder with adapter_config.json"});
  ModelConfig c{files.json("config.json"), files.where("config.json")};
  if (!c.json.is_object()) fail(ErrorCode::kInput, {.id = "json.type", .where = c.where, .what = "is no object"});
  for (const auto& [key, value] : overrides.items()) c.json[key] = value;
  return c;
}

constexpr std::pair<TruncationStrategy, const char*> kStrategies[] = {{TruncationStrategy::kLongestFirst, "longest_first"},
                                                                      {TruncationStrategy::kOnlyFirst, "only_first"},
                                                                      {TruncationStrategy::kOnlySecond, "only_second"},
                                                                      {TruncationStrategy::kNone, "do_not_truncate"}};

std::string strategy_name(TruncationStrategy s) {
  for (const auto& [strategy, name] : kStrategies)
    if (strategy == s) return name;
  return "";
}

TruncationStrategy strategy_named(const std::string& name, const std::string& where) {
  for (const auto& [strategy, known] : kStrategies)
    if (name == known) return strategy;
  fail(ErrorCode::kInput, {.id = "side_file.truncation", .where = where + " (truncation)", .what = "unknown truncation \"" + name + "\"", .expected = "longest_first, only_first, only_second or do_not_truncate"});
}

TaskSettings settings_of_side_file(const fs::path& file, std::string& fingerprint) {
  const Json j = read_json(file);
  const std::string where = file.string();
  TaskSettings s;
  s.task = get_string(j, "task", s.task, where);
  const std::string type = get_string(j, "problem_type", problem_type_name(s.problem_type), where);
  const auto known = problem_type_from_name(type);
  if (!known) fail(ErrorCode::kInput, {.id = "side_file.problem_type", .where = where + " (problem_type)", .what = "unknown problem type \"" + type + "\""});
  s.problem_type = *known;
  s.labels = labels_of_config({j, where});
  s.max_length = get_int(j, "max_length", s.max_length, where, 1, kMaxPositions);
  const std::string side = get_string(j, "truncation_side", "right", where);
  if (side != "left" && side != "right")
    fail(ErrorCode::kInput, {.id = "side_file.truncation_side", .where = where + " (truncation_side)", .what = "unknown side \"" + side + "\"", .expected = "left or right"});
  s.truncation_side = side == "left" ? Side::kLeft : Side::kRight;
  s.truncation = strategy_named(get_string(j, "truncation", "longest_first", where), where);
  s.decision = read_decision(j, s.problem_type, s.labels, where);
  if (const auto options = j.find("options"); options != j.end()) s.options = task_options_of(*options, where);
  if (j.contains("base_model") && j["base_model"].is_object()) fingerprint = get_string(j["base_model"], "fingerprint", "", where);
  return s;
}

/// The number of labels of an adapter's head, from the shapes in its file; none when the file has no head.
std::optional<int64_t> labels_of_adapter(const fs::path& folder) {
  const SafetensorsFile weights(folder / "adapter_model.safetensors");
  std::vector<std::pair<std::string, Shape>> shapes;
  for (const auto& e : weights.entries()) shapes.emplace_back(e.name, e.shape);
  return adapter_labels(shapes);
}

/// A number of labels written down somewhere becomes settings with the folder's own names where they are as many.
TaskSettings settings_for(const TaskKind& task, const ModelConfig& config, int64_t outputs) {
  TaskSettings s;
  s.task = task.name;
  if (!task.labels) return s;
  s.labels = labels_of_config(config);
  if (static_cast<int64_t>(s.labels.size()) != outputs) s.labels = default_labels(outputs);
  const std::string type = get_string(config.json, "problem_type", "", config.where);
  if (const auto known = problem_type_from_name(type))
    s.problem_type = *known;
  else if (!type.empty())
    fail(ErrorCode::kInput, {.id = "config.problem_type", .where = config.where + " (problem_type)", .what = "unknown problem type \"" + type + "\""});
  else
    s.problem_type = task.head == HeadKind::kSequenceClassification && outputs == 1 ? ProblemType::kRegression : ProblemType::kSingleLabel;
  return s;
}

/// The task of an adapter, from its task_type (SEQ_CLS, ...); adapters that do not say are taken for classifiers.
const TaskKind* task_of_adapter(const std::string& type) {
  for (const std::string& name : task_names())
    if (find_task(name).peft_task_type == type) return &find_task(name);
  return type.empty() ? &find_task("text-classification") : nullptr;
}

/// What a model folder without attune.json was trained for; nothing when its config.json names no class with a head.
std::optional<TaskSettings> settings_of_folder(const Architecture& architecture, const ModelConfig& config) {
  const auto classes = config.json.find("architectures");
  if (classes == config.json.end() || !classes->is_array()) return std::nullopt;
  for (const auto& c : *classes) {
    const TaskKind* task = c.is_string() ? task_of(head_of_class(architecture, c.get<std::string>())) : nullptr;
    if (!task) continue;
    const auto names = labels_of_config(config);
    const int64_t n = names.empty() ? get_int(config.json, "num_labels", 2, config.where, 1, 1'000'000) : static_cast<int64_t>(names.size());
    return settings_for(*task, config, n);
  }
  return std::nullopt;
}

/// The same for an adapter; a classifier's labels are counted in its head.
std::optional<TaskSettings> settings_of_adapter(const fs::path& folder, const std::string& type, const ModelConfig& config) {
  const TaskKind* task = task_of_adapter(type);
  if (!task) return std::nullopt;
  if (!task->labels) return settings_for(*task, config, 0);
  const auto n = labels_of_adapter(folder);
  if (!n) return std::nullopt;
  return settings_for(*task, config, *n);
}

}  // namespace

std::vector<std::string> default_labels(int64_t n) {
  std::vector<std::string> names;
  for (int64_t i = 0; i < n; ++i) names.push_back(fmt::format("LABEL_{}", i));
  return names;
}

std::vector<std::string> labels_of_config(const ModelConfig& c) {
  const auto it = c.json.find("id2label");
  if (it == c.json.end() || it->is_null()) return {};
  const auto bad = [&](const std::string& what) {
    fail(ErrorCode::kInput, {.id = "config.labels", .where = c.where + " (id2label)", .what = what, .expected = "an object from \"0\", \"1\", ... to names"});
  };
  if (!it->is_object()) bad("is no object");
  std::vector<std::string> names(it->size());
  std::vector<bool> seen(it->size());
  for (const auto& [key, value] : it->items()) {
    size_t id = names.size();
    if (!key.empty() && key.size() < 10 && key.find_first_not_of("0123456789") == std::string::npos) id = std::stoul(key);
    if (id >= names.size() || seen[id]) bad("the ids are not 0 to " + std::to_string(names.size() - 1));
    seen[id] = true;
    names[id] = value.is_string() ? value.get<std::string>() : label_text(value);
  }
  return names;
}

void apply_reading(const DataConfig& data, TaskSettings& s) {
  if (data.max_length) s.max_length = *data.max_length;
  if (data.truncation_side != SideChoice::kTokenizer) s.truncation_side = data.truncation_side == SideChoice::kLeft ? Side::kLeft : Side::kRight;
  if (data.truncation != TruncationStrategy::kLongestFirst) s.truncation = data.truncation;
  if (!data.label_separator.empty()) s.label_separator = data.label_separator;
  apply(data.options, s.options);
}

std::optional<TaskSettings> side_settings(const fs::path& folder) {
  std::string fingerprint;
  if (!file_exists(folder / kSideFile)) return std::nullopt;
  return settings_of_side_file(folder / kSideFile, fingerprint);
}

const TaskSettings* remembered(const OpenedModel& opened, const std::string& task) {
  return opened.settings && opened.settings->task == task ? &*opened.settings : nullptr;
}

int64_t max_positions(const OpenedModel& opened) { return opened.architecture->make(opened.config, HeadKind::kNone, 0)->info().max_positions; }

Json side_file(const TaskSettings& s, const std::string& base_name, const std::string& base_fingerprint) {
  Json id2label = Json::object();
  for (size_t i = 0; i < s.labels.size(); ++i) id2label[std::to_string(i)] = s.labels[i];
  Json j = {{"format_version", 1},
            {"task", s.task},
            {"max_length", s.max_length},
            {"truncation_side", s.truncation_side == Side::kLeft ? "left" : "right"},
            {"truncation", strategy_name(s.truncation)}};
  if (!s.labels.empty()) {
    j["problem_type"] = problem_type_name(s.problem_type);
    j["id2label"] = id2label;
  }
  write_decision(s.decision, s.labels, j);
  if (Json options = to_json(s.options); !options.empty()) j["options"] = std::move(options);
  if (!base_name.empty()) j["base_model"] = {{"name", base_name}, {"fingerprint", base_fingerprint}};
  return j;
}

TextFiles files_of(const ResolvedModel& resolved, std::shared_ptr<const GgufModel>* gguf) {
  if (resolved.kind != ModelKind::kGguf) return resolved.folder;
  const auto model = std::make_shared<const GgufModel>(resolved.folder);
  if (gguf) *gguf = model;
  return model->files();
}

OpenedModel open_model(const std::string& name, const std::string& base_model, const Json& overrides) {
  OpenedModel m;
  m.given = name;
  ResolvedModel resolved = resolve_model(name);
  const bool is_adapter = file_exists(resolved.folder / "adapter_config.json");
  std::string adapter_task;
  if (is_adapter) {
    m.adapter = resolved.folder;
    const Json adapter = read_json(resolved.folder / "adapter_config.json");
    const std::string where = (resolved.folder / "adapter_config.json").string();
    adapter_task = get_string(adapter, "task_type", "", where);
    m.base_name = base_model.empty() ? get_string(adapter, "base_model_name_or_path", "", where) : base_model;
    if (m.base_name.empty())
      fail(ErrorCode::kInput, {.id = "adapter.no_base", .where = where, .what = "names no base model", .hint = "say where it is with --base-model DIR"});
    try {
      resolved = resolve_model(m.base_name);
    } catch (const Error& e) {
      ErrorInfo info = e.info();
      info.where = where + " (base_model_name_or_path)";
      info.hint = "say where the base is with --base-model DIR";
      fail(e.code(), std::move(info));
    }
    if (file_exists(resolved.folder / "adapter_config.json"))
      fail(ErrorCode::kInput, {.id = "adapter.base_is_adapter", .where = resolved.folder.string(), .what = "is an adapter itself, not a base model", .hint = "merge it first (attune merge), then use the merged folder as the base"});
  } else if (!base_model.empty()) {
    fail(ErrorCode::kUsage, {.id = "model.base_without_adapter", .where = "--base-model", .what = name + " is a whole model, not an adapter"});
  }
  m.folder = resolved.folder;
  m.commit = resolved.commit;
  if (!is_adapter) m.base_name = name;
  m.files = files_of(resolved, &m.gguf);
  m.config = read_config(m.files, overrides);
  m.architecture = &find_architecture(m.config.model_type(), m.config.where);
  m.stored = stored_quantization(m.config);

  const fs::path own = m.adapter ? *m.adapter : m.folder;
  m.tokenizer_files = m.adapter && has_tokenizer(own) ? TextFiles(own) : m.files;
  if (file_exists(own / kSideFile)) {
    m.settings = settings_of_side_file(own / kSideFile, m.base_fingerprint);
  } else {
    m.settings = m.adapter ? settings_of_adapter(*m.adapter, adapter_task, m.config) : settings_of_folder(*m.architecture, m.config);
    if (m.settings) m.settings->max_length = max_positions(m);
  }
  return m;
}

}  // namespace attune
