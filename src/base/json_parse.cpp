// A strict JSON reader (RFC 8259) that builds the document while it checks it, in one pass. Depth, size, UTF-8, duplicate keys and
// trailing content are decided before anything of that part exists. Members are appended to ordered_json's vector directly, since its
// own insertion looks for the key first and is quadratic in the size of a vocabulary.
#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <unordered_set>

#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"

namespace attune {
namespace {

class Parser {
 public:
  Parser(std::string_view text, const std::string& where, const JsonLimits& limits) : s_(text), where_(where), limits_(limits) {}

  Json parse() {
    if (s_.starts_with("\xef\xbb\xbf")) refuse("json.syntax", "starts with a byte order mark", 0);
    skip_space();
    if (at_ == s_.size()) refuse("json.syntax", "is empty", at_);
    Json root;
    value(root, 0);
    skip_space();
    if (at_ != s_.size()) refuse("json.trailing", "there is something behind the end of the document", at_);
    return root;
  }

  [[noreturn]] void refuse(const char* id, std::string what, size_t at) const {
    const std::string_view before = s_.substr(0, std::min(at, s_.size()));
    size_t line = 1, begin = 0;
    for (size_t i = 0; i < before.size(); ++i) {
      if (before[i] == '\n') {
        ++line;
        begin = i + 1;
      }
    }
    fail(ErrorCode::kInput, {.id = id,
                             .where = fmt::format("{}:{}:{}", where_, line, before.size() - begin + 1),
                             .what = std::move(what),
                             .expected = "",
                             .got = "",
                             .hint = ""});
  }

 private:
  char peek() const { return at_ < s_.size() ? s_[at_] : '\0'; }
  void skip_space() {
    while (at_ < s_.size() && (s_[at_] == ' ' || s_[at_] == '\n' || s_[at_] == '\r' || s_[at_] == '\t')) ++at_;
  }
  std::string seen() const {
    if (at_ >= s_.size()) return "the end";
    const auto c = static_cast<unsigned char>(s_[at_]);
    return c > 0x20 && c < 0x7f ? fmt::format("'{}'", s_[at_]) : fmt::format("byte 0x{:02x}", c);
  }

  void value(Json& out, int depth) {  // recursion is bounded by limits_.max_depth
    switch (peek()) {
      case '{':
        return object(out, depth + 1);
      case '[':
        return array(out, depth + 1);
      case '"':
        out = Json(Json::value_t::string);
        return string(*out.get_ptr<Json::string_t*>());
      case 't':
        word("true");
        out = true;
        return;
      case 'f':
        word("false");
        out = false;
        return;
      case 'n':
        word("null");
        out = nullptr;
        return;
      default:
        number(out);
    }
  }

  void enter(int depth) {
    if (depth > limits_.max_depth) refuse("json.depth", fmt::format("is nested deeper than {} levels", limits_.max_depth), at_);
    ++at_;
    skip_space();
  }

  void array(Json& out, int depth) {
    enter(depth);
    out = Json(Json::value_t::array);
    auto& items = *out.get_ptr<Json::array_t*>();
    if (peek() == ']') {
      ++at_;
      return;
    }
    for (;;) {
      items.emplace_back();
      value(items.back(), depth);
      skip_space();
      if (peek() == ']' && at_ < s_.size()) {
        ++at_;
        return;
      }
      if (peek() != ',') refuse("json.syntax", "expected ',' or ']', found " + seen(), at_);
      ++at_;
      skip_space();
    }
  }

  void object(Json& out, int depth) {
    enter(depth);
    out = Json(Json::value_t::object);
    auto& members = *out.get_ptr<Json::object_t*>();
    using Members = Json::object_t::Container;
    if (peek() == '}') {
      ++at_;
      return;
    }
    std::unordered_set<std::string> large;  // the keys so far, once there are many
    std::string key;
    for (;;) {
      if (peek() != '"') refuse("json.syntax", "expected a key in double quotes, found " + seen(), at_);
      const size_t key_at = at_;
      key.clear();
      string(key);
      bool twice = false;
      if (members.size() < 16) {
        for (const auto& m : members) twice = twice || m.first == key;
      } else {
        if (large.empty()) {
          for (const auto& m : members) large.insert(m.first);
        }
        twice = !large.insert(key).second;
      }
      if (twice) refuse("json.duplicate_key", fmt::format("the key {} is there twice", dump_json(Json(key.substr(0, 80)))), key_at);
      skip_space();
      if (peek() != ':') refuse("json.syntax", "expected ':', found " + seen(), at_);
      ++at_;
      skip_space();
      static_cast<Members&>(members).emplace_back(key, Json());
      value(members.back().second, depth);
      skip_space();
      if (peek() == '}') {
        ++at_;
        return;
      }
      if (peek() != ',') refuse("json.syntax", "expected ',' or '}', found " + seen(), at_);
      ++at_;
      skip_space();
    }
  }

  void word(std::string_view w) {
    if (s_.substr(at_, w.size()) != w) refuse("json.syntax", "expected a value, found " + seen(), at_);
    at_ += w.size();
  }

  uint32_t hex4(size_t escape_at) {
    uint32_t v = 0;
    const auto [end, e] = std::from_chars(s_.data() + at_, s_.data() + std::min(at_ + 4, s_.size()), v, 16);
    if (e != std::errc() || end != s_.data() + at_ + 4) refuse("json.syntax", "a \\u escape needs four hexadecimal digits", escape_at);
    at_ += 4;
    return v;
  }

