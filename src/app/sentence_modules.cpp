#include "app/sentence_modules.h"

#include <algorithm>

#include "base/error.h"
#include "nn/model_config.h"

namespace attune {
namespace {

[[noreturn]] void unsupported(const fs::path& file, const std::string& what, const std::string& expected) {
  fail(ErrorCode::kInput, {.id = "modules.pooling", .where = file.string(), .what = what, .expected = expected});
}

std::string pooling_of(const fs::path& file) {
  const Json j = read_json(file);
  std::vector<std::string> on;
  for (const auto& [key, value] : j.items())
    if (key.starts_with("pooling_mode_") && value.is_boolean() && value.get<bool>()) on.push_back(key);
  if (j.contains("pooling_mode") && j["pooling_mode"].is_string()) on = {j["pooling_mode"].get<std::string>()};  // newer folders
  constexpr std::pair<const char*, const char*> kKnown[] = {
      {"pooling_mode_mean_tokens", "mean"}, {"pooling_mode_cls_token", "cls"}, {"pooling_mode_max_tokens", "max"}, {"mean", "mean"}, {"cls", "cls"}, {"max", "max"}};
  if (on.size() == 1)
    for (const auto& [key, name] : kKnown)
      if (on.front() == key) return name;
  unsupported(file, on.size() > 1 ? "joins several ways of pooling" : "names no way of pooling that is known", "mean, cls or max");
}

}  // namespace

TaskSettings sentence_settings(const fs::path& folder, int64_t max_positions) {
  TaskSettings s;
  s.task = "feature-extraction";
  s.max_length = max_positions;
  if (const fs::path file = folder / "sentence_bert_config.json"; file_exists(file))
    s.max_length = std::min(max_positions, get_int(read_json(file), "max_seq_length", max_positions, file.string(), 1, kMaxPositions));
  const fs::path modules = folder / "modules.json";
  if (!file_exists(modules)) return s;
  s.options.normalize = false;
  const Json list = read_json(modules);
  for (const Json& m : list) {
    if (!list.is_array() || !m.is_object()) unsupported(modules, "is no list of modules", "[{\"type\": ..., \"path\": ...}]");
    const std::string type = get_string(m, "type", "", modules.string()), path = get_string(m, "path", "", modules.string());
    if (type.ends_with(".Pooling")) {
      require_safe_name(path, modules.string());
      s.options.pooling = pooling_of(folder / path / "config.json");
    } else if (type.ends_with(".Normalize"))
      s.options.normalize = true;
    else if (!type.ends_with(".Transformer"))
      unsupported(modules, "the module " + type + " is not known", "Transformer, Pooling and Normalize");
  }
  return s;
}

}  // namespace attune
