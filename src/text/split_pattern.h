// A regular expression of tokenizer.json, run by PCRE2 over code points. The `tokenizers` package runs Oniguruma (Ruby's syntax): an
// expression that the two read differently is refused, and characters they put into different categories are shown to PCRE2 as others of
// the right category (unicode::stand_in).
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "text/aligned_text.h"

namespace attune {

class SplitPattern {
 public:
  /// Error(kInput) "tokenizer.pattern": no expression, or one with a part that means something else to Oniguruma than to PCRE2.
  static SplitPattern regex(const std::string& text, const std::string& where);
  /// The text as it is.
  static SplitPattern literal(const std::string& text, const std::string& where);

  /// The matches from left to right, as Oniguruma finds them: an empty match right behind the last one does not count. Thread-safe.
  /// Error(kInput) "tokenizer.pattern_limit" for an expression that tries too long.
  void find(std::span<const char32_t> text, std::vector<Span>& matches) const;

 private:
  struct State;
  SplitPattern(std::u32string pattern, const std::string& shown, const std::string& where, uint32_t options);
  std::shared_ptr<const State> state_;
};

}  // namespace attune
