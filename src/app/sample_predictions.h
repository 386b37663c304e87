// A few rows of a split with what was expected and what the model says, for the model card.
#pragma once

#include <optional>

#include "app/training_data.h"
#include "tasks/task.h"

namespace attune {

struct SamplePrediction {
  std::string text, gold, prediction;  ///< excerpts, as they are
  std::optional<double> score;         ///< probability of the prediction
  std::optional<bool> right;           ///< none for numbers
};

/// The first `each` rows that were told right and the first `each` that were not; of numbers the first 2 * `each`. Empty for language models.
std::vector<SamplePrediction> sample_predictions(const Task& task, const SplitData& split, const Outputs& outputs, int64_t each);

}  // namespace attune