  void string(std::string& out) {
    const size_t begin = at_++;
    for (;;) {
      const size_t run = at_;
      while (at_ < s_.size() && s_[at_] != '"' && s_[at_] != '\\' && static_cast<unsigned char>(s_[at_]) >= 0x20) ++at_;
      out.append(s_, run, at_ - run);
      if (at_ >= s_.size()) refuse("json.syntax", "the text in double quotes has no end", begin);
      const char c = s_[at_];
      if (c == '"') {
        ++at_;
        return;
      }
      if (c != '\\') refuse("json.syntax", fmt::format("control character 0x{:02x} inside a text", static_cast<unsigned>(c)), at_);
      const size_t escape_at = at_++;
      const char e = peek();
      ++at_;
      switch (e) {
        case '"':
        case '\\':
        case '/':
          out += e;
          break;
        case 'b':
          out += '\b';
          break;
        case 'f':
          out += '\f';
          break;
        case 'n':
          out += '\n';
          break;
        case 'r':
          out += '\r';
          break;
        case 't':
          out += '\t';
          break;
        case 'u': {
          uint32_t code = hex4(escape_at);
          if (code >= 0xdc00 && code < 0xe000)
            refuse("json.syntax", "a \\u escape is the second half of a pair without the first", escape_at);
          if (code >= 0xd800 && code < 0xdc00) {
            if (s_.substr(at_, 2) != "\\u") refuse("json.syntax", "a \\u escape is the first half of a pair without the second", escape_at);
            at_ += 2;
            const uint32_t low = hex4(escape_at);
            if (low < 0xdc00 || low >= 0xe000)
              refuse("json.syntax", "a \\u escape is the first half of a pair without the second", escape_at);
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
          }
          append_utf8(out, code);
          break;
        }
        default:
          refuse("json.syntax", "unknown escape in a text", escape_at);
      }
    }
  }

  bool digits() {
    const size_t begin = at_;
    while (peek() >= '0' && peek() <= '9') ++at_;
    return at_ > begin;
  }

  void number(Json& out) {
    const size_t begin = at_;
    if (literal("NaN", std::numeric_limits<double>::quiet_NaN(), out)) return;
    if (literal("Infinity", std::numeric_limits<double>::infinity(), out)) return;
    if (literal("-Infinity", -std::numeric_limits<double>::infinity(), out)) return;
    const bool negative = peek() == '-';
    if (negative) ++at_;
    if (peek() == '0') {
      ++at_;
    } else if (!digits()) {
      refuse("json.syntax", "expected a value, found " + seen(), negative ? begin : at_);
    }
    bool integer = true;
    if (peek() == '.') {
      integer = false;
      ++at_;
      if (!digits()) refuse("json.syntax", "expected a digit behind the decimal point, found " + seen(), at_);
    }
    if (peek() == 'e' || peek() == 'E') {
      integer = false;
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      if (!digits()) refuse("json.syntax", "expected a digit in the exponent, found " + seen(), at_);
    }
    const char* const from = s_.data() + begin;
    const char* const to = s_.data() + at_;
    if (integer && negative) {
      int64_t v;
      if (std::from_chars(from, to, v).ec == std::errc()) {
        out = v;
        return;
      }
    } else if (integer) {
      uint64_t v;
      if (std::from_chars(from, to, v).ec == std::errc()) {
        out = v;
        return;
      }
    }
    double v = 0;
    if (std::from_chars(from, to, v).ec != std::errc()) v = std::strtod(std::string(from, to).c_str(), nullptr);  // too small or too large
    if (!std::isfinite(v)) {
      if (!limits_.allow_nan) refuse("json.range", "the number is too large for a 64-bit float", begin);
    }
    out = v;
  }

  bool literal(std::string_view w, double v, Json& out) {
    if (s_.substr(at_, w.size()) != w) return false;
    if (!limits_.allow_nan) refuse("json.syntax", fmt::format("{} is no JSON value", w), at_);
    at_ += w.size();
    out = v;
    return true;
  }

  std::string_view s_;
  const std::string& where_;
  const JsonLimits& limits_;
  size_t at_ = 0;
};

}  // namespace

Json parse_json(std::string_view text, const std::string& where, const JsonLimits& limits) {
  require(limits.max_depth > 0 && limits.max_depth <= 512, "JsonLimits::max_depth");
  if (text.size() > limits.max_bytes) {
    fail(ErrorCode::kInput, {.id = "json.too_large",
                             .where = where,
                             .what = "is too large",
                             .expected = fmt::format("at most {} bytes", grouped(limits.max_bytes)),
                             .got = fmt::format("{} bytes", grouped(text.size())),
                             .hint = ""});
  }
  Parser parser(text, where, limits);
  const size_t invalid = first_invalid_utf8(text);
  if (invalid != std::string_view::npos) {
    parser.refuse("json.utf8", fmt::format("is not valid UTF-8 (byte {})", grouped(invalid)), invalid);
  }
  return parser.parse();
}

Json read_json(const fs::path& path, const JsonLimits& limits) {
  std::string text;
  try {
    text = read_file(path, limits.max_bytes);
  } catch (const Error& e) {
    if (e.info().id != "file.too_large") throw;
    ErrorInfo info = e.info();
    info.id = "json.too_large";
    fail(e.code(), std::move(info));
  }
  return parse_json(text, path.string(), limits);
}

}  // namespace attune
