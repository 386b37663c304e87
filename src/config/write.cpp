#include "config/write.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "config/scalar.h"

namespace attune {
namespace {

/// A string as YAML: plain where no reader could take it for something else, else in double quotes.
std::string yaml_text(const std::string& s) {
  bool safe = !s.empty() &&
              s.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-+") == std::string::npos &&
              s[0] != '-' && s[0] != '.' && !parse_number(s) && !parse_bool(s) && !is_null_word(s) && s.find_first_of("yYnN") != 0;
  bool digits = s.find_first_not_of("0123456789_.-+eExXoO") == std::string::npos;
  if (safe && !digits) return s;
  std::string out = "\"";
  for (char c : s) {
    if (c == '"' || c == '\\')
      out += fmt::format("\\{}", c);
    else if (c == '\n')
      out += "\\n";
    else if (c == '\t')
      out += "\\t";
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    else
      out += c;
  }
  return out + "\"";
}

template <typename Range, typename Text>
std::string joined(const Range& range, const char* open, const char* close, Text text) {
  std::string s = open;
  for (const auto& item : range) s += (s.size() > 1 ? ", " : "") + text(item);
  return s + close;
}

std::string yaml_json(const Json& j) {
  if (j.is_object()) {
    std::string s = "{";
    for (const auto& [k, v] : j.items()) s += (s.size() > 1 ? ", " : "") + yaml_text(k) + ": " + yaml_json(v);
    return s + "}";
  }
  if (j.is_array()) return joined(j, "[", "]", yaml_json);
  if (j.is_string()) {
    // A quoted text stays a text when it is read back.
    std::string s = yaml_text(j.get<std::string>());
    return s[0] == '"' ? s : "\"" + s + "\"";
  }
  if (j.is_number_float()) {
    std::string s = number_text(j.get<double>());
    return s.find_first_of(".e") == std::string::npos ? s + ".0" : s;
  }
  return j.dump();
}

struct YamlValue {
  const Field& field;
  template <typename T>
  std::string operator()(T*) const {
    return value_text(field);
  }
  std::string operator()(const EnumField&) const { return value_text(field); }
  std::string operator()(std::string* p) const { return yaml_text(*p); }
  std::string operator()(std::vector<std::string>* p) const { return joined(*p, "[", "]", yaml_text); }
  std::string operator()(std::vector<int64_t>* p) const {
    return joined(*p, "[", "]", [](int64_t v) { return std::to_string(v); });
  }
  std::string operator()(std::map<std::string, double>* p) const { return numbers(*p); }
  std::string operator()(std::map<std::string, int64_t>* p) const {
    return joined(*p, "{", "}", [](const auto& m) { return yaml_text(m.first) + ": " + std::to_string(m.second); });
  }
  std::string operator()(NameSelection* p) const {
    return p->pattern.empty() ? joined(p->names, "[", "]", yaml_text) : yaml_text(p->pattern);
  }
  std::string operator()(WordOrNumbers* p) const { return p->numbers.empty() ? yaml_text(p->word) : numbers(p->numbers); }
  std::string operator()(Json* p) const { return yaml_json(*p); }

 private:
  static std::string numbers(const std::map<std::string, double>& m) {
    return joined(m, "{", "}", [](const auto& v) { return yaml_text(v.first) + ": " + number_text(v.second); });
  }
};

struct Schema {
  const Field& field;
  Json operator()(bool*) const { return {{"type", "boolean"}}; }
  Json operator()(int64_t*) const { return limited("integer"); }
  Json operator()(double*) const { return limited("number"); }
  Json operator()(std::string*) const { return choices({{"type", "string"}}); }
  Json operator()(std::vector<std::string>*) const { return {{"type", "array"}, {"items", {{"type", "string"}}}}; }
  Json operator()(std::vector<int64_t>*) const { return {{"type", "array"}, {"items", limited("integer")}}; }
  Json operator()(std::optional<bool>*) const { return nullable({{"type", "boolean"}}); }
  Json operator()(std::optional<int64_t>*) const { return nullable(limited("integer")); }
  Json operator()(std::optional<double>*) const { return nullable(limited("number")); }
  Json operator()(std::map<std::string, double>*) const { return {{"type", "object"}, {"additionalProperties", limited("number")}}; }
  Json operator()(std::map<std::string, int64_t>*) const { return {{"type", "object"}, {"additionalProperties", limited("integer")}}; }
  Json operator()(NameSelection*) const { return any_of({{"type", "array"}, {"items", {{"type", "string"}}}}, {{"type", "string"}}); }
  Json operator()(WordOrNumbers*) const {
    return any_of(choices({{"type", "string"}}), {{"type", "object"}, {"additionalProperties", {{"type", "number"}}}});
  }
  Json operator()(Json*) const { return {{"type", "object"}}; }
  Json operator()(const EnumField& e) const { return {{"enum", e.names}}; }

