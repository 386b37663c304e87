// Labels for texts, in input order, a batch at a time.
#pragma once

#include <functional>

#include "base/json.h"
#include "data/data_config.h"
#include "nn/quantization.h"

namespace attune {

struct PredictOptions {
  std::string model, base_model;
  std::vector<std::string> texts;  ///< instead of a file
  std::vector<std::string> pairs;  ///< second texts, as many as texts, or none
  std::string input;               ///< file; "-" = standard input, answered while it is read
  std::string output;              ///< file; "" or "-" = standard output
  DataConfig data;                 ///< reading_fields only
  int64_t batch_size = 32;
  bool logits = false;
  HoldBase quantization = HoldBase::kAuto;
  Compute compute = Compute::kAuto;  ///< products with frozen weights (app/int8_run.h, infer_in)
  int64_t threads = 0;
  bool strict = false;

  void fields(FieldList& f);
};

struct PredictedRow {
  std::string text;
  std::optional<std::string> pair;
  /// `id` when the row has one, then Task::answer: of text classification `label` (multi-label: `labels`; regression: `value`), `score`,
  /// `scores` by label, with options.logits `logits`.
  Json object;
};

/// Calls `each` once a row, in input order; does not look at options.output. Returns the number of rows.
int64_t predict(const PredictOptions& options, const std::function<void(const PredictedRow&)>& each);

}  // namespace attune
