// The expression is compiled once, with JIT where there is one; match data and the JIT stack belong to the thread.
#define PCRE2_CODE_UNIT_WIDTH 32
#include "text/split_pattern.h"

#include <fmt/format.h>
#include <pcre2.h>

#include <algorithm>
#include <new>
#include <string_view>

#include "base/error.h"
#include "text/unicode.h"

namespace attune {
namespace {

constexpr size_t kLongestPattern = 20'000;           // code points
constexpr size_t kStackStart = 32 << 10, kStackMost = 64 << 20;  // bytes a thread may need for backtracking
constexpr size_t kKeptText = size_t{1} << 16;            // code points a thread keeps between texts

// What `\p{...}` may name: the general categories, which both libraries know by these names.
constexpr std::string_view kCategories[] = {"L",  "Lu", "Ll", "Lt", "Lm", "Lo", "M",  "Mn", "Mc", "Me", "N",  "Nd", "Nl", "No", "P",  "Pc", "Pd", "Ps",
                                            "Pe", "Pi", "Pf", "Po", "S",  "Sm", "Sc", "Sk", "So", "Z",  "Zs", "Zl", "Zp", "C",  "Cc", "Cf", "Co", "Cn"};

[[noreturn]] void refuse_pattern(const std::string& shown, const std::string& where, std::string what) {
  fail(ErrorCode::kInput, {.id = "tokenizer.pattern",
                           .where = where,
                           .what = std::move(what),
                           .got = fmt::format("\"{}\"", shown.size() > 200 ? shown.substr(0, 200) + "..." : shown),
                           .hint = "tokenize with another program, or write the expression without that part"});
}

std::string message(int error) {
  PCRE2_UCHAR text[256] = {};
  pcre2_get_error_message(error, text, std::size(text));
  std::string out;
  for (size_t i = 0; i < std::size(text) && text[i] != 0; ++i) out.push_back(static_cast<char>(text[i]));
  return out;
}

/// Refuses what Oniguruma reads differently: word characters and what rests on them, POSIX and nested classes, scripts, (?m), {..}+ .
class SharedSyntax {
 public:
  SharedSyntax(std::string_view text, const std::string& shown, const std::string& where) : text_(text), shown_(shown), where_(where) {}

  void check() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\\') {
        escape();
      } else if (in_class_) {
        in_class(c);
      } else {
        outside(c);
      }
    }
  }

 private:
  void no(std::string_view part) const {
    refuse_pattern(shown_, where_, fmt::format("'{}' in a regular expression means something else to the tokenizers package than to this program", part));
  }

  void escape() {
    constexpr std::string_view kDiffer = "wWbBhHRXKGZyYNOMCcxuUgkvV0";  // \x, \u, \c: spelled differently, and no tokenizer needs them
    if (at_ + 1 == text_.size()) no("\\");
    const char c = text_[at_ + 1];
    if (kDiffer.find(c) != std::string_view::npos) no(text_.substr(at_, 2));
    at_ += 2;
    if (c != 'p' && c != 'P') return;
    if (at_ == text_.size() || text_[at_] != '{') no("\\p");
    const size_t end = text_.find('}', at_);
    std::string_view name = text_.substr(at_ + 1, end == std::string_view::npos ? end : end - at_ - 1);
    if (name.starts_with('^')) name.remove_prefix(1);
    if (end == std::string_view::npos || std::find(std::begin(kCategories), std::end(kCategories), name) == std::end(kCategories))
      no(fmt::format("\\p{{{}}}", name));
    at_ = end + 1;
  }

  void in_class(char c) {
    if (c == '[') no("[ in a class");
    if (c == '&' && text_.substr(at_).starts_with("&&")) no("&&");
    if (c == ']' && at_ > class_first_) in_class_ = false;
    ++at_;
  }

  void outside(char c) {
    if (c == '[') {
      in_class_ = true;
      class_first_ = at_ + 1 + (text_.substr(at_ + 1).starts_with('^') ? 1 : 0);
      if (text_.substr(class_first_).starts_with(']')) no("[]");
    } else if (c == '}' && text_.substr(at_ + 1).starts_with('+')) {
      no("}+");
    } else if (c == '(' && text_.substr(at_ + 1).starts_with('?')) {
      const std::string_view rest = text_.substr(at_ + 2);
      const bool known = rest.starts_with(":") || rest.starts_with("=") || rest.starts_with("!") || rest.starts_with("<=") ||
                         rest.starts_with("<!") || rest.starts_with(">") || rest.starts_with("i:");
      if (!known) no(text_.substr(at_, 4));
    }
    ++at_;
  }

  std::string_view text_;
  const std::string& shown_;
  const std::string& where_;
  size_t at_ = 0, class_first_ = 0;
  bool in_class_ = false;
};

