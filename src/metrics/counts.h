// Scores from counts: what single-label and multi-label metrics share.
#pragma once

#include "metrics/classification.h"

namespace attune {

/// a / b, 0 where b is 0 (scikit-learn's zero_division=0).
inline double ratio(int64_t a, int64_t b) { return b == 0 ? 0.0 : static_cast<double>(a) / static_cast<double>(b); }

/// 2pr/(p + r) as scikit-learn takes it, from the counts.
inline ClassScores scores_of(int64_t hits, int64_t predicted, int64_t gold) {
  return {.precision = ratio(hits, predicted), .recall = ratio(hits, gold), .f1 = ratio(2 * hits, predicted + gold), .support = gold};
}

}  // namespace attune
