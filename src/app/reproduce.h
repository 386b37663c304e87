// The command that makes a run again.
#pragma once

#include <string>

#include "app/run_config.h"

namespace attune {

/// A word of a shell command, quoted where it must be.
std::string shell_word(const std::string& text);
/// `attune train RUN/config.yaml ...`: from the run's own configuration, from the beginning, into a folder beside it. Typed in the folder where
/// the run was started, with its data and model in place, it gives the same weights.
std::string reproducing_command(const RunConfig& config);

}  // namespace attune
