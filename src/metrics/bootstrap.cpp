#include "metrics/bootstrap.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "base/error.h"
#include "base/random.h"
#include "metrics/sampler.h"

namespace attune {
namespace {

constexpr size_t kJackknifeGroups = 1000;

double phi(double z) { return boost::math::cdf(boost::math::normal(), z); }
double quantile_of_normal(double p) { return boost::math::quantile(boost::math::normal(), p); }

/// Between the two nearest values, as numpy.quantile.
double quantile(const std::vector<double>& sorted, double q) {
  const double at = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}
/// The smallest or largest q with quantile(q) == value; 0 or 1 beyond the ends.
double share_up_to(const std::vector<double>& sorted, double value, bool largest) {
  const auto after = largest ? std::upper_bound(sorted.begin(), sorted.end(), value) : std::lower_bound(sorted.begin(), sorted.end(), value);
  if (after == sorted.begin()) return 0;
  if (after == sorted.end()) return 1;
  const double before = *(after - 1), fraction = (value - before) / (*after - before);
  return (static_cast<double>(after - sorted.begin() - 1) + fraction) / static_cast<double>(sorted.size() - 1);
}

std::optional<double> defined(std::optional<double> value) { return value && std::isfinite(*value) ? value : std::nullopt; }

/// What one step of the jackknife leaves out: a unit of one kind, or several units.
struct Deletion {
  std::vector<int32_t> kinds;
  double occurs = 1;
};
std::vector<std::vector<Deletion>> deletions(const Units& units, const std::map<int32_t, std::vector<int32_t>>& strata, uint64_t seed) {
  std::vector<std::vector<Deletion>> all;
  size_t kinds = 0, total = 0;
  for (const auto& [name, members] : strata)
    for (int32_t k : members) ++kinds, total += static_cast<size_t>(units.counts[static_cast<size_t>(k)]);
  Random random(mix_key(seed, hash_name("metrics.jackknife")));
  for (const auto& [name, members] : strata) {
    std::vector<Deletion>& steps = all.emplace_back();
    if (kinds <= kJackknifeGroups) {
      for (int32_t k : members) steps.push_back({.kinds = {k}, .occurs = static_cast<double>(units.counts[static_cast<size_t>(k)])});
      continue;
    }
    std::vector<int32_t> one_by_one;
    for (int32_t k : members) one_by_one.insert(one_by_one.end(), static_cast<size_t>(units.counts[static_cast<size_t>(k)]), k);
    for (size_t i = one_by_one.size(); i > 1; --i) std::swap(one_by_one[i - 1], one_by_one[random.below(i)]);
    steps.resize(std::min(one_by_one.size(), std::max<size_t>(2, kJackknifeGroups * one_by_one.size() / total)));
    for (size_t i = 0; i < one_by_one.size(); ++i) steps[i % steps.size()].kinds.push_back(one_by_one[i]);
  }
  return all;
}

}  // namespace

Units Units::single(size_t n, std::span<const int32_t> strata) {
  require(strata.empty() || strata.size() == n, "a stratum for every unit");
  return {.counts = std::vector<int64_t>(n, 1), .strata = {strata.begin(), strata.end()}};
}

double bias_correction(std::span<const double> values, double estimate) {
  const auto [low, high] = std::equal_range(values.begin(), values.end(), estimate);
  const double n = static_cast<double>(values.size()), below = 0.5 * static_cast<double>((low - values.begin()) + (high - values.begin()));
  return quantile_of_normal(std::clamp(below, 0.5, n - 0.5) / n);
}

double jackknife_acceleration(const Units& units, const WeightedStatistic& statistic, uint64_t seed) {
  std::map<int32_t, std::vector<int32_t>> strata;
  for (size_t k = 0; k < units.counts.size(); ++k)
    if (units.counts[k] > 0) strata[units.strata.empty() ? 0 : units.strata[k]].push_back(static_cast<int32_t>(k));
  std::vector<int32_t> weights(units.counts.begin(), units.counts.end());
  double cubes = 0, squares = 0;
  for (const std::vector<Deletion>& steps : deletions(units, strata, seed)) {
    double n = 0;
    for (const Deletion& step : steps) n += step.occurs * static_cast<double>(step.kinds.size());
    struct Left {
      double value, units, occurs;  // the statistic of what remains, how many units that is
    };
    std::vector<Left> values;
    for (const Deletion& step : steps) {
      const double remain = n - static_cast<double>(step.kinds.size());
      if (remain <= 0) continue;
      for (int32_t k : step.kinds) --weights[static_cast<size_t>(k)];
      if (const std::optional<double> value = defined(statistic(weights))) values.push_back({*value, remain, step.occurs});
      for (int32_t k : step.kinds) ++weights[static_cast<size_t>(k)];
    }
    // Influence of a deletion: (units that remain) x (centre - value), the centre so that they sum to 0.
    double sum = 0, weight = 0, cube = 0, square = 0;
    for (const Left& v : values) sum += v.occurs * v.units * v.value, weight += v.occurs * v.units;
    for (const Left& v : values) {
      const double influence = v.units * (sum / weight - v.value);
      square += v.occurs * influence * influence;
      cube += v.occurs * influence * influence * influence;
    }
    cubes += cube / (n * n * n);
    squares += square / (n * n);
  }
  const double scale = std::pow(squares, 1.5);
  return scale > 0 ? cubes / scale / 6 : 0.0;
}

std::optional<Bootstrap> bootstrap(const Units& units, const WeightedStatistic& statistic, const Resampling& resampling) {
  require(resampling.draws > 0, "at least one draw");
  Bootstrap b{.estimate = 0, .values = {}, .units = std::accumulate(units.counts.begin(), units.counts.end(), int64_t{0})};
  std::set<int32_t> strata;
  for (size_t k = 0; k < units.strata.size(); ++k)
    if (units.counts[k] > 0) strata.insert(units.strata[k]);
  b.strata = std::max<int64_t>(1, static_cast<int64_t>(strata.size()));
  if (b.units <= b.strata) return std::nullopt;
  const Sampler sampler(units);
  std::vector<int32_t> weights(units.counts.begin(), units.counts.end());
  const std::optional<double> estimate = defined(statistic(weights));
  if (!estimate) return std::nullopt;
  b.estimate = *estimate;
  b.values.reserve(static_cast<size_t>(resampling.draws));
  for (int d = 0; d < resampling.draws; ++d) {
    Random random(mix_key(resampling.seed, hash_name("metrics.bootstrap"), static_cast<uint64_t>(d)));
    sampler.draw(random, weights);
    if (const std::optional<double> value = defined(statistic(weights))) b.values.push_back(*value);
  }
  if (100 * (static_cast<size_t>(resampling.draws) - b.values.size()) > static_cast<size_t>(resampling.draws)) return std::nullopt;
  std::sort(b.values.begin(), b.values.end());
  if (b.constant()) return b;
  b.bias = bias_correction(b.values, b.estimate);
  b.acceleration = jackknife_acceleration(units, statistic, resampling.seed);
  return b;
}

double Bootstrap::share_at(double z) const {
  const double w = bias + z, scale = 1 - acceleration * w;
  return scale > 0 ? phi(bias + w / scale) : (w > 0 ? 1.0 : 0.0);
}

ConfidenceInterval Bootstrap::bca(double confidence) const {
  const double free = static_cast<double>(units - strata);
  const double z = boost::math::quantile(boost::math::students_t(free), 0.5 + 0.5 * confidence) * std::sqrt(static_cast<double>(units) / free);
  return {.low = quantile(values, share_at(-z)), .high = quantile(values, share_at(z)), .confidence = confidence};
}

ConfidenceInterval Bootstrap::percentile(double confidence) const {
  return {.low = quantile(values, 0.5 - confidence / 2), .high = quantile(values, 0.5 + confidence / 2), .confidence = confidence};
}

double Bootstrap::p_of(double value) const {
  const double least = 1.0 / static_cast<double>(values.size() + 1), free = static_cast<double>(units - strata);
  // Student's tail at the z for which share_at(z) = share.
  const auto tail = [&](double share) {
    if (share <= 0 || share >= 1) return share;
    const double u = quantile_of_normal(share) - bias, scale = 1 + acceleration * u;
    if (scale <= 0) return u > 0 ? 1.0 : 0.0;
    return boost::math::cdf(boost::math::students_t(free), (u / scale - bias) * std::sqrt(free / static_cast<double>(units)));
  };
  const double up_to = tail(share_up_to(values, value, true)), from = 1 - tail(share_up_to(values, value, false));
  return std::min(1.0, 2 * std::max(least, std::min(up_to, from)));
}

std::optional<ConfidenceInterval> bca_interval(const Units& units, const WeightedStatistic& statistic, const Resampling& resampling) {
  const std::optional<Bootstrap> b = bootstrap(units, statistic, resampling);
  return b ? std::optional(b->bca(resampling.confidence)) : std::nullopt;
}

std::optional<ConfidenceInterval> bca_interval(size_t n, std::span<const int32_t> strata, const WeightedStatistic& statistic,
                                               const Resampling& resampling) {
  return bca_interval(Units::single(n, strata), statistic, resampling);
}

}  // namespace attune
