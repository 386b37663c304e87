// Metrics of a loaded model over the rows of a file, a few at a time: memory does not grow with the file beyond what the task's Scores keep
// of a row. Texts of a language model are packed a part at a time.
#pragma once

#include <optional>

#include "app/load_model.h"
#include "base/files.h"
#include "data/row_source.h"

namespace attune {

struct EvaluateRows {
  int64_t batch_size = 32;
  int64_t max_samples = 0;  ///< a seeded subset; 0: all rows
  bool stratify = false;    ///< of the subset
  size_t text_bytes = size_t{4} << 20;  ///< of a language model's rows that are packed together; twice as much is held, so that the last part is no smaller
  bool groups = false;      ///< figures for each value of Row::slice
  OutputFile* predictions = nullptr;  ///< gets the lines of predictions.jsonl as they come
  std::optional<fs::path> row_files = {};  ///< the folder Task::row_files are written to
};

struct EvaluatedRows {
  Json metrics;  ///< Task::metrics; with groups also `groups` {value: {rows, every figure that is a number or an interval}}, by value
  double loss = 0, runtime = 0;  ///< seconds, without reading and tokenising
  int64_t examples = 0;
};

/// Error(kUsage) "evaluate.group_by": a language model, or more than 1,000 groups. Interrupted.
EvaluatedRows evaluate_rows(const Context& ctx, LoadedModel& m, const RowSource& source, const std::string& where, const EvaluateRows& how);

}  // namespace attune
