#include "metrics/sampler.h"

#include <algorithm>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>
#include <limits>
#include <map>

#include "base/error.h"

namespace attune {
namespace {

int64_t binomial_by_inversion(Random& random, int64_t n, double p) {
  const double odds = p / (1 - p);
  double mass = std::pow(1 - p, static_cast<double>(n)), u = random.uniform();
  int64_t k = 0;
  while (u >= mass && k < n) {
    u -= mass;
    ++k;
    mass *= odds * static_cast<double>(n - k + 1) / static_cast<double>(k);
  }
  return k;
}

int64_t binomial_by_rejection(Random& random, int64_t n, double p) {
  const double count = static_cast<double>(n), deviation = std::sqrt(count * p * (1 - p)), log_odds = std::log(p / (1 - p));
  const double b = 1.15 + 2.53 * deviation, a = -0.0873 + 0.0248 * b + 0.01 * p, center = count * p + 0.5;
  const double accepted = 0.92 - 4.2 / b, alpha = (2.83 + 5.1 / b) * deviation, mode = std::floor((count + 1) * p);
  const auto log_ways = [&](double k) { return -boost::math::lgamma(k + 1) - boost::math::lgamma(count - k + 1); };
  for (;;) {
    const double u = random.uniform() - 0.5, v = random.uniform(), rest = 0.5 - std::fabs(u);
    const double k = std::floor((2 * a / rest + b) * u + center);
    if (rest >= 0.07 && v <= accepted) return static_cast<int64_t>(k);
    if (k < 0 || k > count) continue;
    if (std::log(v * alpha / (a / (rest * rest) + b)) <= log_ways(k) - log_ways(mode) + (k - mode) * log_odds) return static_cast<int64_t>(k);
  }
}

}  // namespace

int64_t draw_binomial(Random& random, int64_t n, double p) {
  if (n == 0 || p <= 0) return 0;
  if (p >= 1) return n;
  if (p > 0.5) return n - draw_binomial(random, n, 1 - p);
  return static_cast<double>(n) * p < 10 ? binomial_by_inversion(random, n, p) : binomial_by_rejection(random, n, p);
}

Sampler::Sampler(const Units& units) {
  require(units.strata.empty() || units.strata.size() == units.counts.size(), "a stratum for every kind");
  std::map<int32_t, size_t> index;
  for (size_t k = 0; k < units.counts.size(); ++k) {
    require(units.counts[k] >= 0, "counts of units");
    if (units.counts[k] == 0) continue;
    const auto [at, fresh] = index.emplace(units.strata.empty() ? 0 : units.strata[k], strata_.size());
    if (fresh) strata_.emplace_back();
    Stratum& s = strata_[at->second];
    s.kinds.push_back(static_cast<int32_t>(k));
    s.counts.push_back(units.counts[k]);
    s.units += units.counts[k];
  }
  for (Stratum& s : strata_) {
    require(s.units <= std::numeric_limits<int32_t>::max(), "fewer than 2^31 units");
    if (s.units > 16 * static_cast<int64_t>(s.kinds.size())) continue;
    for (size_t k = 0; k < s.kinds.size(); ++k) s.kind_of_unit.insert(s.kind_of_unit.end(), static_cast<size_t>(s.counts[k]), s.kinds[k]);
  }
}

void Sampler::draw(Random& random, std::span<int32_t> weights) const {
  std::fill(weights.begin(), weights.end(), 0);
  for (const Stratum& s : strata_) {
    if (!s.kind_of_unit.empty()) {
      for (int64_t i = 0; i < s.units; ++i) ++weights[static_cast<size_t>(s.kind_of_unit[random.below(static_cast<uint64_t>(s.units))])];
      continue;
    }
    int64_t left = s.units, others = s.units;  // draws to give away, units among kinds not yet served
    for (size_t k = 0; k < s.kinds.size(); ++k) {
      const int64_t n = draw_binomial(random, left, static_cast<double>(s.counts[k]) / static_cast<double>(others));
      weights[static_cast<size_t>(s.kinds[k])] = static_cast<int32_t>(n);
      left -= n;
      others -= s.counts[k];
    }
  }
}

}  // namespace attune
