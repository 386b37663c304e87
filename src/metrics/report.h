// All figures of an evaluation in one value, the JSON object `attune evaluate --json` prints, and the table for people. Class counts and
// the majority rate always stand beside accuracy: 90% is nothing where nine rows of ten are one class.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "metrics/classification.h"
#include "metrics/intervals.h"

namespace attune {

struct ClassificationReport {
  std::vector<std::string> names;
  ConfusionMatrix matrix;
  ConfidenceInterval interval;           ///< of accuracy (Wilson)
  std::optional<double> loss;  ///< mean, as the model's loss gives it, else log loss of the probabilities
  std::optional<double> brier, calibration_error;
};

/// `probabilities` (rows x classes) may be empty: no loss unless `loss` is given, no calibration.
ClassificationReport classification_report(std::span<const int32_t> gold, std::span<const int32_t> predicted, std::span<const double> probabilities,
                                           std::vector<std::string> names, std::optional<double> loss = std::nullopt);

/// Keys: rows, labels, loss, accuracy, accuracy_interval [low, high], accuracy_confidence, majority_rate, majority_label, correct,
/// balanced_accuracy, precision_macro, recall_macro, f1_macro, precision_weighted, recall_weighted, f1_weighted, f1_micro,
/// matthews_correlation, with two classes also f1, precision, recall (of class 1), brier, calibration_error, per_class
/// {name: {precision, recall, f1, support, predicted}}, confusion_matrix (rows gold).
Json to_json(const ClassificationReport& report);

/// gold and predicted: zeros and ones, rows x names. Keys: rows, labels, loss, accuracy (whole rows right; as scikit-learn names it) with
/// interval, f1_micro, f1_macro, f1_weighted, f1_samples, precision_*, recall_*, hamming_loss, majority_rate (of the most frequent label
/// row), per_class.
Json multi_label_json(std::span<const uint8_t> gold, std::span<const uint8_t> predicted, const std::vector<std::string>& names,
                      std::optional<double> loss = std::nullopt);

/// Row after row, `targets` values each. Keys: rows, loss, mse, rmse, mae, r2, pearson, spearman; means over targets (NaN as it is).
Json regression_json(std::span<const double> gold, std::span<const double> predicted, int64_t targets, std::optional<double> loss = std::nullopt);

/// Any of the three for people, from the JSON object: aligned tables, the confusion matrix up to 12 classes.
std::string metrics_table(const Json& metrics);

}  // namespace attune
