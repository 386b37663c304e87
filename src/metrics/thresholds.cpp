#include "metrics/thresholds.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "base/error.h"
#include "metrics/counts.h"

namespace attune {
namespace {

/// Of `all` rows of which `gold` are positive: `said` are called so, `hits` of them rightly.
double value_of(ThresholdMetric metric, int64_t hits, int64_t said, int64_t gold, int64_t all) {
  if (metric == ThresholdMetric::kF1) return ratio(2 * hits, said + gold);
  const int64_t others = all - gold, right = others - (said - hits);
  // One division, so that equal values compare as equal.
  const double balanced = ratio(hits * others + right * gold, 2 * gold * others);
  return metric == ThresholdMetric::kYouden ? 2 * balanced - 1 : balanced;
}

int64_t count(std::span<const uint8_t> positive) { return std::count_if(positive.begin(), positive.end(), [](uint8_t p) { return p != 0; }); }

}  // namespace

const char* name_of(ThresholdMetric metric) {
  switch (metric) {
    case ThresholdMetric::kNone: return "none";
    case ThresholdMetric::kF1: return "f1";
    case ThresholdMetric::kBalancedAccuracy: return "balanced_accuracy";
    case ThresholdMetric::kYouden: return "youden";
  }
  return "";
}

double threshold_value(std::span<const uint8_t> positive, std::span<const double> scores, double threshold, ThresholdMetric metric) {
  require(positive.size() == scores.size() && metric != ThresholdMetric::kNone, "a score for every row, and a metric");
  int64_t hits = 0, said = 0;
  for (size_t i = 0; i < scores.size(); ++i) {
    if (!(scores[i] >= threshold)) continue;
    ++said;
    hits += positive[i] != 0;
  }
  return value_of(metric, hits, said, count(positive), static_cast<int64_t>(scores.size()));
}

std::optional<TunedThreshold> best_threshold(std::span<const uint8_t> positive, std::span<const double> scores, ThresholdMetric metric) {
  require(positive.size() == scores.size() && metric != ThresholdMetric::kNone, "a score for every row, and a metric");
  require(std::all_of(scores.begin(), scores.end(), [](double s) { return std::isfinite(s); }), "finite scores");
  const int64_t gold = count(positive), all = static_cast<int64_t>(scores.size());
  if (gold == 0 || (metric != ThresholdMetric::kF1 && gold == all)) return std::nullopt;
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return scores[a] > scores[b]; });

  std::optional<TunedThreshold> best;
  int64_t hits = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    hits += positive[order[i]] != 0;
    const double score = scores[order[i]];
    const bool lowest = i + 1 == order.size();
    const double below = lowest ? std::min(0.0, score) : scores[order[i + 1]];
    if (!lowest && below == score) continue;  // rows of one score go together
    double threshold = below + (score - below) / 2;
    if (threshold <= below && !lowest) threshold = score;  // neighbours
    const double value = value_of(metric, hits, static_cast<int64_t>(i) + 1, gold, all);
    const auto from_half = [](double t) { return std::fabs(t - 0.5); };
    if (!best || value > best->value || (value == best->value && from_half(threshold) < from_half(best->threshold))) best = {threshold, value};
  }
  return best;
}

}  // namespace attune
