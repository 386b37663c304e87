// What makes a run's numbers: the settings that matter, and hashes of rows, tokenizer and weights. --resume compares them (reliability
// D9); the cells of a sweep are kept under their hash.
#pragma once

#include <set>
#include <span>
#include <string>

#include "app/load_model.h"
#include "app/run_config.h"
#include "app/training_data.h"

namespace attune {

/// "config.<path>" of settings that may change between a run and its continuation: where things are, what is kept and shown.
const std::set<std::string>& settings_that_may_differ();
/// Every other setting by its path.
Json settings_that_matter(const RunConfig& config);
/// Over ids, types, labels and breaks.
std::string hash_of(std::span<const Example> examples);
/// What --resume compares.
Json fingerprints(const RunConfig& config, const LoadedModel& m, const TrainingData& data);

}  // namespace attune
