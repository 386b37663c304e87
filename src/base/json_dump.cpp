// JSON as Python's json module writes it, byte for byte: float text, escapes, separators, order of sorted keys.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"

namespace attune {
namespace {

constexpr int kMaxDepth = 512;  // our own documents are shallow; parsed ones are bounded by parse_json

/// repr(float): the shortest digits that read back, fixed for 1e-4 <= |v| < 1e16, else with an exponent of at least two digits.
void append_float(std::string& out, double v) {
  char text[40];
  const auto end = std::to_chars(text, text + sizeof text, v, std::chars_format::scientific).ptr;
  const std::string_view all(text, static_cast<size_t>(end - text));
  const size_t e = all.find('e');
  int exponent = 0;
  const bool negative_exponent = all[e + 1] == '-';
  std::from_chars(text + e + 2, end, exponent);
  if (negative_exponent) exponent = -exponent;
  std::string_view mantissa = all.substr(0, e);
  if (mantissa[0] == '-') {
    out += '-';
    mantissa.remove_prefix(1);
  }
  std::string digits(1, mantissa[0]);
  if (mantissa.size() > 2) digits += mantissa.substr(2);
  const int n = static_cast<int>(digits.size());
  if (exponent < -4 || exponent >= 16) {
    out += digits[0];
    if (n > 1) out.append(".").append(digits, 1);
    out += fmt::format("e{}{:02d}", exponent < 0 ? '-' : '+', std::abs(exponent));
  } else if (exponent < 0) {
    out.append("0.").append(static_cast<size_t>(-exponent - 1), '0').append(digits);
  } else if (exponent + 1 >= n) {
    out.append(digits).append(static_cast<size_t>(exponent + 1 - n), '0').append(".0");
  } else {
    const auto whole = static_cast<size_t>(exponent + 1);
    out.append(digits, 0, whole).append(".").append(digits, whole);
  }
}

void append_u(std::string& out, uint32_t unit) { fmt::format_to(std::back_inserter(out), "\\u{:04x}", unit); }

/// Bytes that are no UTF-8 become U+FFFD: what we write is always readable.
void append_string(std::string& out, std::string_view s, bool ascii) {
  out += '"';
  while (!s.empty()) {
    size_t plain = 0;
    while (plain < s.size() && s[plain] >= 0x20 && s[plain] < 0x7f && s[plain] != '"' && s[plain] != '\\') ++plain;
    out.append(s.substr(0, plain));
    s.remove_prefix(plain);
    if (s.empty()) break;
    uint32_t c;
    int n = decode_utf8(s, c);
    if (n == 0) {
      c = 0xfffd;
      n = 1;
    }
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (c < 0x20 || (ascii && c < 0x10000)) {
          append_u(out, c);
        } else if (ascii) {
          append_u(out, 0xd800 + ((c - 0x10000) >> 10));
          append_u(out, 0xdc00 + ((c - 0x10000) & 0x3ff));
        } else {
          append_utf8(out, c);
        }
    }
    s.remove_prefix(static_cast<size_t>(n));
  }
  out += '"';
}

class Dumper {
 public:
  Dumper(std::string& out, const JsonStyle& style) : out_(out), style_(style), lines_(style.indent >= 0 && !style.compact) {}

  void value(const Json& v, int depth) {
    require(depth <= kMaxDepth, "dump_json: nested too deep");
    switch (v.type()) {
      case Json::value_t::null:
        out_ += "null";
        break;
      case Json::value_t::boolean:
        out_ += v.get<bool>() ? "true" : "false";
        break;
      case Json::value_t::number_integer:
        out_ += std::to_string(v.get<int64_t>());
        break;
      case Json::value_t::number_unsigned:
        out_ += std::to_string(v.get<uint64_t>());
        break;
      case Json::value_t::number_float:
        number(v.get<double>());
        break;
      case Json::value_t::string:
        append_string(out_, v.get_ref<const std::string&>(), style_.ascii);
        break;
      case Json::value_t::array:
        array(v, depth);
        break;
      case Json::value_t::object:
        object(v, depth);
        break;
      default:
        throw Bug("dump_json: a value that JSON does not have");
    }
  }

 private:
  void number(double v) {
    if (std::isfinite(v)) return append_float(out_, v);
    require(style_.nan_as_null, "dump_json: NaN or infinity");
    out_ += "null";
  }
  void separate(bool first, int depth) {
    if (!first) out_ += style_.compact || lines_ ? "," : ", ";
    if (lines_) (out_ += '\n').append(static_cast<size_t>(depth * style_.indent), ' ');
  }
  void close(char bracket, int depth) {
    if (lines_) (out_ += '\n').append(static_cast<size_t>(depth * style_.indent), ' ');
    out_ += bracket;
  }
  void array(const Json& v, int depth) {
    if (v.empty()) {
      out_ += "[]";
      return;
    }
    out_ += '[';
    bool first = true;
    for (const Json& item : v) {
      separate(first, depth + 1);
      value(item, depth + 1);
      first = false;
    }
    close(']', depth);
  }
  void object(const Json& v, int depth) {
    if (v.empty()) {
      out_ += "{}";
      return;
    }
    std::vector<const std::pair<const std::string, Json>*> members;
    for (const auto& m : v.get_ref<const Json::object_t&>()) members.push_back(&m);
    if (style_.sort_keys) std::stable_sort(members.begin(), members.end(), [](auto* a, auto* b) { return a->first < b->first; });
    out_ += '{';
    bool first = true;
    for (const auto* m : members) {
      separate(first, depth + 1);
      append_string(out_, m->first, style_.ascii);
      out_ += style_.compact ? ":" : ": ";
      value(m->second, depth + 1);
      first = false;
    }
    close('}', depth);
  }

  std::string& out_;
  const JsonStyle& style_;
  const bool lines_;
};

}  // namespace

std::string dump_json(const Json& value, const JsonStyle& style) {
  std::string out;
  Dumper(out, style).value(value, 0);
  return out;
}

}  // namespace attune
