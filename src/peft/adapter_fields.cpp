#include <fmt/format.h>

#include <cmath>

#include "peft/adapter_config.h"

namespace attune {
namespace {

/// A value as messages show it, cut short.
std::string shown(const Json& v) {
  std::string s = v.is_null() ? "null" : dump_json(v, {.indent = -1, .nan_as_null = true});
  return s.size() > 60 ? s.substr(0, 57) + "..." : s;
}

/// No real adapter comes near; more would only cost time (every name and expression meets every module).
constexpr size_t kMostNames = 10'000, kMostPatterns = 1'000;

/// Switched off, whatever it means.
bool is_empty(const Json& v) {
  if (v.is_boolean()) return !v.get<bool>();
  if (v.is_string()) return v.get_ref<const std::string&>().empty();
  return v.is_null() || ((v.is_array() || v.is_object()) && v.empty());
}

}  // namespace

AdapterFields::AdapterFields(const Json& document, std::string where) : document_(document), where_(std::move(where)) {
  if (!document.is_object()) fail(ErrorCode::kInput, {.id = "adapter_config.type", .where = where_, .what = "the file is no JSON object"});
}

const Json& AdapterFields::value(const char* key) {
  static const Json null;
  seen_.insert(key);
  const auto it = document_.find(key);
  return it == document_.end() ? null : *it;
}

void AdapterFields::wrong(const char* key, const std::string& expected) {
  problems_.add(fmt::format("{}: expected {}, got {}", key, expected, shown(value(key))));
}

void AdapterFields::refuse(const std::string& key, const std::string& why) {
  const auto it = document_.find(key);
  problems_.add(
      fmt::format("{} = {}: {}", key.size() > 100 ? key.substr(0, 97) + "..." : key, it == document_.end() ? "null" : shown(*it), why));
}

int64_t AdapterFields::integer(const char* key, int64_t absent, int64_t least, int64_t most) {
  const Json& v = value(key);
  if (v.is_null()) return absent;
  if (v.is_number_integer() && !(v.is_number_unsigned() && v.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX))) {
    const auto n = v.get<int64_t>();
    if (n >= least && n <= most) return n;
  }
  wrong(key, fmt::format("an integer from {} to {}", least, most));
  return absent;
}

double AdapterFields::number(const char* key, double absent, double least, double most) {
  const Json& v = value(key);
  if (v.is_null()) return absent;
  if (v.is_number()) {
    const auto n = v.get<double>();
    if (std::isfinite(n) && n >= least && n <= most) return n;
  }
  wrong(key, fmt::format("a number from {} to {}", least, most));
  return absent;
}

bool AdapterFields::boolean(const char* key, bool absent) {
  const Json& v = value(key);
  if (v.is_null()) return absent;
  if (v.is_boolean()) return v.get<bool>();
  wrong(key, "true or false");
  return absent;
}

std::string AdapterFields::text(const char* key) {
  const Json& v = value(key);
  if (v.is_null()) return "";
  if (v.is_string()) return v.get<std::string>();
  wrong(key, "a text");
  return "";
}

std::vector<std::string> AdapterFields::names(const char* key, bool text_allowed) {
  const Json& v = value(key);
  if (v.is_null()) return {};
  if (text_allowed && v.is_string()) return {v.get<std::string>()};
  std::set<std::string> unique;
  bool fine = v.is_array() && v.size() <= kMostNames;
  if (fine)
    for (const Json& item : v) {
      if (!item.is_string() || item.get_ref<const std::string&>().empty())
        fine = false;
      else
        unique.insert(item.get<std::string>());
    }
  if (!fine) wrong(key, text_allowed ? "a text or a list of names" : "a list of names");
  return {unique.begin(), unique.end()};
}

NameSelection AdapterFields::selection(const char* key) {
  NameSelection s;
  const Json& v = value(key);
  if (v.is_string())
    s.pattern = v.get<std::string>();
  else
    s.names = names(key);
  return s;
}

std::vector<int64_t> AdapterFields::integers(const char* key) {
  constexpr int64_t kMost = 1 << 20;
  const Json& v = value(key);
  if (v.is_null()) return {};
  std::set<int64_t> out;
  bool fine = v.is_array() || v.is_number_integer();
  const auto take = [&](const Json& item) {
    if (!item.is_number_integer() || item.get<double>() < 0 || item.get<double>() > static_cast<double>(kMost))
      fine = false;
    else
      out.insert(item.get<int64_t>());
  };
  if (v.is_number_integer()) take(v);
  if (v.is_array())
    for (const Json& item : v) take(item);
  if (!fine) wrong(key, "a layer number or a list of them");
  return {out.begin(), out.end()};
}

void AdapterFields::each_number(const char* key, bool integral, double least, double most,
                                const std::function<void(const std::string&, double)>& each) {
  const Json& v = value(key);
  if (v.is_null()) return;
  bool fine = v.is_object() && v.size() <= kMostPatterns;
  if (fine)
    for (const auto& [name, n] : v.items()) {
      const double x = n.is_number() ? n.get<double>() : NAN;
      if (!(integral ? n.is_number_integer() : n.is_number()) || !(x >= least && x <= most))
        fine = false;
      else
        each(name, x);
    }
  if (!fine) wrong(key, fmt::format("an object of {} from {} to {}", integral ? "integers" : "numbers", least, most));
}

void AdapterFields::only_default(const char* key, const Json& standard) {
  const Json& v = value(key);
  const bool empty_container = (v.is_array() || v.is_object()) && v.empty();
  if (!v.is_null() && v != standard && !empty_container) refuse(key, "not supported");
}

Json AdapterFields::finish() {
  Json harmless = Json::object();
  for (const auto& [key, v] : document_.items()) {
    if (seen_.contains(key)) continue;
    if (is_empty(v) || key.starts_with("_"))
      harmless[key] = v;
    else
      refuse(key, "unknown setting");
  }
  if (!problems_.empty())
    fail(ErrorCode::kInput, {.id = "adapter_config.unsupported",
                             .where = where_,
                             .what = fmt::format("{} setting(s) are not supported here{}", problems_.count(), problems_.list()),
                             .hint = "merge the adapter into its base with peft and use the merged model"});
  return harmless;
}

}  // namespace attune
