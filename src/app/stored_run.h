// A run folder read back for reports: nothing is computed again, and what is not there is said.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/stored_predictions.h"
#include "base/json.h"

namespace attune {

struct StoredRun {
  std::string name;  ///< unique among the runs of a report: the folder's name, with its parent where two share it
  fs::path folder;
  std::string split;     ///< whose figures are reported: "test", or "validation" where no test rows were evaluated; "" where nothing was
  Json results;          ///< all_results.json; an empty object where it is not there
  Json metrics;          ///< test_results.json or eval_results.json of `split`, in full; an empty object
  Json log_history;      ///< trainer_state.json; an empty array
  int64_t best_step = -1;  ///< trainer_state.json's best_global_step; -1: none
  std::string config;    ///< config.yaml as it stands; ""
  Json adapter;          ///< adapter_config.json; an empty object: no adapter
  uint64_t model_bytes = 0;  ///< adapter_model.safetensors, else model.safetensors; 0: neither
  std::optional<StoredPredictions> predictions;  ///< of `split`
  std::vector<std::string> missing;  ///< sentences: "predictions.jsonl is not there: no confusion matrix and no curves"

  /// A number of all_results.json; none where it is not there or null.
  std::optional<double> number(const std::string& key) const;
  /// Of `metrics`, else `test_KEY` or `eval_KEY` of the results.
  std::optional<double> metric(const std::string& key) const;
  /// [low, high] under KEY_interval of `metrics`.
  std::optional<std::pair<double, double>> interval(const std::string& key) const;
  std::string method() const;  ///< "lora r=8", "full"; "" where nothing says
};

/// Error(kInput) "report.no_run" where a folder has neither all_results.json nor trainer_state.json; malformed files as their readers.
std::vector<StoredRun> read_runs(const std::vector<std::string>& folders);

/// The figure a task is judged by, of those the runs have: accuracy, overall_f1, f1, pearson, perplexity or loss.
struct Score {
  std::string key;        ///< "accuracy"
  std::string label;      ///< "accuracy"
  bool higher_is_better = true;
};
/// None where no run has one.
std::optional<Score> main_score(const std::vector<StoredRun>& runs);

}  // namespace attune
