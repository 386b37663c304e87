#include "peft/targets.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <set>

#include "base/suggest.h"

namespace attune {
namespace {

/// From this many paths on, PEFT writes suffixes instead (MIN_TARGET_MODULES_FOR_OPTIMIZATION).
constexpr size_t kCondenseFrom = 20;

bool ends_with_part(const std::string& path, const std::string& name) {
  return path == name || (path.size() > name.size() && path.ends_with(name) && path[path.size() - name.size() - 1] == '.');
}

/// A NameSelection ready to be asked.
class Selector {
 public:
  Selector(const NameSelection& s, const char* key, const Origin& origin) : names_(s.names) {
    if (!s.pattern.empty()) pattern_.emplace(s.pattern, key, origin);
  }
  bool matches(const std::string& path) const {
    if (pattern_) return pattern_->matches(path);
    return std::any_of(names_.begin(), names_.end(), [&](const auto& n) { return ends_with_part(path, n); });
  }
  bool names(const std::string& path) const { return std::find(names_.begin(), names_.end(), path) != names_.end(); }

 private:
  std::vector<std::string> names_;
  std::optional<Pattern> pattern_;
};

/// The layer number PEFT sees in a path.
std::optional<int64_t> layer_number(const std::string& path, const std::vector<Pattern>& patterns) {
  for (const Pattern& p : patterns)
    if (const auto index = p.prefix_group(path, "idx"); index && index->size() < 10) return std::stoll(*index);
  return std::nullopt;
}

/// PEFT excludes the children of a saved module too, by whole parts of the path.
bool has_part(const std::string& path, const std::string& name) { return ("." + path + ".").find("." + name + ".") != std::string::npos; }

std::vector<Module*> named_modules(Model& model) {
  std::vector<Module*> all;
  std::set<std::string> seen{""};
  for_each_module(model, [&](Module& m) {
    if (seen.insert(m.path()).second) all.push_back(&m);
  });
  return all;
}

std::string last_part(const std::string& path) { return path.substr(path.rfind('.') + 1); }

bool is_attention(const std::string& path) { return has_part(path, "attention") || has_part(path, "attn") || has_part(path, "self_attn"); }

/// Does the word choose this layer? Null: no such word.
std::optional<bool> word_takes(const std::string& word, const std::string& path, const std::vector<Pattern>& numbered) {
  if (word == "all-linear" || word == "all") return true;
  if (word == "attention") return is_attention(path);
  if (word == "mlp") return layer_number(path, numbered).has_value() && !is_attention(path);
  return std::nullopt;
}
bool is_word(const std::string& s) { return word_takes(s, "", {}).has_value() || s == "qv"; }

/// The shortest suffixes that select `paths` and no other module (PEFT's _find_minimal_target_modules).
std::vector<std::string> condensed(const std::vector<std::string>& paths, const std::vector<std::string>& others) {
  const auto suffixes = [](const std::string& path) {
    std::vector<std::string> all;
    for (size_t at = path.rfind('.'); at != std::string::npos; at = at ? path.rfind('.', at - 1) : std::string::npos)
      all.push_back(path.substr(at + 1));
    all.push_back(path);
    return all;
  };
  std::set<std::string> taken, required;
  for (const auto& other : others)
    for (auto& s : suffixes(other)) taken.insert(s);
  std::vector<std::vector<std::string>> items;
  for (const auto& path : paths) items.push_back(suffixes(path));
  std::sort(items.begin(), items.end());
  for (const auto& item : items) {
    const std::string& path = item.back();
    if (std::any_of(required.begin(), required.end(), [&](const auto& r) { return ends_with_part(path, r); })) continue;
    const auto free = std::find_if(item.begin(), item.end(), [&](const auto& s) { return !taken.contains(s); });
    required.insert(free == item.end() ? path : *free);
  }
  return {required.begin(), required.end()};
}

class Search {
 public:
  Search(Model& model, const TargetQuery& q) : q_(q), modules_(named_modules(model)), saved_(saved_modules(model, q.saved)) {
    for (Module* m : modules_)
      if (m->kind() == ModuleKind::kLinear && !is_inside(m->path(), saved_)) linears_.push_back(static_cast<Linear*>(m));
    const std::vector<std::string> any{"[^.]*"};
    for (const auto& p : q.layers_pattern.empty() ? any : q.layers_pattern)
      numbered_.emplace_back((q.layers_pattern.empty() ? ".*?\\." : "(?:^|.*?\\.)") + p + "\\.(?P<idx>\\d+)\\.", "layers_pattern",
                             q.origin);
  }

  Targets find() {
    Targets out;
    if (!q_.layers_pattern.empty() && q_.layers.empty()) refuse("peft.layers", "layers_pattern needs layers_to_transform");
    const std::string word = given_word();
    if (!word.empty() && word != "qv") {
      by_word(word, out);
    } else if (!q_.target.pattern.empty() && word.empty()) {
      if (!q_.layers.empty()) refuse("peft.layers", "layers_to_transform needs target_modules as a list; it is a regular expression");
      out.written = q_.target;
      by_selection(out);
    } else {
      out.written.names = wanted_names(word == "qv", out);
      by_selection(out);
    }
    if (out.layers.empty()) nothing();
    return out;
  }

 private:
  [[noreturn]] void refuse(const char* id, std::string what, std::string hint = "") const {
    fail(q_.origin.code, {.id = id, .where = q_.origin.where, .what = std::move(what), .hint = std::move(hint)});
  }