struct Free {
  void operator()(pcre2_match_data* p) const { pcre2_match_data_free(p); }
  void operator()(pcre2_match_context* p) const { pcre2_match_context_free(p); }
  void operator()(pcre2_jit_stack* p) const { pcre2_jit_stack_free(p); }
};

struct Scratch {
  std::unique_ptr<pcre2_match_data, Free> found{pcre2_match_data_create(1, nullptr)};
  std::unique_ptr<pcre2_match_context, Free> context{pcre2_match_context_create(nullptr)};
  std::unique_ptr<pcre2_jit_stack, Free> stack{pcre2_jit_stack_create(kStackStart, kStackMost, nullptr)};
  std::vector<char32_t> shown;

  Scratch() {
    if (!found || !context) throw std::bad_alloc();
    pcre2_set_heap_limit(context.get(), kStackMost >> 10);
    if (stack) pcre2_jit_stack_assign(context.get(), nullptr, stack.get());
  }
};

/// The text with characters that PCRE2 misjudges replaced; the text itself when there are none.
std::span<const char32_t> shown_to_pcre2(std::span<const char32_t> text, std::vector<char32_t>& buffer) {
  const uint16_t* flags = unicode::flags();
  const auto foreign = [flags](char32_t c) { return (flags[c] & unicode::kForeign) != 0; };
  if (std::none_of(text.begin(), text.end(), foreign)) return text;
  buffer.assign(text.begin(), text.end());
  for (char32_t& c : buffer)
    if (foreign(c)) c = unicode::stand_in(c);
  return buffer;
}

PCRE2_SPTR units(const char32_t* text) { return reinterpret_cast<PCRE2_SPTR>(text); }

}  // namespace

struct SplitPattern::State {
  struct FreeCode {
    void operator()(pcre2_code* p) const { pcre2_code_free(p); }
  };
  std::string shown, where;
  std::unique_ptr<pcre2_code, FreeCode> code;
};

SplitPattern SplitPattern::regex(const std::string& text, const std::string& where) {
  SharedSyntax(text, text, where).check();
  return SplitPattern(to_code_points(text), text, where, PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C);
}

SplitPattern SplitPattern::literal(const std::string& text, const std::string& where) {
  return SplitPattern(to_code_points(text), text, where, PCRE2_UTF | PCRE2_LITERAL);
}

SplitPattern::SplitPattern(std::u32string pattern, const std::string& shown, const std::string& where, uint32_t options) {
  auto state = std::make_shared<State>();
  state->shown = shown;
  state->where = where;
  if (pattern.size() > kLongestPattern) refuse_pattern(shown, where, "the pattern is too long");
  int error = 0;
  PCRE2_SIZE at = 0;
  state->code.reset(pcre2_compile(units(pattern.data()), pattern.size(), options, &error, &at, nullptr));
  if (!state->code) refuse_pattern(shown, where, fmt::format("is no regular expression: {} at character {}", message(error), at));
  pcre2_jit_compile(state->code.get(), PCRE2_JIT_COMPLETE);  // without JIT the interpreter does the same, slower
  state_ = std::move(state);
}

void SplitPattern::find(std::span<const char32_t> text, std::vector<Span>& matches) const {
  thread_local Scratch scratch;
  matches.clear();
  const std::span<const char32_t> subject = shown_to_pcre2(text, scratch.shown);
  size_t from = 0;
  bool any = false;
  while (from <= subject.size()) {
    const int rc = pcre2_match(state_->code.get(), units(subject.data()), subject.size(), from, PCRE2_NO_UTF_CHECK, scratch.found.get(), scratch.context.get());
    if (rc == PCRE2_ERROR_NOMATCH) break;
    if (rc < 0) {
      fail(ErrorCode::kInput, {.id = "tokenizer.pattern_limit",
                               .where = state_->where,
                               .what = "the regular expression cannot be matched with this text: " + message(rc),
                               .got = fmt::format("\"{}\", a text of {} characters", state_->shown.substr(0, 200), text.size()),
                               .hint = "split the text into several records"});
    }
    const PCRE2_SIZE* range = pcre2_get_ovector_pointer(scratch.found.get());
    const Span match{range[0], range[1]};
    if (match.size() == 0 && any && matches.back().end == match.end) {
      ++from;
      continue;
    }
    matches.push_back(match);
    any = true;
    from = match.end;
  }
  if (scratch.shown.capacity() > kKeptText) std::vector<char32_t>().swap(scratch.shown);
}

}  // namespace attune
