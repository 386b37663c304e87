// The figures of token classification from the tags of words alone, so that a model's evaluation and stored predictions give the same.
#pragma once

#include <optional>

#include "base/json.h"
#include "metrics/seqeval.h"

namespace attune {

/// How rows came before the model.
struct ReadWords {
  int64_t windows = 0, words = 0;  ///< words whose tag a window says
  int64_t without_token = 0;       ///< of them: words the vocabulary has no token for
  ReadWords& operator+=(const ReadWords& other);
};

/// What the labels alone say of the scheme: nothing where the gold decides, else the scheme, or that they are no entity tags (the inner
/// value is empty).
std::optional<std::optional<TagScheme>> scheme_of_labels(const std::vector<std::string>& labels);
/// Nothing when the labels are no entity tags. Labels may hold letters that these rows do not.
std::optional<TagScheme> scheme_of(const std::vector<std::string>& labels, TagSequences gold);

/// Keys: rows, words, windows, coverage (share of words that were read), words_without_token; with a scheme: scheme, mode, overall_*,
/// overall_f1_interval (rows of one cluster drawn together), macro_f1, weighted_f1, per_type, broken_predictions, report; without one
/// overall_accuracy alone.
Json tagging_json(TagSequences gold, TagSequences predicted, std::span<const uint64_t> clusters, const ReadWords& read, std::optional<TagScheme> scheme, bool strict);

/// Entities of one row, and those both sides name.
struct RowEntities {
  int64_t hits = 0, predicted = 0, gold = 0;
};
RowEntities row_entities(std::span<const std::string> gold, std::span<const std::string> predicted, std::optional<TagScheme> strict_scheme);

}  // namespace attune
