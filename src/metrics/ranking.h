// How well scores order rows: ROC and precision-recall curves and the areas under them, equal to scikit-learn. Rows of one score are one
// step of a curve, so ties are exact. scikit-learn's NaN, its warned-about 0 for a class without rows and its errors are here a figure
// without value that says why.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "metrics/classification.h"
#include "metrics/figure.h"

namespace attune {

/// From nothing called positive (threshold infinity) to everything; points by falling threshold.
struct RocCurve {
  std::vector<double> false_positive_rate, true_positive_rate, thresholds;
};
/// positive: 0 or 1 a row; scores: larger is more likely positive. `drop_intermediate` leaves out points on a straight line, as
/// sklearn.metrics.roc_curve does. Empty where roc_auc has no value.
RocCurve roc_curve(std::span<const uint8_t> positive, std::span<const double> scores, bool drop_intermediate = true);
/// Area under it: the share of pairs of a positive and a negative row that are ordered right, ties half.
Figure roc_auc(std::span<const uint8_t> positive, std::span<const double> scores);

/// By rising threshold; precision and recall have one more point than thresholds, the last: (1, 0).
struct PrecisionRecallCurve {
  std::vector<double> precision, recall, thresholds;
};
/// Empty where average_precision has no value.
PrecisionRecallCurve precision_recall_curve(std::span<const uint8_t> positive, std::span<const double> scores);
/// Sum of precision times the step in recall, without interpolation. Needs a positive row only.
Figure average_precision(std::span<const uint8_t> positive, std::span<const double> scores);

// Of classes: gold ids and probabilities, row after row, a column for every name.

/// One class against all others.
Figure class_roc_auc(std::span<const int32_t> gold, std::span<const double> probabilities, std::span<const std::string> names, int64_t c);
Figure class_average_precision(std::span<const int32_t> gold, std::span<const double> probabilities, std::span<const std::string> names, int64_t c);

/// Means over the classes, kMacro or kWeighted by rows (where a class without rows does not count; kMacro has no value then).
Figure roc_auc_one_versus_rest(std::span<const int32_t> gold, std::span<const double> probabilities, std::span<const std::string> names, Average average);
Figure average_precision(std::span<const int32_t> gold, std::span<const double> probabilities, std::span<const std::string> names, Average average);
/// Mean over the pairs of classes in the gold (Hand and Till 2001), kMacro or kWeighted by the rows of a pair.
Figure roc_auc_one_versus_one(std::span<const int32_t> gold, std::span<const double> probabilities, std::span<const std::string> names, Average average);

// Of label sets: zeros and ones and probabilities, row after row, a column for every name. Means over the labels (kMacro: no value where one
// of them has none), or kMicro: every cell of the table a row of its own.
Figure multi_label_roc_auc(std::span<const uint8_t> gold, std::span<const double> probabilities, std::span<const std::string> names, Average average);
Figure multi_label_average_precision(std::span<const uint8_t> gold, std::span<const double> probabilities, std::span<const std::string> names, Average average);

}  // namespace attune
