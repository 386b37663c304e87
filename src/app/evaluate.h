// Metrics of a model on a file, over all of its rows.
#pragma once

#include "base/json.h"
#include "data/data_config.h"
#include "nn/quantization.h"

namespace attune {

struct EvaluateOptions {
  std::string model;       ///< model, adapter or run folder, or hub name
  std::string base_model;  ///< of an adapter, instead of what its adapter_config.json says
  std::string task;        ///< "": as the folder says
  std::string file;
  DataConfig data;  ///< reading_fields only; unset max_length and side: as the folder says
  int64_t batch_size = 32;
  int64_t max_samples = 0;  ///< 0: all rows
  std::string predictions;  ///< with a model: written (app/stored_predictions.h), "" for no file; without one: read instead of computing them
  std::string null_odds;    ///< without a model: a file {id: number} of no-answer odds
  std::vector<std::string> baselines;  ///< majority, bow (app/baselines.h): learned from `train_file`
  std::string train_file;
  HoldBase quantization = HoldBase::kAuto;
  Compute compute = Compute::kAuto;  ///< products with frozen weights (app/int8_run.h, infer_in)
  std::vector<int64_t> latency_batch_sizes;  ///< app/latency.h; empty: not measured
  int64_t threads = 0;
  bool strict = false;

  void fields(FieldList& f);
};

/// One object: task, base_storage (none, int8, nf4), base_description, compute (f32, int8), loss, runtime and the task's metrics
/// (docs/tasks). Text classification: rows, labels, loss, accuracy with accuracy_interval [low, high] (Wilson, 95%), f1_macro, f1_weighted, per_class
/// {label: {precision, recall, f1, support}}, confusion_matrix, majority_rate, majority_label, runtime. Regression: mse, mae, pearson,
/// spearman. Baselines: baseline_NAME_METRIC; with `predictions` also baseline_NAME_predictions.jsonl beside that file. Without a model: the figures of options.predictions, the gold those of the data file where there is one; task, predictions, data,
/// the task's metrics and loss.
/// With data.group_by: groups {value: {rows, figures}}. Memory does not grow with the file: app/evaluate_rows.h. `latency` where it was asked for (app/latency.h).
Json evaluate(const EvaluateOptions& options);
/// Its groups for people; "" without.
std::string groups_table(const Json& result);

}  // namespace attune