  /// A word (all-linear...) unless a layer of the model has that very name.
  std::string given_word() const {
    const std::string& w = !q_.target.pattern.empty()    ? q_.target.pattern
                           : q_.target.names.size() == 1 ? q_.target.names[0]
                                                         : q_.target.pattern;
    const bool layer = std::any_of(linears_.begin(), linears_.end(), [&](const Linear* l) { return ends_with_part(l->path(), w); });
    return is_word(w) && !layer ? w : "";
  }

  bool excluded(const std::string& path, const Selector& exclude) const {
    return exclude.matches(path) || is_inside(path, saved_) ||
           std::any_of(q_.saved.begin(), q_.saved.end(), [&](const auto& m) { return has_part(path, m); });
  }
  bool in_layers(const std::string& path) const {
    if (q_.layers.empty()) return true;
    const auto n = layer_number(path, numbered_);
    return n && std::find(q_.layers.begin(), q_.layers.end(), *n) != q_.layers.end();
  }

  void by_word(const std::string& word, Targets& out) const {
    const Selector exclude(q_.exclude, "exclude_modules", q_.origin);
    std::vector<std::string> paths, others;
    for (Linear* l : linears_)
      if (*word_takes(word, l->path(), numbered_) && !excluded(l->path(), exclude) && in_layers(l->path())) {
        out.layers.push_back(l);
        paths.push_back(l->path());
      }
    for (Module* m : modules_)
      if (std::find(paths.begin(), paths.end(), m->path()) == paths.end()) others.push_back(m->path());
    out.written.names = paths.size() >= kCondenseFrom ? condensed(paths, others) : paths;
  }

  /// The list, with names of other architectures replaced.
  std::vector<std::string> wanted_names(bool defaults, Targets& out) const {
    std::vector<std::string> names = defaults || q_.target.names.empty() ? q_.defaults : q_.target.names;
    if (names.empty())
      refuse("peft.no_default_targets", "this architecture has no default target_modules", "set target_modules; " + would_match());
    for (auto& name : names) {
      const auto takes = [&](const std::string& n) {
        return std::any_of(modules_.begin(), modules_.end(), [&](const Module* m) { return ends_with_part(m->path(), n); });
      };
      if (takes(name)) continue;
      if (const auto it = q_.aliases.find(name); it != q_.aliases.end() && takes(it->second)) {
        out.notes.push_back(fmt::format("target_modules: '{}' is called '{}' in this architecture", name, it->second));
        name = it->second;
      } else {
        out.notes.push_back(
            fmt::format("target_modules: nothing in this model is called '{}'; {}", name, suggestion(name, linear_names())));
      }
    }
    std::set<std::string> unique(names.begin(), names.end());
    return {unique.begin(), unique.end()};
  }

  void by_selection(Targets& out) const {
    const Selector target(out.written, "target_modules", q_.origin), exclude(q_.exclude, "exclude_modules", q_.origin);
    Problems wrong;
    for (Module* m : modules_) {
      const std::string& path = m->path();
      if (excluded(path, exclude) || !target.matches(path)) continue;
      if (!target.names(path) && !in_layers(path)) continue;
      if (m->kind() == ModuleKind::kLinear)
        out.layers.push_back(static_cast<Linear*>(m));
      else
        wrong.add(fmt::format("{} ({})", path, name_of(m->kind())));
    }
    if (!wrong.empty())
      refuse("peft.target_kind",
             fmt::format("target_modules selects {} module(s) that are no linear layers{}", wrong.count(), wrong.list()), would_match());
  }

  std::vector<std::string> linear_names() const {
    std::vector<std::string> names;
    for (const Linear* l : linears_)
      if (const std::string n = last_part(l->path()); std::find(names.begin(), names.end(), n) == names.end()) names.push_back(n);
    return names;
  }
  std::string would_match() const { return fmt::format("layers of this model: {}; or all-linear", fmt::join(linear_names(), ", ")); }

  [[noreturn]] void nothing() const {
    const std::string given =
        q_.target.pattern.empty() ? fmt::format("[{}]", fmt::join(q_.target.names, ", ")) : "\"" + q_.target.pattern + "\"";
    std::string near;
    for (const auto& name : q_.target.names)
      if (const std::string n = nearest(name, linear_names()); near.empty() && !n.empty() && n != name) near = "did you mean '" + n + "'? ";
    if (!q_.layers.empty()) near += fmt::format("layers_to_transform is [{}]; ", fmt::join(q_.layers, ", "));
    if (!q_.exclude.empty()) near += "exclude_modules takes some away; ";
    refuse("peft.no_target", "target_modules " + given + " selects no layer", near + would_match());
  }

  const TargetQuery& q_;
  std::vector<Module*> modules_, saved_;
  std::vector<Linear*> linears_;
  std::vector<Pattern> numbered_;
};

}  // namespace

std::vector<Module*> saved_modules(Model& model, const std::vector<std::string>& names) {
  std::vector<Module*> found;
  for (Module* m : named_modules(model)) {
    const bool named = std::any_of(names.begin(), names.end(), [&](const auto& n) { return !n.empty() && m->path().ends_with(n); });
    if (named && !is_inside(m->path(), found)) found.push_back(m);
  }
  return found;
}

bool is_inside(const std::string& path, const std::vector<Module*>& modules) {
  return std::any_of(modules.begin(), modules.end(),
                     [&](const Module* m) { return path == m->path() || path.starts_with(m->path() + "."); });
}

Targets find_targets(Model& model, const TargetQuery& query) { return Search(model, query).find(); }

}  // namespace attune
