#include "metrics/weighted.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"

namespace attune {

WeightedStatistic ratio_statistic(std::vector<double> numerators, std::vector<double> denominators) {
  require(numerators.size() == denominators.size(), "a denominator for every numerator");
  return [a = std::move(numerators), b = std::move(denominators)](std::span<const int32_t> weights) -> std::optional<double> {
    require(weights.size() == a.size(), "a weight for every unit");
    double top = 0, bottom = 0;
    for (size_t i = 0; i < a.size(); ++i) {
      top += weights[i] * a[i];
      bottom += weights[i] * b[i];
    }
    return bottom == 0 ? std::nullopt : std::optional(top / bottom);
  };
}

WeightedStatistic mean_statistic(std::vector<double> values) {
  std::vector<double> ones(values.size(), 1.0);
  return ratio_statistic(std::move(values), std::move(ones));
}

WeightedStatistic matrix_statistic(std::vector<int32_t> gold, std::vector<int32_t> predicted, int64_t classes, MatrixFigure figure) {
  confusion_matrix(gold, predicted, classes);  // checks them once
  return [gold = std::move(gold), predicted = std::move(predicted), classes, figure = std::move(figure)](std::span<const int32_t> weights) {
    require(weights.size() == gold.size(), "a weight for every unit");
    ConfusionMatrix m(classes);
    for (size_t i = 0; i < gold.size(); ++i) m.add(gold[i], predicted[i], weights[i]);
    return figure(m);
  };
}

WeightedStatistic roc_auc_statistic(std::span<const uint8_t> positive, std::span<const double> scores) {
  require(positive.size() == scores.size(), "a score for every row");
  struct Row {
    uint32_t at;
    bool positive, last_of_equals;
  };
  std::vector<uint32_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0u);
  const bool ordered = std::none_of(scores.begin(), scores.end(), [](double s) { return std::isnan(s); });
  if (ordered) std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return scores[a] < scores[b]; });
  std::vector<Row> rows;
  for (size_t i = 0; i < order.size(); ++i)
    rows.push_back({order[i], positive[order[i]] != 0, i + 1 == order.size() || scores[order[i + 1]] != scores[order[i]]});
  return [rows = std::move(rows), ordered](std::span<const int32_t> weights) -> std::optional<double> {
    require(weights.size() == rows.size(), "a weight for every unit");
    if (!ordered) return std::nullopt;
    int64_t below = 0, equal_negative = 0, equal_positive = 0, positives = 0;
    double twice_wins = 0;
    for (const Row& row : rows) {
      (row.positive ? equal_positive : equal_negative) += weights[row.at];
      if (!row.last_of_equals) continue;
      twice_wins += static_cast<double>(equal_positive) * static_cast<double>(2 * below + equal_negative);
      below += equal_negative;
      positives += equal_positive;
      equal_negative = equal_positive = 0;
    }
    if (below == 0 || positives == 0) return std::nullopt;
    return twice_wins / (2.0 * static_cast<double>(below) * static_cast<double>(positives));
  };
}

WeightedStatistic difference_of(WeightedStatistic a, WeightedStatistic b) {
  return [a = std::move(a), b = std::move(b)](std::span<const int32_t> weights) -> std::optional<double> {
    const std::optional<double> of_a = a(weights), of_b = b(weights);
    return of_a && of_b ? std::optional(*of_b - *of_a) : std::nullopt;
  };
}

}  // namespace attune
