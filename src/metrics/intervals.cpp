#include "metrics/intervals.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace attune {
namespace {

void check(std::span<const int32_t> gold, std::span<const double> probabilities, int64_t classes) {
  require(classes > 0 && probabilities.size() == gold.size() * static_cast<size_t>(classes), "a probability for every row and class");
}

}  // namespace

double normal_quantile(double confidence) {
  require(confidence > 0 && confidence < 1, "confidence between 0 and 1");
  return boost::math::quantile(boost::math::normal(), 0.5 + 0.5 * confidence);
}

ConfidenceInterval wilson_interval(int64_t hits, int64_t n, double confidence) {
  require(hits >= 0 && hits <= n, "hits among n");
  if (n == 0) return {.low = 0, .high = 1, .confidence = confidence};
  const double z = normal_quantile(confidence), count = static_cast<double>(n), p = static_cast<double>(hits) / count;
  const double scale = 1.0 / (1.0 + z * z / count);
  const double middle = scale * (p + z * z / (2 * count));
  const double half = scale * z * std::sqrt(p * (1 - p) / count + z * z / (4 * count * count));
  // The ends are exact there; rounding would leave 1e-17 or 1 + 1e-16.
  return {.low = hits == 0 ? 0.0 : std::max(0.0, middle - half), .high = hits == n ? 1.0 : std::min(1.0, middle + half), .confidence = confidence};
}

double log_loss(std::span<const int32_t> gold, std::span<const double> probabilities, int64_t classes) {
  check(gold, probabilities, classes);
  constexpr double kLeast = std::numeric_limits<double>::epsilon();
  double sum = 0;
  for (size_t i = 0; i < gold.size(); ++i) {
    const double p = probabilities[i * static_cast<size_t>(classes) + static_cast<size_t>(gold[i])];
    sum -= std::log(std::isnan(p) ? p : std::clamp(p, kLeast, 1 - kLeast));
  }
  return gold.empty() ? std::numeric_limits<double>::quiet_NaN() : sum / static_cast<double>(gold.size());
}

double brier_score(std::span<const int32_t> gold, std::span<const double> probabilities, int64_t classes) {
  check(gold, probabilities, classes);
  double sum = 0;
  for (size_t i = 0; i < gold.size(); ++i) {
    for (int64_t c = 0; c < classes; ++c) {
      const double d = probabilities[i * static_cast<size_t>(classes) + static_cast<size_t>(c)] - (gold[i] == c ? 1.0 : 0.0);
      sum += d * d;
    }
  }
  return gold.empty() ? std::numeric_limits<double>::quiet_NaN() : sum / static_cast<double>(gold.size());
}

double expected_calibration_error(std::span<const int32_t> gold, std::span<const double> probabilities, int64_t classes, int bins) {
  check(gold, probabilities, classes);
  require(bins > 0, "at least one bin");
  if (gold.empty()) return std::numeric_limits<double>::quiet_NaN();
  std::vector<double> confidence(static_cast<size_t>(bins)), correct(static_cast<size_t>(bins));
  for (size_t i = 0; i < gold.size(); ++i) {
    const auto row = probabilities.subspan(i * static_cast<size_t>(classes), static_cast<size_t>(classes));
    const auto top = std::max_element(row.begin(), row.end());
    if (std::any_of(row.begin(), row.end(), [](double p) { return std::isnan(p); })) return std::numeric_limits<double>::quiet_NaN();
    // Bins are (low, high], as in the paper.
    const auto bin = static_cast<size_t>(std::clamp(static_cast<int>(std::ceil(*top * bins)) - 1, 0, bins - 1));
    confidence[bin] += *top;
    correct[bin] += top - row.begin() == gold[i];
  }
  double sum = 0;
  for (size_t b = 0; b < confidence.size(); ++b) sum += std::fabs(correct[b] - confidence[b]);
  return sum / static_cast<double>(gold.size());
}

}  // namespace attune
