// The probability from which on a label is said, chosen on rows that were not trained on.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace attune {

/// kYouden is Youden's J (1950), sensitivity + specificity - 1: 2 balanced accuracy - 1, so both have the same best threshold.
enum class ThresholdMetric { kNone, kF1, kBalancedAccuracy, kYouden };
const char* name_of(ThresholdMetric metric);  ///< "none", "f1", "balanced_accuracy", "youden"

/// Of the rule "score >= threshold"; positive: zeros and ones. 0 / 0 counts as 0, as in scikit-learn.
double threshold_value(std::span<const uint8_t> positive, std::span<const double> scores, double threshold, ThresholdMetric metric);

struct TunedThreshold {
  double threshold = 0.5;
  double value = 0;  ///< of the metric on these rows
};
/// The best of all ways to cut the rows by score. The threshold lies halfway to the next lower score (0 below the lowest), so that rounding
/// flips no row; of equally good cuts the one whose threshold is nearest to 0.5. Nothing where there is none: no positive row, or no
/// negative one for metrics other than f1. Scores are probabilities; one that is not finite is a Bug.
std::optional<TunedThreshold> best_threshold(std::span<const uint8_t> positive, std::span<const double> scores, ThresholdMetric metric);

}  // namespace attune
