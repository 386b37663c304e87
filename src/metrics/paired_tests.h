// Two models on the same rows. Differences are b - a. Each test's null hypothesis and assumption: metrics/null.h.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "metrics/bootstrap.h"
#include "metrics/weighted.h"

namespace attune {

/// McNemar 1947, exact: of the rows on which one side alone is right, Binomial(n, 1/2), two-sided (twice the smaller tail, at most 1).
struct McNemar {
  int64_t only_a_right = 0, only_b_right = 0;
  double p = 1;
};
McNemar mcnemar(int64_t only_a_right, int64_t only_b_right);

struct PairedDifference {
  double difference = 0, low = 0, high = 0, p = 1;
};

/// BCa interval of b - a over draws of units with both sides together, and the p value that agrees with it: p < 1 - confidence exactly where
/// the interval leaves 0 out. nullopt as `bootstrap`. All draws equal: no width, and p from the number of draws alone.
std::optional<PairedDifference> paired_bootstrap(const Units& units, const WeightedStatistic& a, const WeightedStatistic& b,
                                                 const Resampling& resampling = {});
std::optional<PairedDifference> paired_bootstrap(size_t n, std::span<const int32_t> strata, const WeightedStatistic& a, const WeightedStatistic& b,
                                                 const Resampling& resampling = {});

/// The statistic b - a when the two sides of the units with swapped[i] != 0 are exchanged; nullopt where it is undefined.
using SwappedDifference = std::function<std::optional<double>(std::span<const uint8_t> swapped)>;
/// Approximate randomisation (Noreen 1989): sides exchanged at random; p = (draws at least as far from 0 + 1) / (draws + 1).
/// low, high: where the middle `confidence` of the differences under the null lie. A draw that is undefined counts as far from 0, and not for
/// low and high. nullopt without units, where the difference itself is undefined, or in more than one draw of a hundred.
std::optional<PairedDifference> approximate_randomisation(size_t units, const SwappedDifference& difference, const Resampling& resampling = {});
/// Of a figure of the confusion matrix; units are rows.
SwappedDifference swapped_matrix_difference(std::vector<int32_t> gold, std::vector<int32_t> a, std::vector<int32_t> b, int64_t classes, MatrixFigure figure);
/// Of a mean of one value a unit.
SwappedDifference swapped_mean_difference(std::vector<double> a, std::vector<double> b);

}  // namespace attune
