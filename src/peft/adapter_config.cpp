#include "peft/adapter_config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "peft/method.h"

namespace attune {
namespace {

constexpr const char* kTaskTypes[] = {"SEQ_CLS", "TOKEN_CLS", "QUESTION_ANS", "CAUSAL_LM", "SEQ_2_SEQ_LM", "FEATURE_EXTRACTION"};

const MethodEntry& entry_of(const std::string& peft_type, const std::string& where) {
  std::vector<std::string> known;
  for (const MethodEntry& m : peft_methods()) {
    if (!*m.peft_type) continue;
    if (peft_type == m.peft_type) return m;
    known.push_back(m.peft_type);
  }
  fail(ErrorCode::kInput, {.id = "adapter_config.peft_type",
                           .where = where,
                           .what = peft_type.empty() ? "peft_type is missing: this is no adapter_config.json of PEFT"
                                                     : "adapters of this kind are not supported",
                           .expected = fmt::format("{}", fmt::join(known, ", ")),
                           .got = peft_type.size() > 60 ? peft_type.substr(0, 60) : peft_type});
}

Json text_or_null(const std::string& s) { return s.empty() ? Json() : Json(s); }

}  // namespace

AdapterConfig parse_adapter_config(const Json& document, const std::string& where) {
  AdapterFields f(document, where);
  const MethodEntry& method = entry_of(f.text("peft_type"), where);
  AdapterConfig c;
  c.task_type = f.text("task_type");
  bool known_task = c.task_type.empty();
  for (const char* t : kTaskTypes) known_task = known_task || c.task_type == t;
  if (!known_task) f.refuse("task_type", "unknown task");
  c.base_model_name_or_path = f.text("base_model_name_or_path");
  c.revision = f.text("revision");
  c.auto_mapping = f.value("auto_mapping");
  f.boolean("inference_mode", true);
  f.text("peft_version");
  method.read(f, c.options);
  c.unknown = f.finish();
  c.options.method = method.name;
  c.notes = f.take_notes();
  if (!c.unknown.empty()) {
    std::vector<std::string> keys;
    for (const auto& item : c.unknown.items()) keys.push_back(item.key());
    c.notes.push_back(fmt::format("{}: unknown settings that are switched off, kept as they are: {}", where, fmt::join(keys, ", ")));
  }
  return c;
}

Json adapter_config_json(const AdapterConfig& c) {
  const MethodEntry* method = nullptr;
  for (const MethodEntry& m : peft_methods())
    if (c.options.method == m.name) method = &m;
  require(method && method->write, "adapter_config_json: the method makes no adapter");
  Json j = method->write(c.options);
  j["peft_type"] = method->peft_type;
  j["task_type"] = text_or_null(c.task_type);
  j["base_model_name_or_path"] = text_or_null(c.base_model_name_or_path);
  j["revision"] = text_or_null(c.revision);
  j["auto_mapping"] = c.auto_mapping;
  j["inference_mode"] = true;
  for (const auto& [key, v] : c.unknown.items()) j[key] = v;
  return j;
}

std::string adapter_config_text(const Json& config) { return dump_json(config, {.indent = 2, .sort_keys = true, .ascii = true}); }

std::optional<int64_t> adapter_labels(const std::vector<std::pair<std::string, Shape>>& entries) {
  for (const char* head : {"classifier.out_proj.weight", "classifier.weight", "score.weight", "qa_outputs.weight"})
    for (const auto& [name, shape] : entries) {
      std::string plain = name;  // modules_to_save.<adapter name>. is in keys that come from a state_dict
      if (const size_t at = plain.find(".modules_to_save."); at != std::string::npos) {
        const size_t rest = at + sizeof(".modules_to_save.") - 1, dot = plain.find('.', rest);
        plain = plain.substr(0, at + 1) + plain.substr(dot == std::string::npos ? rest : dot + 1);
      }
      if (shape.size() == 2 && (plain == head || plain.ends_with(std::string(".") + head))) return shape[0];
    }
  return std::nullopt;
}

}  // namespace attune
