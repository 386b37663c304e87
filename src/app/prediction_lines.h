// The lines of a predictions file, before anything is known of their task.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"

namespace attune {

struct PredictionLine {
  uint64_t number = 0;  ///< 1-based; 0 in a file of {id: text}
  std::string id;
  Json object;          ///< with `prediction`; `gold` may be missing
};

/// Lines with their ids, each once. JSON Lines, or one object {id: text}; also .gz. NaN is read as a number.
/// Error(kInput): "predictions.empty", "predictions.duplicate_id", "predictions.row", and those of the file and of JSON.
std::vector<PredictionLine> read_prediction_lines(const fs::path& file);

}  // namespace attune
