// Finds problems of the data before training.
#pragma once

#include "app/run_config.h"
#include "data/check.h"

namespace attune {

struct Validation {
  DataReport report;   ///< one split a file of config.data
  bool usable = true;  ///< false: a training would refuse this data; report.problems says why
};

/// Reads config.data.train, validation and test as training would; with `config.model` rows are tokenized too, for lengths against
/// max_length. Rows that cannot be used are counted and listed, not thrown.
Validation validate(const RunConfig& config);

Json to_json(const Validation& v);
std::string to_text(const Validation& v);

}  // namespace attune
