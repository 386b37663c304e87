// README.md of a run folder: what it is, what it was trained on, how good it is, how to use it.
#pragma once

#include <string>

#include "app/load_model.h"
#include "app/run_config.h"

namespace attune {

/// `results`: as all_results.json has them.
std::string model_card(const RunConfig& config, const LoadedModel& model, int64_t train_rows, const Json& results);

}  // namespace attune
