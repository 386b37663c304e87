#include "config/assign.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "base/suggest.h"
#include "config/scalar.h"

namespace attune {
namespace {

using Kind = ConfigNode::Kind;

struct Refused {
  std::string text;
};

[[noreturn]] void refuse(const std::string& expected, const ConfigNode& got) {
  throw Refused{fmt::format("expected {}, got {}", expected, describe(got))};
}

std::string limits(const FieldSpec& s) {
  std::string least = s.least ? fmt::format("{} {}", s.above ? "above" : "of at least", number_text(*s.least)) : "";
  std::string most = s.most ? fmt::format("{} {}", "at most", number_text(*s.most)) : "";
  if (least.empty()) return most.empty() ? "" : " of " + most;
  return " " + least + (most.empty() ? "" : " and " + most);
}

void check_limits(const FieldSpec& s, double v, const char* kind, const ConfigNode& node) {
  bool low = s.least && (s.above ? v <= *s.least : v < *s.least);
  if (low || (s.most && v > *s.most)) refuse(kind + limits(s), node);
}

bool to_bool(const ConfigNode& n) {
  auto v = n.kind == Kind::kText ? parse_bool(n.text) : std::nullopt;
  if (!v) refuse("true or false", n);
  return *v;
}
int64_t to_integer(const FieldSpec& s, const ConfigNode& n) {
  auto v = n.kind == Kind::kText ? parse_integer(n.text) : std::nullopt;
  if (!v) refuse("a whole number" + limits(s), n);
  check_limits(s, static_cast<double>(*v), "a whole number", n);
  return *v;
}
double to_number(const FieldSpec& s, const ConfigNode& n) {
  auto v = n.kind == Kind::kText ? parse_number(n.text) : std::nullopt;
  if (!v) refuse("a number" + limits(s), n);
  check_limits(s, *v, "a number", n);
  return *v;
}
std::string to_text(const ConfigNode& n) {
  if (n.kind == Kind::kNull) return "";
  if (n.kind != Kind::kText) refuse("text", n);
  return n.text;
}
bool is_null(const ConfigNode& n) { return n.kind == Kind::kNull || (n.kind == Kind::kText && !n.quoted && is_null_word(n.text)); }

std::vector<ConfigNode> to_items(const ConfigNode& n) {
  if (n.kind == Kind::kList) return n.items;
  if (n.kind == Kind::kMap) refuse("a list", n);
  std::vector<ConfigNode> items;
  if (is_null(n)) return items;
  for (auto& part : n.quoted ? std::vector<std::string>{n.text} : split_commas(n.text)) {
    ConfigNode item;
    item.kind = Kind::kText;
    item.text = part;
    items.push_back(std::move(item));
  }
  return items;
}

/// A map, or "a=1,b=2" as the command line writes it.
std::vector<ConfigNode::Member> to_members(const ConfigNode& n) {
  if (n.kind == Kind::kMap) return n.members;
  std::vector<ConfigNode::Member> members;
  if (is_null(n)) return members;
  if (n.kind == Kind::kList) refuse("a map such as {name: 1}", n);
  for (auto& part : split_commas(n.text)) {
    size_t split = part.find_last_of("=:");
    if (split == std::string::npos || split == 0) refuse("a map such as name=1,other=2", n);
    ConfigNode value;
    value.kind = Kind::kText;
    value.text = part.substr(split + 1);
    members.push_back({part.substr(0, split), 0, std::move(value)});
  }
  return members;
}

std::string plain(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return c == '-' ? '_' : static_cast<char>(std::tolower(c)); });
  return text;
}

struct Assign {
  const Field& field;
  const ConfigNode& node;

