#include "metrics/seeds.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <numeric>

#include "base/error.h"

namespace attune {
namespace {

double mean_of(std::span<const double> x) { return std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size()); }
double variance_of(std::span<const double> x) {
  if (std::all_of(x.begin(), x.end(), [&](double v) { return v == x.front(); })) return 0;  // not the rounding of their mean
  const double mean = mean_of(x);
  double sum = 0;
  for (double v : x) sum += (v - mean) * (v - mean);
  return sum / static_cast<double>(x.size() - 1);
}
double t_quantile(double degrees, double confidence) {
  return boost::math::quantile(boost::math::students_t(degrees), 0.5 + 0.5 * confidence);
}
MeanTest t_test(double difference, double error, double degrees, double confidence) {
  const double t = difference / error, half = t_quantile(degrees, confidence) * error;
  return {.difference = difference, .low = difference - half, .high = difference + half, .t = t, .degrees = degrees,
          .p = 2 * boost::math::cdf(boost::math::complement(boost::math::students_t(degrees), std::fabs(t)))};
}
double median_of(std::vector<double> x) {
  std::sort(x.begin(), x.end());
  return 0.5 * (x[x.size() / 2] + x[(x.size() - 1) / 2]);
}

}  // namespace

std::optional<SeedSummary> summarise_seeds(std::span<const double> scores, bool higher_is_better, double confidence) {
  if (scores.empty()) return std::nullopt;
  for (double s : scores) require(std::isfinite(s), "finite scores");
  const auto lowest = static_cast<size_t>(std::min_element(scores.begin(), scores.end()) - scores.begin());
  const auto highest = static_cast<size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
  const double n = static_cast<double>(scores.size());
  SeedSummary s{.n = static_cast<int64_t>(scores.size()), .mean = mean_of(scores), .sd = std::nullopt, .interval = std::nullopt,
                .best = higher_is_better ? highest : lowest, .worst = higher_is_better ? lowest : highest};
  if (scores.size() < 2) return s;
  s.sd = std::sqrt(variance_of(scores));
  const double half = t_quantile(n - 1, confidence) * *s.sd / std::sqrt(n);
  s.interval = ConfidenceInterval{.low = s.mean - half, .high = s.mean + half, .confidence = confidence};
  return s;
}

std::optional<MeanTest> welch_test(std::span<const double> a, std::span<const double> b, double confidence) {
  if (a.size() < 2 || b.size() < 2) return std::nullopt;
  const double na = static_cast<double>(a.size()), nb = static_cast<double>(b.size()), va = variance_of(a) / na, vb = variance_of(b) / nb;
  if (!(va + vb > 0)) return std::nullopt;
  return t_test(mean_of(b) - mean_of(a), std::sqrt(va + vb), (va + vb) * (va + vb) / (va * va / (na - 1) + vb * vb / (nb - 1)), confidence);
}

std::optional<MeanTest> paired_t_test(std::span<const double> a, std::span<const double> b, double confidence) {
  require(a.size() == b.size(), "the same seeds on both sides");
  std::vector<double> differences;
  for (size_t i = 0; i < a.size(); ++i) differences.push_back(b[i] - a[i]);
  if (a.size() < 2) return std::nullopt;
  const double n = static_cast<double>(a.size()), variance = variance_of(differences);
  if (!(variance > 0)) return std::nullopt;
  return t_test(mean_of(differences), std::sqrt(variance / n), n - 1, confidence);
}

std::vector<std::string> degenerate_runs(std::span<const SeedRun> runs, double least_drop) {
  std::vector<double> scores, deviations;
  for (const SeedRun& run : runs) scores.push_back(run.score);
  const double median = scores.empty() ? 0 : median_of(scores);
  for (double s : scores) deviations.push_back(std::fabs(s - median));
  const double limit = scores.empty() ? 0 : std::max(5 * 1.4826 * median_of(deviations), least_drop);
  std::vector<std::string> reasons;
  for (const SeedRun& run : runs) {
    std::string& reason = reasons.emplace_back();
    if (run.classes_predicted == 1 && run.classes_in_gold.value_or(2) > 1)
      reason = "predicts one class for every row";
    else if (run.accuracy && run.majority_rate && *run.accuracy <= *run.majority_rate && run.matthews.value_or(0) < 0.1)
      reason = fmt::format("accuracy {:.4f} is not above the majority rate {:.4f}", *run.accuracy, *run.majority_rate);
    else if (runs.size() >= 3 && median - run.score > limit)
      reason = fmt::format("score {:.4f} lies far below the median of the runs, {:.4f}", run.score, median);
  }
  return reasons;
}

}  // namespace attune
