// The one description of an option: a config struct lists its members once, in `fields(FieldList&)`, and YAML reading, key=value,
// flags, help, dump and schema all work on that list. Structs are plain data; names are the ones Hugging Face uses.
//
//   struct Lora { int64_t r = 8;  void fields(FieldList& f) { f.add("r", r, {.help = "rank", .aliases = {"lora_r"}, .least = 1}); } };
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace attune {

/// Module names as a list, or one text (a regular expression, or a word such as `all-linear`). Both empty: not given.
struct NameSelection {
  std::vector<std::string> names;
  std::string pattern;
  bool empty() const { return names.empty() && pattern.empty(); }
  bool operator==(const NameSelection&) const = default;
};

/// A word, or a number by name (class weights).
struct WordOrNumbers {
  std::string word;
  std::map<std::string, double> numbers;
  bool operator==(const WordOrNumbers&) const = default;
};

/// An enumeration as text: `names[i]` is spelled for the value `values[i]`; more than one name may mean one value, the first is written.
struct EnumField {
  void* target = nullptr;
  std::vector<std::string> names;
  std::vector<int> values;
  int (*get)(const void*) = nullptr;
  void (*set)(void*, int) = nullptr;
};

struct FieldSpec {
  std::string help = {};
  std::vector<std::string> aliases = {};  ///< other spellings of the last part of the path
  std::optional<double> least = {}, most = {};
  bool above = false;                     ///< `least` itself is not allowed
  std::vector<std::string> choices = {};  ///< of a text or the word of WordOrNumbers; empty: any
  std::string value = {};                 ///< what help shows for the value; made from the type when empty
  int position = 0;                       ///< 1: also the first positional argument of a command, 2: the second; 0: none; with `repeat` all from there on
  bool repeat = false;                    ///< a list flag that may be given again, each value taken whole: --text a --text b
  bool hidden = false;                    ///< left out of help
};

using FieldTarget = std::variant<bool*, int64_t*, double*, std::string*, std::vector<std::string>*, std::vector<int64_t>*,
                                 std::optional<bool>*, std::optional<int64_t>*, std::optional<double>*, std::map<std::string, double>*,
                                 std::map<std::string, int64_t>*, NameSelection*, WordOrNumbers*, nlohmann::ordered_json*, EnumField>;

/// One option. `target` points into the struct that listed it, which must outlive the field.
struct Field {
  std::string path;   ///< "training.learning_rate"
  std::string group;  ///< "training", "" at the top
  std::string name;   ///< "learning_rate"
  FieldSpec spec;
  FieldTarget target;
};

class FieldList {
 public:
  template <typename T>
  void add(std::string name, T& member, FieldSpec spec) {
    push(std::move(name), std::move(spec), &member);
  }
  template <typename E>
  struct Named {
    const char* name;
    E value;
  };
  template <typename E>
  void add_enum(std::string name, E& member, std::initializer_list<Named<E>> names, FieldSpec spec) {
    EnumField e;
    e.target = &member;
    for (const auto& n : names) {
      e.names.push_back(n.name);
      e.values.push_back(static_cast<int>(n.value));
    }
    e.get = [](const void* p) { return static_cast<int>(*static_cast<const E*>(p)); };
    e.set = [](void* p, int v) { *static_cast<E*>(p) = static_cast<E>(v); };
    push(std::move(name), std::move(spec), std::move(e));
  }
  /// Lists the fields of a struct inside this one: their paths start with `name.`.
  template <typename S>
  void group(std::string name, S& member, std::string help) {
    std::string outer = prefix_;
    prefix_ += name + ".";
    groups_.emplace_back(prefix_.substr(0, prefix_.size() - 1), std::move(help));
    member.fields(*this);
    prefix_ = outer;
  }
  const std::vector<Field>& all() const { return fields_; }
  const std::vector<std::pair<std::string, std::string>>& groups() const { return groups_; }  ///< path and help, in order

 private:
  void push(std::string name, FieldSpec spec, FieldTarget target);
  std::vector<Field> fields_;
  std::vector<std::pair<std::string, std::string>> groups_;
  std::string prefix_;
};

template <typename S>
FieldList fields_of(S& config) {
  FieldList list;
  config.fields(list);
  return list;
}

/// Every spelling of a field's last name: the name, then the aliases.
std::vector<std::string> spellings(const Field& field);
/// "integer", "number", "a,b", "{linear,cosine}": the value as help and messages show it.
std::string value_kind(const Field& field);
/// The current value as text, as it would be typed (null for an empty optional).
std::string value_text(const Field& field);

}  // namespace attune
