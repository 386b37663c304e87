#include "config/field.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/json.h"
#include "config/scalar.h"

namespace attune {
namespace {

template <typename T>
std::string pairs(const std::map<std::string, T>& m) {
  std::string s;
  for (const auto& [k, v] : m) s += (s.empty() ? "" : ",") + k + "=" + number_text(static_cast<double>(v));
  return s;
}

}  // namespace

void FieldList::push(std::string name, FieldSpec spec, FieldTarget target) {
  std::string group = prefix_.empty() ? "" : prefix_.substr(0, prefix_.size() - 1);
  for (const auto& f : fields_) require(f.path != prefix_ + name, "two fields with one path");
  fields_.push_back({prefix_ + name, std::move(group), std::move(name), std::move(spec), std::move(target)});
}

std::vector<std::string> spellings(const Field& field) {
  std::vector<std::string> all{field.name};
  for (const auto& a : field.spec.aliases)
    if (a[0] != '-') all.push_back(a);
  return all;
}

std::string value_kind(const Field& field) {
  if (!field.spec.value.empty()) return field.spec.value;
  struct Kind {
    const Field& f;
    std::string operator()(bool*) const { return ""; }
    std::string operator()(int64_t*) const { return "N"; }
    std::string operator()(double*) const { return "NUMBER"; }
    std::string operator()(std::string*) const {
      return f.spec.choices.empty() ? "TEXT" : fmt::format("{{{}}}", fmt::join(f.spec.choices, ","));
    }
    std::string operator()(std::vector<std::string>*) const { return "A,B,..."; }
    std::string operator()(std::vector<int64_t>*) const { return "N,N,..."; }
    std::string operator()(std::optional<bool>*) const { return "{true,false}"; }
    std::string operator()(std::optional<int64_t>*) const { return "N"; }
    std::string operator()(std::optional<double>*) const { return "NUMBER"; }
    std::string operator()(std::map<std::string, double>*) const { return "NAME=NUMBER,..."; }
    std::string operator()(std::map<std::string, int64_t>*) const { return "NAME=N,..."; }
    std::string operator()(NameSelection*) const { return "A,B,...|PATTERN"; }
    std::string operator()(WordOrNumbers*) const { return fmt::format("{{{},NAME=NUMBER,...}}", fmt::join(f.spec.choices, ",")); }
    std::string operator()(Json*) const { return "KEY=VALUE,..."; }
    std::string operator()(const EnumField& e) const { return fmt::format("{{{}}}", fmt::join(e.names, ",")); }
  };
  return std::visit(Kind{field}, field.target);
}

std::string value_text(const Field& field) {
  struct Text {
    std::string operator()(bool* p) const { return *p ? "true" : "false"; }
    std::string operator()(int64_t* p) const { return std::to_string(*p); }
    std::string operator()(double* p) const { return number_text(*p); }
    std::string operator()(std::string* p) const { return *p; }
    std::string operator()(std::vector<std::string>* p) const { return fmt::format("{}", fmt::join(*p, ",")); }
    std::string operator()(std::vector<int64_t>* p) const { return fmt::format("{}", fmt::join(*p, ",")); }
    std::string operator()(std::optional<bool>* p) const { return *p ? (**p ? "true" : "false") : "null"; }
    std::string operator()(std::optional<int64_t>* p) const { return *p ? std::to_string(**p) : "null"; }
    std::string operator()(std::optional<double>* p) const { return *p ? number_text(**p) : "null"; }
    std::string operator()(std::map<std::string, double>* p) const { return pairs(*p); }
    std::string operator()(std::map<std::string, int64_t>* p) const { return pairs(*p); }
    std::string operator()(NameSelection* p) const { return p->pattern.empty() ? fmt::format("{}", fmt::join(p->names, ",")) : p->pattern; }
    std::string operator()(WordOrNumbers* p) const { return p->numbers.empty() ? p->word : pairs(p->numbers); }
    std::string operator()(Json* p) const { return p->empty() ? "" : dump_json(*p, {.indent = -1, .sort_keys = false, .ascii = false}); }
    std::string operator()(const EnumField& e) const {
      int value = e.get(e.target);
      for (size_t i = 0; i < e.values.size(); ++i)
        if (e.values[i] == value) return e.names[i];
      throw Bug("an enumeration holds a value without a name");
    }
  };
  return std::visit(Text{}, field.target);
}

}  // namespace attune
