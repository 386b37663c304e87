// Pre-tokenisers of tokenizer.json: text to words. A pre-tokeniser refines the spans it is given; one that rewrites the text (byte-level)
// may replace it, spans included.
#pragma once

#include <memory>
#include <vector>

#include "text/aligned_text.h"
#include "text/split_pattern.h"

namespace attune {

class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  /// `words`: non-empty spans of `text` in order; replaced by the finer ones.
  virtual void split(AlignedText& text, std::vector<Span>& words) const = 0;
};

/// White space removed, each punctuation character alone.
std::unique_ptr<PreTokenizer> make_bert_pre_tokenizer();
/// White space removed.
std::unique_ptr<PreTokenizer> make_whitespace_split();
/// \w+|[^\w\s]+
std::unique_ptr<PreTokenizer> make_whitespace();
/// GPT-2: each word cut by its expression (with `use_regex`), then written in the byte alphabet (text/byte_level.h). `add_prefix_space`: a
/// word that does not begin with a space gets one.
std::unique_ptr<PreTokenizer> make_byte_level(bool add_prefix_space, bool use_regex);
/// Numeric characters apart from others; each alone with `individual`.
std::unique_ptr<PreTokenizer> make_digits(bool individual);

/// What becomes of the matches of a Split.
enum class SplitBehavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };
/// `invert`: what lies between the matches counts as the match.
std::unique_ptr<PreTokenizer> make_split(SplitPattern pattern, SplitBehavior behavior, bool invert);
std::unique_ptr<PreTokenizer> make_pre_tokenizer_sequence(std::vector<std::unique_ptr<PreTokenizer>> parts);

}  // namespace attune
