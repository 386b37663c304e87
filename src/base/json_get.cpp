// Typed reading of members: the one place that decides what counts as an integer.
#include <fmt/format.h>

#include <cmath>

#include "base/error.h"
#include "base/json.h"

namespace attune {
namespace {

std::string shown(const Json& v) {
  if (v.is_object()) return "an object";
  if (v.is_array()) return "a list";
  if (v.is_number_float() && !std::isfinite(v.get<double>())) return "a number that is not finite";
  std::string s = dump_json(v, {.indent = -1});
  if (s.size() > 60) s = s.substr(0, 57) + "...";
  return s;
}

[[noreturn]] void refuse(const char* id, const std::string& key, const std::string& where, const char* what, std::string expected,
                         const Json& got) {
  fail(ErrorCode::kInput, {.id = id,
                           .where = where,
                           .what = fmt::format("'{}' {}", key, what),
                           .expected = std::move(expected),
                           .got = shown(got),
                           .hint = ""});
}

/// The member, or null when it is absent or null.
const Json* member(const Json& object, const std::string& key, const std::string& where) {
  if (!object.is_object()) {
    fail(ErrorCode::kInput, {.id = "json.type",
                             .where = where,
                             .what = fmt::format("cannot hold '{}'", key),
                             .expected = "an object",
                             .got = shown(object),
                             .hint = ""});
  }
  const auto it = object.find(key);
  return it == object.end() || it->is_null() ? nullptr : &*it;
}

constexpr const char* kType = "has the wrong type";
constexpr const char* kRange = "is out of range";

}  // namespace

int64_t get_int(const Json& object, const std::string& key, int64_t absent, const std::string& where, int64_t least, int64_t most) {
  const Json* v = member(object, key, where);
  if (!v) return absent;
  const auto range = [&] {
    if (most == INT64_MAX) return least == INT64_MIN ? std::string("a 64-bit integer") : fmt::format("an integer of at least {}", least);
    return fmt::format("an integer from {} to {}", least, most);
  };
  int64_t n;
  if (v->is_number_unsigned()) {
    const uint64_t u = v->get<uint64_t>();
    if (u > static_cast<uint64_t>(INT64_MAX)) refuse("json.range", key, where, kRange, range(), *v);
    n = static_cast<int64_t>(u);
  } else if (v->is_number_integer()) {
    n = v->get<int64_t>();
  } else if (v->is_number_float()) {  // 16.0 is an integer to every tool that writes these files
    const double d = v->get<double>();
    if (!std::isfinite(d) || d != std::floor(d)) refuse("json.type", key, where, kType, "an integer", *v);
    if (std::abs(d) > 0x1p53) refuse("json.range", key, where, kRange, range(), *v);
    n = static_cast<int64_t>(d);
  } else {
    refuse("json.type", key, where, kType, "an integer", *v);
  }
  if (n < least || n > most) refuse("json.range", key, where, kRange, range(), *v);
  return n;
}

double get_number(const Json& object, const std::string& key, double absent, const std::string& where) {
  const Json* v = member(object, key, where);
  if (!v) return absent;
  if (!v->is_number()) refuse("json.type", key, where, kType, "a number", *v);
  return v->get<double>();
}

bool get_bool(const Json& object, const std::string& key, bool absent, const std::string& where) {
  const Json* v = member(object, key, where);
  if (!v) return absent;
  if (!v->is_boolean()) refuse("json.type", key, where, kType, "true or false", *v);
  return v->get<bool>();
}

std::string get_string(const Json& object, const std::string& key, const std::string& absent, const std::string& where) {
  const Json* v = member(object, key, where);
  if (!v) return absent;
  if (!v->is_string()) refuse("json.type", key, where, kType, "a text", *v);
  return v->get<std::string>();
}

std::vector<std::string> get_strings(const Json& object, const std::string& key, const std::string& where) {
  const Json* v = member(object, key, where);
  if (!v) return {};
  if (!v->is_array()) refuse("json.type", key, where, kType, "a list of texts", *v);
  std::vector<std::string> texts;
  for (const Json& t : *v) {
    if (!t.is_string()) refuse("json.type", key, where, "holds something that is no text", "a list of texts", t);
    texts.push_back(t.get<std::string>());
  }
  return texts;
}

}  // namespace attune