 private:
  static Json any_of(Json a, Json b) {
    Json list = Json::array();
    list.push_back(std::move(a));
    list.push_back(std::move(b));
    Json out = Json::object();
    out["anyOf"] = std::move(list);
    return out;
  }
  static Json nullable(Json type) { return any_of(std::move(type), {{"type", "null"}}); }
  Json limited(const char* type) const {
    Json j{{"type", type}};
    if (field.spec.least) j[field.spec.above ? "exclusiveMinimum" : "minimum"] = *field.spec.least;
    if (field.spec.most) j["maximum"] = *field.spec.most;
    return j;
  }
  Json choices(Json type) const {
    if (!field.spec.choices.empty()) type["enum"] = field.spec.choices;
    return type;
  }
};

std::vector<std::string> wrapped(const std::string& text, size_t width) {
  std::vector<std::string> lines;
  std::string line;
  for (size_t i = 0; i < text.size();) {
    size_t end = std::min(text.find(' ', i), text.size());
    std::string word = text.substr(i, end - i);
    if (!line.empty() && line.size() + 1 + word.size() > width) {
      lines.push_back(line);
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
    i = end + 1;
  }
  lines.push_back(line);
  return lines;
}

std::string dashed(std::string name) {
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

}  // namespace

std::string dump_yaml(const FieldList& list) {
  std::string out, group;
  for (const auto& f : list.all()) {
    if (f.group != group) {
      group = f.group;
      if (!group.empty()) out += group + ":\n";
    }
    out += fmt::format("{}{}: {}\n", group.empty() ? "" : "  ", f.name, std::visit(YamlValue{f}, f.target));
  }
  return out;
}

Json json_schema(const FieldList& list) {
  Json top{{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"type", "object"}, {"additionalProperties", false}};
  Json& properties = top["properties"] = Json::object();
  for (const auto& [path, help] : list.groups())
    properties[path] = {{"type", "object"}, {"description", help}, {"additionalProperties", false}, {"properties", Json::object()}};
  for (const auto& f : list.all()) {
    Json entry = std::visit(Schema{f}, f.target);
    entry["description"] = f.spec.help;
    Json& place = f.group.empty() ? properties : properties[f.group]["properties"];
    for (const auto& s : spellings(f)) place[s] = entry;
  }
  return top;
}

std::string flags_help(const FieldList& list) {
  constexpr size_t kColumn = 34, kWidth = 78;
  std::string out, group = "\n";
  for (const auto& f : list.all()) {
    if (f.spec.hidden || f.spec.position > 0) continue;
    if (f.group != group) {
      group = f.group;
      std::string title = out.empty() ? "Options" : "More options";
      for (const auto& [path, help] : list.groups())
        if (path == group) title = help.empty() ? path : fmt::format("{} ({}:)", help, path);
      out += fmt::format("{}{}\n", out.empty() ? "" : "\n", title);
    }
    bool on = std::holds_alternative<bool*>(f.target) && *std::get<bool*>(f.target);
    std::string left = "  --" + std::string(on ? "[no-]" : "") + dashed(f.name), kind = value_kind(f);
    if (!kind.empty()) left += " " + kind;
    std::string text = f.spec.help;
    if (std::string now = value_text(f); !now.empty() && now != "null" && !std::holds_alternative<bool*>(f.target))
      text += " [" + now + "]";
    std::vector<std::string> also;
    for (const auto& a : f.spec.aliases) also.push_back(a[0] == '-' ? a : "--" + dashed(a));
    if (!also.empty()) text += fmt::format(" (also {})", fmt::join(also, ", "));
    auto lines = wrapped(text, kWidth);
    if (left.size() + 2 > kColumn)
      out += left + "\n" + std::string(kColumn, ' ') + lines[0] + "\n";
    else
      out += left + std::string(kColumn - left.size(), ' ') + lines[0] + "\n";
    for (size_t i = 1; i < lines.size(); ++i) out += std::string(kColumn, ' ') + lines[i] + "\n";
  }
  return out;
}

}  // namespace attune
