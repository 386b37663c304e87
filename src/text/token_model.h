// The model of a tokenizer: one word to pieces of the vocabulary.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "text/aligned_text.h"
#include "text/vocabulary.h"

namespace attune {

/// A piece of a word: its id and the characters of the text it covers.
struct Piece {
  int32_t id;
  Span span;
};

class TokenModel {
 public:
  virtual ~TokenModel() = default;
  /// Appends the pieces of the word `text[word]` (not empty) to `out`. `scratch` is any string; it spares an allocation a word.
  virtual void tokenize(const AlignedText& text, Span word, std::string& scratch, std::vector<Piece>& out) const = 0;
  virtual const Vocabulary& vocabulary() const = 0;
  /// Pairs of ids that merge, by rank; of a BPE model.
  virtual std::vector<std::pair<int32_t, int32_t>> merges() const { return {}; }
};

}  // namespace attune
