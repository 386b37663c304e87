// Comparing two areas under the ROC curve on the same rows.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace attune {

struct DeLong {
  double auc_a = 0, auc_b = 0;
  double difference = 0, low = 0, high = 0;  ///< b - a, with its normal interval
  double p = 1;                              ///< two-sided
};
/// DeLong, DeLong and Clarke-Pearson 1988 by the midranks of Sun and Xu 2014: O(n log n). Equal scores count half. Where the two rank the rows
/// alike: difference 0, no width, p = 1. nullopt with fewer than two positives or negatives, for NaN scores, and where the AUCs differ though
/// the estimated variance of the difference is zero (both separate, or one scores all rows the same).
std::optional<DeLong> delong(std::span<const uint8_t> positive, std::span<const double> scores_a, std::span<const double> scores_b,
                             double confidence = 0.95);

}  // namespace attune
