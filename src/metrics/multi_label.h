// Scores of multi-label classification, equal to scikit-learn with zero_division=0.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "metrics/classification.h"

namespace attune {

/// Zeros and ones, one row after another, `classes` a row.
struct MultiLabelCounts {
  std::vector<int64_t> hits, predicted, gold;  ///< by class: both, predicted, gold
  int64_t rows = 0, exact_rows = 0;            ///< exact: the whole row is right
  double sample_f1 = 0;                        ///< sum over rows
  int64_t classes() const { return static_cast<int64_t>(hits.size()); }
};
MultiLabelCounts count_multi_label(std::span<const uint8_t> gold, std::span<const uint8_t> predicted, int64_t classes);

ClassScores class_scores(const MultiLabelCounts& m, int64_t c);
/// kMacro and kMacroAll are the same here: scikit-learn takes every column.
ClassScores average_scores(const MultiLabelCounts& m, Average average);
double subset_accuracy(const MultiLabelCounts& m);
double hamming_loss(const MultiLabelCounts& m);
double f1_samples(const MultiLabelCounts& m);

}  // namespace attune
