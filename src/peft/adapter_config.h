// adapter_config.json: read so that no setting is ever ignored, written as PEFT 0.10 and later read it without warnings.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/json.h"
#include "peft/pattern.h"
#include "peft/peft_config.h"
#include "tensor/tensor.h"

namespace attune {

struct AdapterConfig {
  PeftConfig options;
  std::string task_type;                ///< SEQ_CLS, ...; "": null
  std::string base_model_name_or_path;  ///< "": null
  std::string revision;                 ///< of the base; "": null
  Json auto_mapping;                    ///< null, or what a file said
  Json unknown = Json::object();        ///< harmless keys we do not know, written back as they were
  std::vector<std::string> notes;       ///< for people: what was set aside and why
};

/// `where` is the file. Error(kInput) "adapter_config.unsupported" lists every setting that we do not support or know;
/// "adapter_config.type" a wrong type; "adapter_config.peft_type" another method.
AdapterConfig parse_adapter_config(const Json& document, const std::string& where);
Json adapter_config_json(const AdapterConfig& config);
/// The file's bytes: indent 2, sorted keys, ASCII, no newline at the end.
std::string adapter_config_text(const Json& config);

/// The number of labels an adapter's head has, from the shapes of its tensors; none when the head is not in the file.
std::optional<int64_t> adapter_labels(const std::vector<std::pair<std::string, Shape>>& entries);

/// One pass over adapter_config.json: each key is read, required to have its default, or reported.
class AdapterFields {
 public:
  AdapterFields(const Json& document, std::string where);
  int64_t integer(const char* key, int64_t absent, int64_t least, int64_t most);
  double number(const char* key, double absent, double least, double most);
  bool boolean(const char* key, bool absent);
  std::string text(const char* key);  ///< null: ""
  /// null, a text, or a list of texts.
  NameSelection selection(const char* key);
  std::vector<std::string> names(const char* key, bool text_allowed = false);
  std::vector<int64_t> integers(const char* key);  ///< null, one number or a list
  template <typename T>
  std::map<std::string, T> numbers(const char* key, double least, double most) {
    std::map<std::string, T> out;
    each_number(key, std::is_integral_v<T>, least, most, [&](const std::string& k, double v) { out[k] = static_cast<T>(v); });
    return out;
  }
  const Json& value(const char* key);  ///< null when absent; counts as read
  /// A setting we do not support: anything but null, its default, or an empty list or object is refused.
  void only_default(const char* key, const Json& standard);
  void known(const char* key) { seen_.insert(key); }
  void refuse(const std::string& key, const std::string& why);
  void note(std::string text) { notes_.push_back(std::move(text)); }
  std::vector<std::string> take_notes() { return std::move(notes_); }
  /// Keys nobody asked for: harmless ones are returned, others refused. Throws when anything was refused.
  Json finish();

 private:
  void wrong(const char* key, const std::string& expected);
  void each_number(const char* key, bool integral, double least, double most, const std::function<void(const std::string&, double)>& each);
  const Json& document_;
  std::string where_;
  std::set<std::string> seen_;
  Problems problems_;
  std::vector<std::string> notes_;
};

}  // namespace attune
