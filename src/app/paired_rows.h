// Runs on the same rows brought into one order with one list of labels, or refused.
#pragma once

#include <span>
#include <vector>

#include "app/stored_predictions.h"

namespace attune {

/// In the order of the first run; labels of all, its own first. Error(kInput): "compare.task", "compare.no_common" (no id in both),
/// "compare.rows" (ids in one run only: the first ten of each side), "compare.gold" (another gold for the same id).
std::vector<StoredPredictions> paired_rows(std::span<const StoredPredictions> runs);

/// A row's gold and prediction as predictions.jsonl writes them.
Json gold_json(const StoredPredictions& p, size_t row);
Json prediction_json(const StoredPredictions& p, size_t row);

}  // namespace attune
