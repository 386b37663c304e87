// Two forms of one model compared by what they say of rows: merged against unmerged, quantised against original.
#pragma once

#include "app/load_model.h"
#include "data/data_config.h"

namespace attune {

struct RowsToCompare {
  std::string source;  ///< file, or "built-in sentences"
  std::vector<Row> rows;
};

/// Rows of `file`, else of the first of `others` that is there, else built-in sentences; a seeded sample of at most `most`.
RowsToCompare rows_to_compare(RowKind kind, const std::string& file, const std::vector<std::string>& others, const DataConfig& reading, int64_t most);
std::vector<Example> encode_rows(const LoadedModel& m, std::span<const Row> rows);

struct LogitComparison {
  int64_t rows = 0;  ///< examples: windows, where rows were cut into some
  double max_difference = 0, mean_difference = 0;  ///< of a logit; NaN when one is
  int64_t flipped_labels = 0;                      ///< rows with another answer
};
/// Both of the same examples.
LogitComparison compare_logits(const Task& task, const Outputs& before, const Outputs& after);

}  // namespace attune
