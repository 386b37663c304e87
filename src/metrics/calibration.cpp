#include "metrics/calibration.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace attune {
namespace {

/// Why there is no figure, or "".
std::string problem_of(std::span<const int32_t> gold, std::span<const double> probabilities, int64_t classes) {
  require(classes > 0 && probabilities.size() == gold.size() * static_cast<size_t>(classes), "a probability for every row and class");
  if (gold.empty()) return "there are no rows";
  const bool finite = std::all_of(probabilities.begin(), probabilities.end(), [](double p) { return std::isfinite(p); });
  return finite ? "" : "a probability is not a finite number";
}

}  // namespace

Figure log_loss(std::span<const int32_t> gold, std::span<const double> probabilities, int64_t classes) {
  if (std::string problem = problem_of(gold, probabilities, classes); !problem.empty()) return Figure::none(std::move(problem));
  constexpr double kLeast = std::numeric_limits<double>::epsilon();
  double sum = 0;
  for (size_t i = 0; i < gold.size(); ++i)
    sum -= std::log(std::clamp(probabilities[i * static_cast<size_t>(classes) + static_cast<size_t>(gold[i])], kLeast, 1 - kLeast));
  return Figure::of(sum / static_cast<double>(gold.size()));
}

Figure brier_score(std::span<const int32_t> gold, std::span<const double> probabilities, int64_t classes) {
  if (std::string problem = problem_of(gold, probabilities, classes); !problem.empty()) return Figure::none(std::move(problem));
  double sum = 0;
  for (size_t i = 0; i < gold.size(); ++i) {
    for (int64_t c = 0; c < classes; ++c) {
      const double d = probabilities[i * static_cast<size_t>(classes) + static_cast<size_t>(c)] - (gold[i] == c ? 1.0 : 0.0);
      sum += d * d;
    }
  }
  return Figure::of(sum / static_cast<double>(gold.size()));
}

std::vector<ReliabilityBin> reliability_bins(std::span<const int32_t> gold, std::span<const double> probabilities, int64_t classes, int bins) {
  require(bins > 0, "at least one bin");
  std::vector<ReliabilityBin> out;
  if (!problem_of(gold, probabilities, classes).empty()) return out;
  const auto edge = [&](int b) { return static_cast<double>(b) / bins; };
  for (int b = 0; b < bins; ++b) out.push_back({.low = edge(b), .high = edge(b + 1)});
  std::vector<double> confidence(out.size()), correct(out.size());
  for (size_t i = 0; i < gold.size(); ++i) {
    const auto row = probabilities.subspan(i * static_cast<size_t>(classes), static_cast<size_t>(classes));
    const auto top = std::max_element(row.begin(), row.end());
    const auto at = std::find_if(out.begin(), out.end() - 1, [&](const ReliabilityBin& b) { return *top <= b.high; });
    const auto bin = static_cast<size_t>(at - out.begin());
    ++at->rows;
    confidence[bin] += *top;
    correct[bin] += top - row.begin() == gold[i];
  }
  for (size_t b = 0; b < out.size(); ++b) {
    if (out[b].rows == 0) continue;
    out[b].confidence = confidence[b] / static_cast<double>(out[b].rows);
    out[b].accuracy = correct[b] / static_cast<double>(out[b].rows);
  }
  return out;
}

Figure expected_calibration_error(std::span<const int32_t> gold, std::span<const double> probabilities, int64_t classes, int bins) {
  if (std::string problem = problem_of(gold, probabilities, classes); !problem.empty()) return Figure::none(std::move(problem));
  double sum = 0;
  for (const ReliabilityBin& b : reliability_bins(gold, probabilities, classes, bins))
    if (b.rows > 0) sum += static_cast<double>(b.rows) * std::fabs(*b.accuracy - *b.confidence);
  return Figure::of(sum / static_cast<double>(gold.size()));
}

}  // namespace attune
