// A figure of two sets of predictions on the same rows, as the paired tests need it.
#pragma once

#include <string>
#include <vector>

#include "app/stored_predictions.h"
#include "metrics/paired_tests.h"

namespace attune {

struct ComparedMetric {
  std::string name;
  Units units;                       ///< what `a` and `b` draw: kinds of rows, rows, or clusters
  WeightedStatistic a, b;
  size_t swapped_units = 0;          ///< what `swapped` exchanges: rows, or clusters
  SwappedDifference swapped;
};

/// Names for the rows of such predictions, the first the one a verdict speaks of; those of one class pair are left out where there are more classes.
std::vector<std::string> metric_names(const StoredPredictions& p);
/// Those compared where nobody names any.
std::vector<std::string> usual_metrics(const StoredPredictions& p);
bool is_lower_better(const std::string& metric);
/// In percent (SQuAD's figures), so that a difference is in points.
bool is_percent(const StoredPredictions& p);

/// Why this figure cannot be had of these rows, or "": "there are no scores: FILE:3 ...".
std::string problem_of(const std::string& metric, const StoredPredictions& a, const StoredPredictions& b);
/// `a` and `b` have the same rows, gold and labels in the same order (Bug). Rows are drawn within their gold class; where rows belong to
/// documents or contexts, these are drawn. Only where problem_of is "".
ComparedMetric compared_metric(const std::string& name, const StoredPredictions& a, const StoredPredictions& b);

struct RowsScore {
  std::optional<double> score;
  std::optional<ConfidenceInterval> interval;  ///< 95 %
};
/// One model's figure with its interval over rows: Wilson's for the accuracy of rows that stand alone (drawn within their class, "always one class"
/// would never vary), else BCa. Only where problem_of is "".
RowsScore score_of_rows(const std::string& metric, const StoredPredictions& p, int64_t draws);

/// A row counts as right: its label, its whole set of labels, all of its tags, its answer (exact match). Empty for numbers.
std::vector<uint8_t> right_rows(const StoredPredictions& p);
/// What the mean of right_rows is called: accuracy, sentence_accuracy, exact; "" for numbers.
const char* rightness_of(StoredKind kind);

}  // namespace attune
