#include "metrics/paired_tests.h"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <cmath>

#include "base/error.h"
#include "base/random.h"

namespace attune {

McNemar mcnemar(int64_t only_a_right, int64_t only_b_right) {
  require(only_a_right >= 0 && only_b_right >= 0, "counts of rows");
  McNemar m{.only_a_right = only_a_right, .only_b_right = only_b_right, .p = 1};
  const int64_t n = only_a_right + only_b_right, fewer = std::min(only_a_right, only_b_right);
  if (n > 0) m.p = std::min(1.0, 2 * boost::math::cdf(boost::math::binomial(static_cast<double>(n), 0.5), static_cast<double>(fewer)));
  return m;
}

std::optional<PairedDifference> paired_bootstrap(const Units& units, const WeightedStatistic& a, const WeightedStatistic& b,
                                                 const Resampling& resampling) {
  const std::optional<Bootstrap> draws = bootstrap(units, difference_of(a, b), resampling);
  if (!draws) return std::nullopt;
  const ConfidenceInterval interval = draws->bca(resampling.confidence);
  return PairedDifference{.difference = draws->estimate, .low = interval.low, .high = interval.high, .p = draws->p_of(0)};
}

std::optional<PairedDifference> paired_bootstrap(size_t n, std::span<const int32_t> strata, const WeightedStatistic& a, const WeightedStatistic& b,
                                                 const Resampling& resampling) {
  return paired_bootstrap(Units::single(n, strata), a, b, resampling);
}

std::optional<PairedDifference> approximate_randomisation(size_t units, const SwappedDifference& difference, const Resampling& resampling) {
  require(resampling.draws > 0, "at least one draw");
  std::vector<uint8_t> swapped(units);
  const std::optional<double> observed = difference(swapped);
  if (units == 0 || !observed || !std::isfinite(*observed)) return std::nullopt;
  // Equal differences may differ in their last bits: sums are taken in another order.
  const double far = std::fabs(*observed) - 1e-12 * std::max(1.0, std::fabs(*observed));
  Bootstrap draws;
  int extreme = 0;
  for (int d = 0; d < resampling.draws; ++d) {
    Random random(mix_key(resampling.seed, hash_name("metrics.randomisation"), static_cast<uint64_t>(d)));
    uint64_t bits = 0;
    for (size_t i = 0; i < units; ++i) {
      if (i % 64 == 0) bits = random.next();
      swapped[i] = bits >> (i % 64) & 1;
    }
    const std::optional<double> value = difference(swapped);
    const bool known = value && std::isfinite(*value);
    if (known) draws.values.push_back(*value);
    extreme += !known || std::fabs(*value) >= far;
  }
  if (100 * (static_cast<size_t>(resampling.draws) - draws.values.size()) > static_cast<size_t>(resampling.draws)) return std::nullopt;
  std::sort(draws.values.begin(), draws.values.end());
  const ConfidenceInterval null = draws.percentile(resampling.confidence);
  return PairedDifference{.difference = *observed, .low = null.low, .high = null.high,
                          .p = static_cast<double>(extreme + 1) / static_cast<double>(resampling.draws + 1)};
}

SwappedDifference swapped_matrix_difference(std::vector<int32_t> gold, std::vector<int32_t> a, std::vector<int32_t> b, int64_t classes,
                                            MatrixFigure figure) {
  confusion_matrix(gold, a, classes);  // checks them once
  confusion_matrix(gold, b, classes);
  return [gold = std::move(gold), a = std::move(a), b = std::move(b), classes, figure = std::move(figure)](
             std::span<const uint8_t> swapped) -> std::optional<double> {
    ConfusionMatrix of_a(classes), of_b(classes);
    for (size_t i = 0; i < gold.size(); ++i) {
      of_a.add(gold[i], swapped[i] ? b[i] : a[i]);
      of_b.add(gold[i], swapped[i] ? a[i] : b[i]);
    }
    const std::optional<double> left = figure(of_a), right = figure(of_b);
    return left && right ? std::optional(*right - *left) : std::nullopt;
  };
}

SwappedDifference swapped_mean_difference(std::vector<double> a, std::vector<double> b) {
  require(a.size() == b.size(), "both sides of every unit");
  std::vector<double> differences(a.size());
  for (size_t i = 0; i < a.size(); ++i) differences[i] = b[i] - a[i];
  return [differences = std::move(differences)](std::span<const uint8_t> swapped) -> std::optional<double> {
    if (differences.empty()) return std::nullopt;
    double sum = 0;
    for (size_t i = 0; i < differences.size(); ++i) sum += swapped[i] ? -differences[i] : differences[i];
    return sum / static_cast<double>(differences.size());
  };
}

}  // namespace attune
