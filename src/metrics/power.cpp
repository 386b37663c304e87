#include "metrics/power.h"

#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <utility>

#include "base/error.h"

namespace attune {
namespace {

/// sqrt(n) x gap at which the test has the wanted power: z of alpha times the deviation without a gap, plus z of the power times that with it.
double reach(const Power& power, double variance_without, double variance_with) {
  require(power.alpha > 0 && power.alpha < 1 && power.power > 0 && power.power < 1, "alpha and power between 0 and 1");
  const boost::math::normal normal;
  return boost::math::quantile(normal, 1 - power.alpha / 2) * std::sqrt(variance_without) +
         boost::math::quantile(normal, power.power) * std::sqrt(variance_with);
}
double paired_reach(double gap, double discordant, const Power& power) { return reach(power, discordant, discordant - gap * gap); }
double unpaired_reach(double gap, double rate, const Power& power) {
  const double middle = rate + gap / 2, other = rate + gap;
  return reach(power, 2 * middle * (1 - middle), rate * (1 - rate) + other * (1 - other));
}
int64_t rows_of(double reach, double gap) { return static_cast<int64_t>(std::ceil(reach * reach / (gap * gap) - 1e-9)); }

/// The smallest gap in (0, most] with sqrt(rows) x gap >= reach(gap).
template <typename Reach>
std::optional<double> smallest(int64_t rows, double most, const Reach& reach_at) {
  const double root = std::sqrt(static_cast<double>(rows));
  if (!(most > 0) || root * most < reach_at(most)) return std::nullopt;
  double low = 0, high = most;
  for (int i = 0; i < 100; ++i) {
    const double gap = low + (high - low) / 2;
    (root * gap < reach_at(gap) ? low : high) = gap;
  }
  return high;
}

}  // namespace

std::optional<int64_t> rows_for_paired_gap(double gap, double discordant, const Power& power) {
  gap = std::fabs(gap);
  if (!(gap > 0) || !(gap <= discordant) || !(discordant <= 1)) return std::nullopt;
  return rows_of(paired_reach(gap, discordant, power), gap);
}

std::optional<double> paired_gap_of_rows(int64_t rows, double discordant, const Power& power) {
  require(rows >= 0 && discordant >= 0 && discordant <= 1, "rows, and a share of them");
  return smallest(rows, discordant, [&](double gap) { return paired_reach(gap, discordant, power); });
}

std::optional<int64_t> rows_for_unpaired_gap(double gap, double rate, const Power& power) {
  const double other = rate + gap;
  if (gap == 0 || !(rate >= 0 && rate <= 1 && other >= 0 && other <= 1)) return std::nullopt;
  return rows_of(unpaired_reach(gap, rate, power), gap);
}

std::optional<double> unpaired_gap_of_rows(int64_t rows, double rate, const Power& power) {
  require(rows >= 0 && rate >= 0 && rate <= 1, "rows, and a share of them");
  return smallest(rows, 1 - rate, [&](double gap) { return unpaired_reach(gap, rate, power); });
}

}  // namespace attune
