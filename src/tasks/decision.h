// From a text classifier's logits to probabilities and labels. What temperature scaling and tuned thresholds add is kept with the model
// (attune.json: temperature, decision_thresholds) and used wherever labels are said.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "data/labels.h"

namespace attune {

struct Decision {
  double temperature = 1.0;         ///< logits are divided by it
  /// Probabilities from which on a label is said. Of two labels: one, the second's. Several labels a row: one each. Empty: the likeliest
  /// label; each from 1/2 on.
  std::vector<double> thresholds;
  bool operator==(const Decision&) const = default;
};

/// By label id: a softmax over the labels, or with several labels a row each label's own. Regression: the values.
std::vector<double> probabilities(ProblemType, const Decision&, std::span<const float> logits);
/// The label that is said where there is one; `scores` are probabilities() of the logits.
int32_t said_label(const Decision&, std::span<const float> logits, std::span<const double> scores);
/// Where there may be several: zeros and ones.
std::vector<uint8_t> said_labels(const Decision&, std::span<const float> logits, std::span<const double> scores);

/// Adds what differs from the usual to attune.json, or to results.
void write_decision(const Decision&, const std::vector<std::string>& labels, Json& into);
/// Error(kInput) "side_file.temperature", "side_file.decision_thresholds".
Decision read_decision(const Json& side_file, ProblemType, const std::vector<std::string>& labels, const std::string& where);

}  // namespace attune
