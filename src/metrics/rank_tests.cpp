#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <map>
#include <numeric>

#include "base/error.h"
#include "metrics/regression.h"
#include "metrics/seeds.h"

namespace attune {
namespace {

double upper_tail(double z) { return boost::math::cdf(boost::math::complement(boost::math::normal(), z)); }

/// Sum over groups of equal values of t^3 - t.
double tie_term(std::span<const double> values) {
  std::map<double, double> groups;
  for (double v : values) ++groups[v];
  double sum = 0;
  for (const auto& [value, t] : groups) sum += t * t * t - t;
  return sum;
}

/// Two-sided p of the rank sum of the positive differences over all 2^n choices of signs.
double exact_signed_rank(const std::vector<double>& ranks, double positive) {
  std::vector<double> ways{1};  // by twice the sum, which is whole even with ties
  for (double r : ranks) {
    const auto twice = static_cast<size_t>(std::llround(2 * r));
    std::vector<double> next(ways.size() + twice);
    for (size_t s = 0; s < ways.size(); ++s) {
      next[s] += ways[s];
      next[s + twice] += ways[s];
    }
    ways = std::move(next);
  }
  const auto at = static_cast<std::ptrdiff_t>(std::llround(2 * positive));
  const double low = std::accumulate(ways.begin(), ways.begin() + at + 1, 0.0), high = std::accumulate(ways.begin() + at, ways.end(), 0.0);
  return std::min(1.0, std::ldexp(2 * std::min(low, high), -static_cast<int>(ranks.size())));
}

/// Two-sided p of U without ties: the coefficients of the Gaussian binomial count the orders by U (Mann and Whitney 1947).
double exact_rank_sum(size_t a, size_t b, double u) {
  const size_t few = std::min(a, b), many = std::max(a, b), most = few * many;
  std::vector<long double> ways(most + 1);
  ways[0] = 1;
  for (size_t i = 1; i <= few; ++i) {
    for (size_t s = most; s >= many + i && s <= most; --s) ways[s] -= ways[s - many - i];  // x (1 - q^(many + i))
    for (size_t s = i; s <= most; ++s) ways[s] += ways[s - i];                             // / (1 - q^i)
  }
  const double smaller = std::min(u, static_cast<double>(most) - u);
  long double tail = 0, all = 0;
  for (size_t s = 0; s <= most; ++s) {
    all += ways[s];
    if (static_cast<double>(s) <= smaller) tail += ways[s];
  }
  return std::min(1.0, static_cast<double>(2 * tail / all));
}

}  // namespace

std::optional<RankTest> signed_rank_test(std::span<const double> a, std::span<const double> b) {
  require(a.size() == b.size(), "the same seeds on both sides");
  if (a.empty()) return std::nullopt;
  std::vector<double> sizes;
  std::vector<bool> up;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i]) continue;
    sizes.push_back(std::fabs(b[i] - a[i]));
    up.push_back(b[i] > a[i]);
  }
  if (sizes.empty()) return RankTest{.statistic = 0, .p = 1, .exact = true};
  const std::vector<double> ranks = average_ranks(sizes);
  double positive = 0, all = 0;
  for (size_t i = 0; i < ranks.size(); ++i) {
    all += ranks[i];
    if (up[i]) positive += ranks[i];
  }
  const double n = static_cast<double>(ranks.size()), ties = tie_term(sizes);
  RankTest test{.statistic = std::min(positive, all - positive), .p = 1, .exact = a.size() <= (ties == 0 && ranks.size() == a.size() ? 50u : 13u)};
  test.p = test.exact ? exact_signed_rank(ranks, positive)
                      : 2 * upper_tail(std::fabs(positive - n * (n + 1) / 4) / std::sqrt((n * (n + 1) * (2 * n + 1) - ties / 2) / 24));
  return test;
}

std::optional<RankTest> rank_sum_test(std::span<const double> a, std::span<const double> b) {
  if (a.empty() || b.empty()) return std::nullopt;
  std::vector<double> both(b.begin(), b.end());
  both.insert(both.end(), a.begin(), a.end());
  const std::vector<double> ranks = average_ranks(both);
  const double na = static_cast<double>(a.size()), nb = static_cast<double>(b.size()), n = na + nb, ties = tie_term(both);
  const double u = std::accumulate(ranks.begin(), ranks.begin() + static_cast<std::ptrdiff_t>(b.size()), 0.0) - nb * (nb + 1) / 2;
  RankTest test{.statistic = u, .p = 1, .exact = ties == 0 && std::min(a.size(), b.size()) <= 8};
  const double variance = na * nb / 12 * ((n + 1) - ties / (n * (n - 1)));
  if (test.exact)
    test.p = exact_rank_sum(a.size(), b.size(), u);
  else if (variance > 0)  // else all values are equal
    test.p = std::min(1.0, 2 * upper_tail((std::max(u, na * nb - u) - na * nb / 2 - 0.5) / std::sqrt(variance)));
  return test;
}

}  // namespace attune
