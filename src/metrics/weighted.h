// The usual statistics of a sample in which unit i occurs weights[i] times, for bootstraps and jackknives.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "metrics/bootstrap.h"
#include "metrics/classification.h"

namespace attune {

/// sum(w * numerators) / sum(w * denominators): accuracy, exact match, mean F1, micro F1 over clusters; undefined where the second sum is 0.
WeightedStatistic ratio_statistic(std::vector<double> numerators, std::vector<double> denominators);
/// Weighted mean.
WeightedStatistic mean_statistic(std::vector<double> values);

/// A figure of a confusion matrix; nullopt where undefined.
using MatrixFigure = std::function<std::optional<double>(const ConfusionMatrix&)>;
/// Over kinds of rows with a gold and a predicted class each.
WeightedStatistic matrix_statistic(std::vector<int32_t> gold, std::vector<int32_t> predicted, int64_t classes, MatrixFigure figure);

/// Area under the ROC curve, equal scores counting half; sorted once. Undefined without a positive and a negative, and for NaN scores.
WeightedStatistic roc_auc_statistic(std::span<const uint8_t> positive, std::span<const double> scores);

/// b - a.
WeightedStatistic difference_of(WeightedStatistic a, WeightedStatistic b);

}  // namespace attune
