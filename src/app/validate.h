// Finds problems of the data before training.
#pragma once

#include "app/run_config.h"

namespace attune {

/// Per file (train, validation, test as far as given): rows, bad rows, class counts, empty texts, duplicates, overlap with train; with
/// `config.model` also a token-length histogram against max_length and the share truncated. `problems`: what should be looked at.
Json validate(const RunConfig& config);

}  // namespace attune
