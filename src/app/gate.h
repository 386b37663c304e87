// A condition under which a comparison fails: "f1 < baseline - 0.01 @ 95%".
//
//   METRIC (< | <= | > | >=) (baseline | NUMBER) [(+ | -) NUMBER] [@ CONFIDENCE%]
//
// Without @ the metric itself is looked at: the gate fails where the condition holds. With @ chance is left room: against `baseline` the
// interval of the paired difference (run less baseline) at that confidence, against a number the interval of the metric; the gate fails where
// the condition holds for every value of that interval. Numbers are in the metric's own units: shares for accuracy, percent for SQuAD's figures.
#pragma once

#include <optional>
#include <string>

#include "app/stored_predictions.h"
#include "metrics/bootstrap.h"

namespace attune {

struct Gate {
  std::string text;    ///< as written
  std::string metric;
  std::string op;      ///< <, <=, >, >=
  bool baseline = false;
  double number = 0;   ///< the limit, or what is added to the baseline
  std::optional<double> confidence;  ///< between 0 and 1
};
/// Error(kUsage) "gate.syntax" says where the text stops making sense.
Gate parse_gate(const std::string& text);

/// `run` has the rows of `baseline` in the same order. {expression, run, metric, value, baseline, limit, failed}, with @ also difference, low, high,
/// confidence; a figure that is undefined fails, with its `reason`. Error(kUsage) "gate.metric": none of metric_names.
Json judge(const Gate& gate, const StoredPredictions& baseline, const StoredPredictions& run, const Resampling& resampling);
/// "f1 < baseline - 0.01 @ 95%: runs/b has 0.871, 0.034 less than the baseline (interval -0.05 to -0.012)"
std::string gate_message(const Json& judged);

}  // namespace attune
