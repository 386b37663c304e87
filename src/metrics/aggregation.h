// Entities from the label scores of tokens, as Hugging Face's token classification pipeline forms them. Prefixes of IOBES and BILOU are
// understood too (E and L go on, S and U begin), where the pipeline cuts such entities apart.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace attune {

enum class Aggregation {
  kNone,     ///< every token that is not O, under its whole label
  kSimple,   ///< neighbours of one type, a B- label beginning another entity
  kFirst,    ///< the same over words, a word having the label of its first token
  kAverage,  ///< a word having the label with the best mean score
  kMax,      ///< a word having the label of its surest token
};

struct ScoredToken {
  std::span<const double> scores;  ///< probability of each label
  int64_t begin = 0, end = 0;      ///< in the text
  bool goes_on = false;            ///< a further piece of the word before
};

struct FoundEntity {
  std::string type;
  int64_t begin = 0, end = 0;
  double score = 0;  ///< mean over its tokens (over its words, where these have one)
};

/// In the order of the text. Equal scores: the first label.
std::vector<FoundEntity> aggregate_entities(std::span<const ScoredToken> tokens, std::span<const std::string> labels, Aggregation how);

}  // namespace attune
