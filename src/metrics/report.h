// All figures of an evaluation in one value, the JSON object `attune evaluate --json` prints, and the table for people. Class counts and
// the majority rate always stand beside accuracy: 90% is nothing where nine rows of ten are one class.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "metrics/calibration.h"
#include "metrics/classification.h"
#include "metrics/confused_pairs.h"
#include "metrics/figure.h"
#include "metrics/intervals.h"

namespace attune {

struct ClassificationReport {
  std::vector<std::string> names;
  ConfusionMatrix matrix;
  ConfidenceInterval interval;  ///< of accuracy (Wilson)
  std::optional<double> loss;   ///< mean, as the model's loss gives it, else log loss of the probabilities
  Figure roc_auc;               ///< of class 1 of two; of more classes one versus rest, macro
  Figure roc_auc_ovo;           ///< of more than two classes: one versus one, macro
  Figure average_precision;     ///< of class 1 of two; of more classes one versus rest, macro
  Figure log_loss, brier, ece;
  std::vector<ReliabilityBin> reliability;
  std::vector<ConfusedPair> confused;
};

/// Rows as they come, for one report in the end. Kept of a row: its two classes and its probabilities, 8 + 8 x classes bytes, because
/// exact ranking figures need every score; of the confused pairs a few ids each.
class ClassificationTally {
 public:
  explicit ClassificationTally(std::vector<std::string> names) : names_(std::move(names)) {}
  /// Class ids within the names (Bug). `probabilities`: one a class, or none, the same for every row.
  void add(int32_t gold, int32_t predicted, std::span<const double> probabilities, const std::string& id);
  ClassificationReport report(std::optional<double> loss = std::nullopt) const;

 private:
  std::vector<std::string> names_;
  std::vector<int32_t> gold_, predicted_;
  std::vector<double> probabilities_;
  ConfusedPairs confused_;
};

/// Of all rows at once. `probabilities` (rows x classes) may be empty: no loss unless `loss` is given, and no figures of them. `ids` of the
/// rows; empty: their positions from 0.
ClassificationReport classification_report(std::span<const int32_t> gold, std::span<const int32_t> predicted, std::span<const double> probabilities,
                                           std::vector<std::string> names, std::optional<double> loss = std::nullopt,
                                           std::span<const std::string> ids = {});

/// Keys: rows, labels, loss, accuracy, accuracy_interval [low, high], accuracy_confidence, majority_rate, majority_label, correct,
/// balanced_accuracy, precision_macro, recall_macro, f1_macro, precision_weighted, recall_weighted, f1_weighted, f1_micro, mcc (also as
/// matthews_correlation), with two classes also f1, precision, recall (of class 1), roc_auc, with more roc_auc_ovo, average_precision,
/// log_loss, brier, ece, reliability [{low, high, rows, confidence, accuracy}], per_class {name: {precision, recall, f1, support, predicted}},
/// confusion_matrix (rows gold), confusion_matrix_normalized, confused_pairs [{gold, predicted, count, ids}], undefined {key: reason} of
/// those that are null.
Json to_json(const ClassificationReport& report);

/// gold and predicted: zeros and ones, rows x names, and probabilities (empty: there are none). Keys: rows, labels, loss, accuracy (whole rows
/// right; as scikit-learn names it) with interval, f1_micro, f1_macro, f1_weighted, f1_samples, precision_*, recall_*, hamming_loss,
/// majority_rate (of the most frequent label row), roc_auc and average_precision (means over labels), roc_auc_micro, average_precision_micro,
/// per_class, undefined {key: reason} of those that are null.
Json multi_label_json(std::span<const uint8_t> gold, std::span<const uint8_t> predicted, std::span<const double> probabilities,
                      const std::vector<std::string>& names, std::optional<double> loss = std::nullopt);

/// Row after row, `targets` values each. Keys: rows, loss, mse, rmse, mae, r2, pearson, spearman; means over targets; undefined {key: reason}
/// of those that are null.
Json regression_json(std::span<const double> gold, std::span<const double> predicted, int64_t targets, std::optional<double> loss = std::nullopt);

/// Any of the three for people, from the JSON object: aligned tables, the confusion matrix up to 12 classes.
std::string metrics_table(const Json& metrics);

/// Groups of rows side by side, {value: figures}: rows and what tells most.
std::string metrics_table_of_groups(const Json& groups);

}  // namespace attune
