#include "metrics/equivalence.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "metrics/seeds.h"

namespace attune {
namespace {

template <typename Distribution>
Equivalence two_one_sided(double difference, double error, double margin, double alpha, const Distribution& distribution) {
  require(margin > 0 && alpha > 0 && alpha < 0.5, "a margin above 0");
  const double half = boost::math::quantile(distribution, 1 - alpha) * error;
  Equivalence e{.difference = difference, .low = difference - half, .high = difference + half, .p = 1, .equivalent = false};
  e.p = boost::math::cdf(boost::math::complement(distribution, (margin - std::fabs(difference)) / error));
  e.equivalent = e.p < alpha;
  return e;
}

std::optional<Equivalence> of_means(const std::optional<MeanTest>& test, double margin, double alpha) {
  if (!test) return std::nullopt;
  const double error = (test->high - test->low) / 2;  // at confidence 1 - 2 alpha
  const boost::math::students_t t(test->degrees);
  return two_one_sided(test->difference, error / boost::math::quantile(t, 1 - alpha), margin, alpha, t);
}

}  // namespace

std::optional<Equivalence> equivalent_rows(std::span<const double> differences, double margin, std::span<const uint64_t> clusters, double alpha) {
  require(clusters.empty() || clusters.size() == differences.size(), "a cluster for every row");
  struct Sum {
    double value = 0, rows = 0;
  };
  std::vector<Sum> sums;
  std::unordered_map<uint64_t, size_t> index;
  double total = 0;
  for (size_t i = 0; i < differences.size(); ++i) {
    const size_t at = clusters.empty() ? i : index.emplace(clusters[i], sums.size()).first->second;
    if (at == sums.size()) sums.emplace_back();
    sums[at].value += differences[i];
    ++sums[at].rows;
    total += differences[i];
  }
  if (sums.size() < 2) return std::nullopt;
  const double rows = static_cast<double>(differences.size()), units = static_cast<double>(sums.size()), mean = total / rows;
  double squares = 0;
  for (const Sum& s : sums) squares += (s.value - mean * s.rows) * (s.value - mean * s.rows);
  const double error = std::sqrt(squares * units / (units - 1)) / rows;
  if (!(error > 1e-14 * std::max(1.0, std::fabs(mean)))) return std::nullopt;
  if (clusters.empty()) return two_one_sided(mean, error, margin, alpha, boost::math::normal());
  return two_one_sided(mean, error, margin, alpha, boost::math::students_t(units - 1));
}

std::optional<Equivalence> equivalent_paired_seeds(std::span<const double> a, std::span<const double> b, double margin, double alpha) {
  return of_means(paired_t_test(a, b, 1 - 2 * alpha), margin, alpha);
}

std::optional<Equivalence> equivalent_seeds(std::span<const double> a, std::span<const double> b, double margin, double alpha) {
  return of_means(welch_test(a, b, 1 - 2 * alpha), margin, alpha);
}

}  // namespace attune
