// Texts as weighted word counts, with no order: features equal to scikit-learn's TfidfVectorizer with its defaults. Words are lower-case
// runs of two or more word characters; a count is weighted by ln((1 + texts) / (1 + texts with the word)) + 1, a row has length 1.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/sparse_rows.h"

namespace attune {

class BagOfWords {
 public:
  /// Learns words and their weights. No text with a word: no features.
  explicit BagOfWords(std::span<const std::string> texts);

  const std::vector<std::string>& words() const { return words_; }  ///< by column, in code point order
  const std::vector<double>& weights() const { return weights_; }   ///< idf, by column
  /// Unknown words are left out; a text without known words is a row of zeros.
  SparseRows transform(std::span<const std::string> texts) const;

 private:
  std::vector<std::string> words_;
  std::vector<double> weights_;
  std::unordered_map<std::string, int32_t> columns_;
};

/// The words of a text in their order.
std::vector<std::string> bag_words(std::string_view text);

}  // namespace attune
