// How many rows show a given gap, and the smallest gap that a number of rows shows. Two-sided tests.
#pragma once

#include <cstdint>
#include <optional>

namespace attune {

struct Power {
  double alpha = 0.05, power = 0.8;
};
/// Rows needed by a paired comparison of two accuracies (McNemar) that differ by `gap` and disagree in rightness on a share `discordant` of the
/// rows (Connor 1987, eq. 5). nullopt for a gap of 0, or larger than `discordant`, which cannot be.
std::optional<int64_t> rows_for_paired_gap(double gap, double discordant, const Power& power = {});
/// The smallest gap that `rows` paired rows show; nullopt where even rows that all favour one side do not.
std::optional<double> paired_gap_of_rows(int64_t rows, double discordant, const Power& power = {});

/// Rows needed on each side by two test sets of their own, with accuracies `rate` and `rate + gap` (Fleiss, Levin and Paik 2003, eq. 4.14).
/// nullopt for a gap of 0 or rates outside [0, 1].
std::optional<int64_t> rows_for_unpaired_gap(double gap, double rate, const Power& power = {});
/// The smallest gap above `rate`; nullopt where even rate + gap = 1 does not show.
std::optional<double> unpaired_gap_of_rows(int64_t rows, double rate, const Power& power = {});

}  // namespace attune
