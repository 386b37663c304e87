// Is a difference small enough not to matter? Two one-sided tests (Schuirmann 1987). Differences are b - a.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace attune {

struct Equivalence {
  double difference = 0, low = 0, high = 0;  ///< with the 1 - 2 alpha interval, which the margins must enclose
  double p = 1;                              ///< the larger of the two one-sided p values of |difference| >= margin
  bool equivalent = false;                   ///< p < alpha
};
/// Mean of one difference a row (right: 1, wrong: 0), normal approximation; `clusters` (empty: rows are independent) makes documents the units,
/// with Student's t on their number less one. nullopt with fewer than two units or where all differences are equal, which says nothing of their spread.
std::optional<Equivalence> equivalent_rows(std::span<const double> differences, double margin, std::span<const uint64_t> clusters = {},
                                           double alpha = 0.05);
/// Means over seeds, Student's t: paired where the runs share their seeds, else Welch's. nullopt as those tests.
std::optional<Equivalence> equivalent_paired_seeds(std::span<const double> a, std::span<const double> b, double margin, double alpha = 0.05);
std::optional<Equivalence> equivalent_seeds(std::span<const double> a, std::span<const double> b, double margin, double alpha = 0.05);

}  // namespace attune
