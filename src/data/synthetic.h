// Labelled data made by rules: the same options give the same bytes. English sentences from small tables of templates and words, built so
// that `overlap` says how far single words mislead: what decides is the structure around them (negation, contrast, context).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/random.h"

namespace attune {

struct SyntheticOptions {
  int64_t rows = 3000;
  uint64_t seed = 42;
  double overlap = 0.8;      ///< share of rows whose words mislead; 0: words alone tell
  double label_noise = 0.0;  ///< share of rows whose label is wrong, the right one beside it
  int64_t least = 12, most = 40;  ///< words a text
};

/// A review. The words of kPolar come in pairs of one meaning's two sides.
struct SyntheticReview {
  std::string text, domain;
  bool positive = false, clean = false;  ///< the label, and what it is without noise
};
/// Misled rows are negations ("was not good"), and contrasts where both sides are named and the structure decides ("was good, but ... was
/// awful"). Negations are at most as many as plain rows, so that no word speaks for a side by being more often on the other.
std::vector<SyntheticReview> synthetic_reviews(const SyntheticOptions& options);

/// A sentence with PER, ORG, LOC and MISC entities in IOB2. `overlap`: share of names that can be a person, a place or an organisation,
/// where the sentence decides. One sentence of twenty is in lower case, another in capitals. Noise changes the type of an entity, in
/// that share of entities.
struct SyntheticSentence {
  std::vector<std::string> tokens, tags, clean;
};
std::vector<SyntheticSentence> synthetic_sentences(const SyntheticOptions& options);

/// A text about one thing, or two of a kind (in `overlap` of the texts), and questions about it; `rows` questions in all. Without an
/// answer: the text tells what is asked of the other thing only, or of neither. Noise gives the answer to another question.
struct SyntheticQuestion {
  std::string id, question, answer, clean;  ///< "": no answer
  int64_t start = -1, clean_start = -1;     ///< of the answers in the context, in code points
};
struct SyntheticContext {
  std::string title, text;
  std::vector<SyntheticQuestion> questions;
};
std::vector<SyntheticContext> synthetic_contexts(const SyntheticOptions& options, double no_answer_share);

/// SQuAD 2.0's file; noise leaves the right answer as "clean_answers".
Json squad_file(const std::vector<SyntheticContext>& contexts);
/// Columns word and tag; with `noise` word, clean tag and tag.
std::string conll_file(const std::vector<SyntheticSentence>& sentences, bool noise);

// What the three share.

/// One of a table.
template <typename Table>
const auto& pick(const Table& table, Random& random) {
  return table[static_cast<size_t>(random.below(std::size(table)))];
}
/// `template` with each {name} replaced by what `value(name)` gives; a capital letter at the start.
template <typename Value>
std::string filled(std::string_view pattern, Value value) {
  std::string out;
  for (size_t i = 0; i < pattern.size();) {
    if (pattern[i] != '{') {
      out += pattern[i++];
      continue;
    }
    const size_t end = pattern.find('}', i);
    out += value(pattern.substr(i + 1, end - i - 1));
    i = end + 1;
  }
  if (!out.empty() && out[0] >= 'a' && out[0] <= 'z') out[0] = static_cast<char>(out[0] - 'a' + 'A');
  return out;
}
int64_t word_count(std::string_view text);

}  // namespace attune
