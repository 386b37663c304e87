// A variant's predictions over its seeds as one list, for statistics over rows.
#pragma once

#include <string>
#include <vector>

#include "app/stored_predictions.h"

namespace attune {

/// All seeds' predictions one after the other: a row's predictions are one group, so that it is drawn as a whole. Ids become "ID (seed 3)". Each has
/// the same rows in the same order.
StoredPredictions predictions_of_seeds(const std::string& name, const std::vector<StoredPredictions>& seeds, const std::vector<int64_t>& numbers);

}  // namespace attune
