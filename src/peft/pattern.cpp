#define PCRE2_CODE_UNIT_WIDTH 8
#include "peft/pattern.h"

#include <pcre2.h>

namespace attune {
namespace {

constexpr size_t kLongestPattern = 20'000;  // bytes
constexpr uint32_t kMatchSteps = 100'000, kHeapKiB = 16'384;

PCRE2_SPTR bytes(const std::string& s) { return reinterpret_cast<PCRE2_SPTR>(s.c_str()); }

std::string message(int error) {
  char text[256] = {};
  pcre2_get_error_message(error, reinterpret_cast<PCRE2_UCHAR*>(text), sizeof text);
  return text;
}

}  // namespace

struct Pattern::State {
  struct Free {
    void operator()(pcre2_code* p) const { pcre2_code_free(p); }
    void operator()(pcre2_match_data* p) const { pcre2_match_data_free(p); }
    void operator()(pcre2_match_context* p) const { pcre2_match_context_free(p); }
  };
  std::string text, key;
  Origin origin;
  std::unique_ptr<pcre2_code, Free> code;
  std::unique_ptr<pcre2_match_data, Free> found;
  std::unique_ptr<pcre2_match_context, Free> limits;

  [[noreturn]] void refuse(const char* id, std::string what, std::string hint) const {
    const std::string shown = text.size() > 200 ? text.substr(0, 200) + "..." : text;
    fail(origin.code,
         {.id = id, .where = origin.where + ": " + key, .what = std::move(what), .got = "\"" + shown + "\"", .hint = std::move(hint)});
  }
};

Pattern::Pattern(const std::string& text, const std::string& key, const Origin& origin) : state_(std::make_shared<State>()) {
  State& s = *state_;
  s.text = text;
  s.key = key;
  s.origin = origin;
  if (text.size() > kLongestPattern) s.refuse("peft.regex", "the regular expression is too long", "name the modules in a list");
  int error = 0;
  PCRE2_SIZE at = 0;
  s.code.reset(pcre2_compile(bytes(text), text.size(), PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C, &error, &at, nullptr));
  if (!s.code) s.refuse("peft.regex", "not a regular expression: " + message(error) + " at offset " + std::to_string(at), "");
  s.found.reset(pcre2_match_data_create_from_pattern(s.code.get(), nullptr));
  s.limits.reset(pcre2_match_context_create(nullptr));
  if (!s.found || !s.limits) throw std::bad_alloc();
  pcre2_set_match_limit(s.limits.get(), kMatchSteps);
  pcre2_set_heap_limit(s.limits.get(), kHeapKiB);
}

bool Pattern::run(const std::string& subject, bool whole) const {
  const State& s = *state_;
  const uint32_t options = PCRE2_ANCHORED | (whole ? PCRE2_ENDANCHORED : 0u);
  const int rc = pcre2_match(s.code.get(), bytes(subject), subject.size(), 0, options, s.found.get(), s.limits.get());
  if (rc >= 0) return true;
  if (rc == PCRE2_ERROR_NOMATCH) return false;
  s.refuse("peft.regex_limit", "the regular expression cannot be matched: " + message(rc), "use a simpler expression or a list of names");
}

bool Pattern::matches(const std::string& subject) const { return run(subject, true); }

std::optional<std::string> Pattern::prefix_group(const std::string& subject, const std::string& name) const {
  if (!run(subject, false)) return std::nullopt;
  PCRE2_UCHAR* text = nullptr;
  PCRE2_SIZE length = 0;
  if (pcre2_substring_get_byname(state_->found.get(), bytes(name), &text, &length) != 0) return std::nullopt;
  std::string out(reinterpret_cast<const char*>(text), length);
  pcre2_substring_free(text);
  return out;
}

}  // namespace attune
