// Two or more runs on the same rows, from stored predictions alone: paired tests, agreement, flips, gates (docs/compare.md).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "app/stored_predictions.h"
#include "metrics/paired_tests.h"

namespace attune {

struct CompareOptions {
  std::vector<std::string> runs;     ///< run folders or predictions files; the first is the baseline
  std::string task;                  ///< "": found out
  std::string file;                  ///< a data file with the gold; "": the gold stored
  DataConfig data;                   ///< how it is read
  std::vector<std::string> metrics;  ///< empty: usual_metrics
  std::vector<std::string> fail_if;  ///< gates (app/gate.h)
  int64_t draws = 2000, seed = 42;
  double confidence = 0.95;
  double margin = 0.01;  ///< of equivalence, in shares of right rows

  void fields(FieldList& f);
};

/// A pure function of the predictions and options; options.runs, task, file and data are not looked at. Differences are b - a.
///
/// Of a pair: a, b (names), rows, units {kind, count}, metrics {metric: {a, b}},
///   mcnemar {only_a_right, only_b_right, p}, delong {auc_a, auc_b, difference, low, high, p},
///   paired_bootstrap and randomisation {metric: {difference, low, high, p}},
///   agreement {share, kappa}, rows_needed (at 80 % power), equivalence {metric, margin, difference, low, high, p, equivalent},
///   flips {right_to_wrong_count, wrong_to_right_count, right_to_wrong [{id, text, text_pair, gold, a, b}], wrong_to_right [...]},
///   verdict (a sentence), undefined {key: reason} of what is null.
/// Of the whole: task, rows, confidence, draws, seed, runs [{name, file, metrics {metric: value}}], tests {test: {name, null, assumption}}, notes, and
///   of two runs the keys of their pair, of more `pairs` of each against the first and `holm`, adjusted p values in their order
///   [{a, b, mcnemar, delong, paired_bootstrap {metric: p}, randomisation {metric: p}}]; with options.fail_if `gates` (judge of app/gate.h,
///   a gate for each run but the first).
/// Error(kUsage): "compare.metric", "gate.syntax", "gate.metric", "compare.runs" (fewer than two); Error(kInput) of paired_rows.
Json compare(std::span<const StoredPredictions> runs, const CompareOptions& options);

/// Of compare()'s result for a pair: the bootstrap's interval, with p by approximate randomisation where it was drawn. NaN where undefined.
PairedDifference difference_in(const Json& pair, const std::string& metric);

/// Reads options.runs and compares them.
Json compare(const CompareOptions& options);

/// For people: tables, the verdict, the first flips with their texts.
std::string comparison_text(const Json& comparison);

/// Error(kGate) "gate.failed" with the values, unless every gate of a comparison held.
void require_gates(const Json& comparison);

}  // namespace attune
