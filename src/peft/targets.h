// Which linear layers a method changes: PEFT's matching rules (tuners_utils.check_target_module_exists, release 0.21) over the
// module paths of a model, which are those of Hugging Face.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "nn/backbone.h"
#include "peft/pattern.h"
#include "peft/peft_config.h"

namespace attune {

struct TargetQuery {
  NameSelection target, exclude;  ///< an empty `target` means `defaults`
  std::vector<int64_t> layers;    ///< layers_to_transform; empty: all
  std::vector<std::string> layers_pattern;
  std::vector<std::string> saved;  ///< modules_to_save, complete
  std::vector<std::string> defaults;
  std::map<std::string, std::string> aliases;  ///< names of other architectures: query -> q_lin
  Origin origin;
};

struct Targets {
  std::vector<Linear*> layers;     ///< in the order of the model
  NameSelection written;           ///< what adapter_config.json says: it selects the same layers in PEFT
  std::vector<std::string> notes;  ///< for people: aliases used, names that match nothing
};

/// A text is a full-match regular expression, a list matches whole path parts from the end. Words, given as a text or as a list of
/// one: all-linear (also all), attention, mlp, qv (the architecture's default). Error "peft.no_target" lists what would match,
/// "peft.target_kind" a module that is no Linear.
Targets find_targets(Model& model, const TargetQuery& query);

/// Paths of the modules that `modules_to_save` wraps: every module whose path ends with one of the names, as plain text
/// (`classifier` catches `pre_classifier`, as in PEFT).
std::vector<Module*> saved_modules(Model& model, const std::vector<std::string>& names);
/// True when `path` is one of the modules or inside one.
bool is_inside(const std::string& path, const std::vector<Module*>& modules);

/// rank_pattern and alpha_pattern, compiled once: the value of the first key that full-matches `(.*\.)?(key)`, in the order of the map.
template <typename T>
class PatternTable {
 public:
  PatternTable(const std::map<std::string, T>& patterns, const char* option, const Origin& origin) {
    for (const auto& [key, value] : patterns) rows_.emplace_back(Pattern("(.*\\.)?(" + key + ")", option, origin), value);
  }
  T find(const std::string& path, T otherwise) const {
    for (const auto& [pattern, value] : rows_)
      if (pattern.matches(path)) return value;
    return otherwise;
  }

 private:
  std::vector<std::pair<Pattern, T>> rows_;
};

}  // namespace attune
