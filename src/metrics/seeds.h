// Several runs of one variant that differ in their seed, and two variants with several runs each. Differences are b - a.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "metrics/intervals.h"

namespace attune {

struct SeedSummary {
  int64_t n = 0;
  double mean = 0;
  std::optional<double> sd;                    ///< with n - 1; from two runs on
  std::optional<ConfidenceInterval> interval;  ///< of the mean, Student's t; from two runs on
  size_t best = 0, worst = 0;                  ///< indices, the first of equals
};
/// nullopt without runs; a score that is not finite is a Bug: leave out runs without one.
std::optional<SeedSummary> summarise_seeds(std::span<const double> scores, bool higher_is_better = true, double confidence = 0.95);

struct MeanTest {
  double difference = 0, low = 0, high = 0;  ///< of the means, with Student's interval
  double t = 0, degrees = 0, p = 1;          ///< two-sided
};
/// Welch 1947: two means, variances not assumed equal, runs not paired. nullopt with fewer than two runs on a side or no spread on both.
std::optional<MeanTest> welch_test(std::span<const double> a, std::span<const double> b, double confidence = 0.95);
/// Of runs that share their seeds. nullopt with fewer than two pairs, or where all differences are equal.
std::optional<MeanTest> paired_t_test(std::span<const double> a, std::span<const double> b, double confidence = 0.95);

struct RankTest {
  double statistic = 0, p = 1;  ///< two-sided
  bool exact = false;           ///< else by the normal distribution
};
/// Wilcoxon 1945 as scipy.stats.wilcoxon: zero differences are dropped; exact for at most 50 differences without zeros and ties, and, from the
/// distribution of the tied ranks, for at most 13 with them; else normal with tie correction. The statistic is the smaller rank sum.
/// p = 1 where all differences are zero; nullopt without pairs.
std::optional<RankTest> signed_rank_test(std::span<const double> a, std::span<const double> b);
/// Mann and Whitney 1947 as scipy.stats.mannwhitneyu: exact without ties where a side has at most 8; else normal with tie and continuity
/// correction. The statistic is U of b: pairs in which b is higher, equal ones half. nullopt with an empty side.
std::optional<RankTest> rank_sum_test(std::span<const double> a, std::span<const double> b);

/// What a degenerate run is told by.
struct SeedRun {
  double score = 0;  ///< the figure variants are compared by, higher is better
  std::optional<double> accuracy = {}, majority_rate = {};
  std::optional<double> matthews = {};  ///< correlation of gold and predictions
  std::optional<int64_t> classes_predicted = {}, classes_in_gold = {};
};
/// One line a run, empty for a sound one. A run is degenerate when
///   it predicts one class though the gold has more;
///   or its accuracy is not above the majority rate (the failed run of Mosbach et al. 2021) and its Matthews correlation, where known, below 0.1:
///     with skewed classes a model can be useful below the majority rate;
///   or, of three runs or more, its score lies below the median by more than 5 x 1.4826 x the median absolute deviation and by more than
///     `least_drop` (scores that agree to the last digit would make outliers of rounding).
std::vector<std::string> degenerate_runs(std::span<const SeedRun> runs, double least_drop = 0.05);

}  // namespace attune
