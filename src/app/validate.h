// Finds problems of the data before training.
#pragma once

#include "app/run_config.h"

namespace attune {

/// Per file (train, validation, test as far as given): rows, bad rows, class counts, empty texts, duplicates, overlap with train; with
/// `config.model` also a token-length histogram against max_length and the share truncated. `problems`: what should be looked at.
/// `usable`: false when rows cannot be used.
Json validate(const RunConfig& config);
/// The same for people.
std::string validation_text(const Json& result);

}  // namespace attune
