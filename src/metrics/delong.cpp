#include "metrics/delong.h"

#include <algorithm>
#include <array>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "metrics/intervals.h"
#include "metrics/regression.h"

namespace attune {
namespace {

/// For each row: the share of the other class it ranks on the right side of (structural components V10 of positives, V01 of negatives).
std::vector<double> placements(std::span<const uint8_t> positive, std::span<const double> scores) {
  std::array<std::vector<double>, 2> of_class;
  for (size_t i = 0; i < scores.size(); ++i) of_class[positive[i] != 0].push_back(scores[i]);
  const std::vector<double> all = average_ranks(scores);
  const std::array<std::vector<double>, 2> own{average_ranks(of_class[0]), average_ranks(of_class[1])};
  std::array<size_t, 2> next{};
  std::vector<double> shares;
  for (size_t i = 0; i < scores.size(); ++i) {
    const size_t c = positive[i] != 0;
    const double below = (all[i] - own[c][next[c]++]) / static_cast<double>(of_class[1 - c].size());  // ties count half in both ranks
    shares.push_back(c == 1 ? below : 1 - below);
  }
  return shares;
}

}  // namespace

std::optional<DeLong> delong(std::span<const uint8_t> positive, std::span<const double> scores_a, std::span<const double> scores_b,
                             double confidence) {
  require(positive.size() == scores_a.size() && positive.size() == scores_b.size(), "two scores for every row");
  const auto nan = [](double s) { return std::isnan(s); };
  if (std::any_of(scores_a.begin(), scores_a.end(), nan) || std::any_of(scores_b.begin(), scores_b.end(), nan)) return std::nullopt;
  const double n1 = static_cast<double>(std::count_if(positive.begin(), positive.end(), [](uint8_t p) { return p != 0; }));
  const double n0 = static_cast<double>(positive.size()) - n1;
  if (n1 < 2 || n0 < 2) return std::nullopt;
  const std::vector<double> a = placements(positive, scores_a), b = placements(positive, scores_b);
  // The variance of b - a from the differences themselves: exactly 0 where nothing varies.
  std::array<double, 2> n{n0, n1}, mean{}, squares{};
  DeLong d;
  for (size_t i = 0; i < positive.size(); ++i) {
    mean[positive[i] != 0] += b[i] - a[i];
    if (positive[i] == 0) continue;
    d.auc_a += a[i] / n1;
    d.auc_b += b[i] / n1;
  }
  for (size_t c = 0; c < 2; ++c) mean[c] /= n[c];
  for (size_t i = 0; i < positive.size(); ++i) {
    const size_t c = positive[i] != 0;
    squares[c] += (b[i] - a[i] - mean[c]) * (b[i] - a[i] - mean[c]);
  }
  const double variance = squares[1] / (n1 - 1) / n1 + squares[0] / (n0 - 1) / n0;
  d.difference = d.auc_b - d.auc_a;
  if (variance < 1e-28) {  // rounding of shares, far below what one pair of rows makes
    if (std::fabs(d.difference) > 1e-12) return std::nullopt;
    return d;
  }
  const double deviation = std::sqrt(variance), z = normal_quantile(confidence);
  d.low = d.difference - z * deviation;
  d.high = d.difference + z * deviation;
  d.p = 2 * boost::math::cdf(boost::math::complement(boost::math::normal(), std::fabs(d.difference) / deviation));
  return d;
}

}  // namespace attune
