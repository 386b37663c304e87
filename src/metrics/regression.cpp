#include "metrics/regression.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.h"

namespace attune {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

double mean(std::span<const double> v) { return std::accumulate(v.begin(), v.end(), 0.0) / static_cast<double>(v.size()); }

bool is_constant(std::span<const double> v) {
  return std::all_of(v.begin(), v.end(), [&](double x) { return x == v[0]; });
}

}  // namespace

double mean_squared_error(std::span<const double> gold, std::span<const double> predicted) {
  require(gold.size() == predicted.size(), "a prediction for every target");
  double sum = 0;
  for (size_t i = 0; i < gold.size(); ++i) sum += (gold[i] - predicted[i]) * (gold[i] - predicted[i]);
  return gold.empty() ? kNaN : sum / static_cast<double>(gold.size());
}

double mean_absolute_error(std::span<const double> gold, std::span<const double> predicted) {
  require(gold.size() == predicted.size(), "a prediction for every target");
  double sum = 0;
  for (size_t i = 0; i < gold.size(); ++i) sum += std::fabs(gold[i] - predicted[i]);
  return gold.empty() ? kNaN : sum / static_cast<double>(gold.size());
}

double r2_score(std::span<const double> gold, std::span<const double> predicted) {
  require(gold.size() == predicted.size(), "a prediction for every target");
  if (gold.size() < 2) return kNaN;
  const double middle = mean(gold);
  double residual = 0, total = 0;
  for (size_t i = 0; i < gold.size(); ++i) {
    residual += (gold[i] - predicted[i]) * (gold[i] - predicted[i]);
    total += (gold[i] - middle) * (gold[i] - middle);
  }
  if (total == 0) return residual == 0 ? 1.0 : residual > 0 ? 0.0 : kNaN;
  return 1.0 - residual / total;
}

double pearson(std::span<const double> a, std::span<const double> b) {
  require(a.size() == b.size(), "two sides of one length");
  if (a.size() < 2 || is_constant(a) || is_constant(b)) return kNaN;
  const double mean_a = mean(a), mean_b = mean(b);
  double aa = 0, bb = 0, ab = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double x = a[i] - mean_a, y = b[i] - mean_b;
    aa += x * x;
    bb += y * y;
    ab += x * y;
  }
  const double r = ab / (std::sqrt(aa) * std::sqrt(bb));
  return std::isnan(r) ? r : std::clamp(r, -1.0, 1.0);
}

std::vector<double> average_ranks(std::span<const double> values) {
  std::vector<double> ranks(values.size(), kNaN);
  if (std::any_of(values.begin(), values.end(), [](double v) { return std::isnan(v); })) return ranks;
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t i, size_t j) { return values[i] < values[j]; });
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin + 1;
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    // Ranks begin + 1 ... end share their mean.
    const double rank = 0.5 * static_cast<double>(begin + 1 + end);
    for (; begin < end; ++begin) ranks[order[begin]] = rank;
  }
  return ranks;
}

double spearman(std::span<const double> a, std::span<const double> b) {
  require(a.size() == b.size(), "two sides of one length");
  return pearson(average_ranks(a), average_ranks(b));
}

}  // namespace attune