  void operator()(bool* p) const { *p = to_bool(node); }
  void operator()(int64_t* p) const { *p = to_integer(field.spec, node); }
  void operator()(double* p) const { *p = to_number(field.spec, node); }
  void operator()(std::string* p) const {
    std::string text = to_text(node);
    check_choice(text);
    *p = std::move(text);
  }
  void operator()(std::vector<std::string>* p) const {
    std::vector<std::string> out;
    for (const auto& item : to_items(node)) out.push_back(to_text(item));
    *p = std::move(out);
  }
  void operator()(std::vector<int64_t>* p) const {
    std::vector<int64_t> out;
    for (const auto& item : to_items(node)) out.push_back(to_integer(field.spec, item));
    *p = std::move(out);
  }
  void operator()(std::optional<bool>* p) const { *p = is_null(node) ? std::nullopt : std::optional(to_bool(node)); }
  void operator()(std::optional<int64_t>* p) const { *p = is_null(node) ? std::nullopt : std::optional(to_integer(field.spec, node)); }
  void operator()(std::optional<double>* p) const { *p = is_null(node) ? std::nullopt : std::optional(to_number(field.spec, node)); }
  void operator()(std::map<std::string, double>* p) const { *p = numbers(); }
  void operator()(std::map<std::string, int64_t>* p) const {
    std::map<std::string, int64_t> out;
    for (const auto& m : to_members(node)) out[m.key] = to_integer(field.spec, m.value);
    *p = std::move(out);
  }
  /// One text is a pattern when it is all-linear or holds a character only patterns have; one plain word is a list of one.
  void operator()(NameSelection* p) const {
    NameSelection out;
    bool pattern = node.kind == Kind::kText && !is_null(node) &&
                   (node.text == "all-linear" || node.text.find_first_of("*+?()[]{}|\\^$") != std::string::npos);
    if (pattern)
      out.pattern = node.text;
    else
      for (const auto& item : to_items(node)) out.names.push_back(to_text(item));
    *p = std::move(out);
  }
  void operator()(WordOrNumbers* p) const {
    WordOrNumbers out;
    bool word = node.kind == Kind::kText && node.text.find_first_of("=:") == std::string::npos;
    if (word) {
      out.word = node.text;
      check_choice(out.word);
    } else {
      out.numbers = numbers();
    }
    *p = std::move(out);
  }
  void operator()(nlohmann::ordered_json* p) const {
    if (node.kind == Kind::kText) {
      nlohmann::ordered_json out = nlohmann::ordered_json::object();
      for (const auto& m : to_members(node)) out[m.key] = to_json(m.value);
      *p = std::move(out);
    } else {
      *p = node.kind == Kind::kNull ? nlohmann::ordered_json::object() : to_json(node);
    }
  }
  void operator()(const EnumField& e) const {
    std::string given = node.kind == Kind::kText ? plain(node.text) : "";
    for (size_t i = 0; i < e.names.size(); ++i)
      if (plain(e.names[i]) == given) return e.set(e.target, e.values[i]);
    refuse_choice(e.names);
  }

 private:
  std::map<std::string, double> numbers() const {
    std::map<std::string, double> out;
    for (const auto& m : to_members(node)) out[m.key] = to_number(field.spec, m.value);
    return out;
  }
  void check_choice(const std::string& text) const {
    const auto& c = field.spec.choices;
    if (!c.empty() && std::find(c.begin(), c.end(), text) == c.end()) refuse_choice(c);
  }
  [[noreturn]] void refuse_choice(std::vector<std::string> choices) const {
    std::erase(choices, "");
    std::string near = node.kind == Kind::kText ? nearest(node.text, choices) : "";
    throw Refused{fmt::format("expected one of {}, got {}{}", fmt::join(choices, ", "), describe(node),
                              near.empty() ? "" : fmt::format("; did you mean '{}'?", near))};
  }
};

}  // namespace

std::string assign(const Field& field, const ConfigNode& value) {
  try {
    std::visit(Assign{field, value}, field.target);
    return "";
  } catch (const Refused& r) {
    return r.text;
  }
}

}  // namespace attune
