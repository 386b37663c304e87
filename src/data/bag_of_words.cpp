#include "data/bag_of_words.h"

#include <cmath>
#include <map>
#include <set>

#include "base/python_text.h"
#include "base/utf8.h"

namespace attune {

std::vector<std::string> bag_words(std::string_view text) {
  const std::vector<int32_t> c = python_lower(code_points(text));
  std::vector<std::string> words;
  for (size_t i = 0; i < c.size();) {
    if (!is_python_word(c[i])) {
      ++i;
      continue;
    }
    size_t end = i;
    std::string word;
    while (end < c.size() && is_python_word(c[end])) append_utf8(word, static_cast<uint32_t>(c[end++]));
    if (end - i > 1) words.push_back(std::move(word));
    i = end;
  }
  return words;
}

BagOfWords::BagOfWords(std::span<const std::string> texts) {
  std::map<std::string, int64_t> holders;  // texts with the word
  for (const std::string& text : texts) {
    const std::vector<std::string> words = bag_words(text);
    for (const std::string& word : std::set<std::string>(words.begin(), words.end())) ++holders[word];
  }
  const auto n = static_cast<double>(texts.size());
  for (const auto& [word, count] : holders) {
    columns_.emplace(word, static_cast<int32_t>(words_.size()));
    words_.push_back(word);
    weights_.push_back(std::log((1 + n) / (1 + static_cast<double>(count))) + 1);
  }
}

SparseRows BagOfWords::transform(std::span<const std::string> texts) const {
  SparseRows rows;
  rows.width = static_cast<int64_t>(words_.size());
  for (const std::string& text : texts) {
    std::map<int32_t, double> counts;
    for (const std::string& word : bag_words(text))
      if (const auto it = columns_.find(word); it != columns_.end()) counts[it->second] += 1;
    double squares = 0;
    for (auto& [column, value] : counts) {
      value *= weights_[static_cast<size_t>(column)];
      squares += value * value;
    }
    for (const auto& [column, value] : counts) {
      rows.columns.push_back(column);
      rows.values.push_back(value / std::sqrt(squares));
    }
    rows.end_row();
  }
  return rows;
}

}  // namespace attune
