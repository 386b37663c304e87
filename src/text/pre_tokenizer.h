// Pre-tokenisers of tokenizer.json: text to words. A pre-tokeniser refines the spans it is given; one that rewrites the text (byte-level)
// may replace it, spans included.
#pragma once

#include <memory>
#include <vector>

#include "text/aligned_text.h"

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
std::unique_ptr<PreTokenizer> make_pre_tokenizer_sequence(std::vector<std::unique_ptr<PreTokenizer>> parts);

}  // namespace attune
