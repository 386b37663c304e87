// The figures of token classification from the tags of words alone, so that a model's evaluation and stored predictions give the same.
#pragma once

#include <optional>
#include <unordered_map>

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

/// Rows one by one; keeps counts of each type, and a few numbers of each cluster.
class TagTally {
 public:
  /// `scheme` as scheme_of_labels: where the gold decides, all tags of gold and prediction are O or have the letters B and I.
  TagTally(std::optional<std::optional<TagScheme>> scheme, bool strict);
  /// A tag for every word on both sides (Bug).
  void add(std::span<const std::string> gold, std::span<const std::string> predicted, uint64_t cluster, const ReadWords& read);
  /// Keys: rows, words, windows, coverage (share of words that were read), words_without_token; with a scheme: scheme, mode, overall_*,
  /// overall_f1_interval (rows of one cluster drawn together), macro_f1, weighted_f1, per_type, broken_predictions, report; without one
  /// overall_accuracy alone.
  Json json() const;

 private:
  /// What it is if this is the scheme.
  struct Reading {
    TagScheme scheme = TagScheme::kIob2;
    int64_t broken = 0;  ///< predicted sequences that are not of the scheme
    EntityCountsByType by_type = {};
    std::vector<double> twice_hits = {}, entities = {};  ///< of each cluster; entities of both sides
  };
  void add_entities(std::span<const std::string> gold, std::span<const std::string> predicted, size_t cluster, Reading& reading) const;

  std::optional<std::optional<TagScheme>> settled_;
  bool strict_;
  SchemeDetector gold_;
  std::vector<Reading> readings_;  ///< of every scheme it may turn out to be
  std::unordered_map<uint64_t, size_t> clusters_;
  int64_t rows_ = 0, words_ = 0, right_ = 0;
  ReadWords read_;
};

/// Entities of one row.
EntityCounts row_entities(std::span<const std::string> gold, std::span<const std::string> predicted, std::optional<TagScheme> strict_scheme);

}  // namespace attune
