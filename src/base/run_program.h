// Another program, found in PATH and run without a shell, so that nothing in its arguments is ever read as a command.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/files.h"

namespace attune {

/// The first executable file of that name in PATH.
std::optional<fs::path> find_program(const std::string& name);

struct ProgramResult {
  int status = 0;      ///< exit status; 128 + signal when a signal ended it
  std::string output;  ///< standard output and standard error together
};
/// Runs it to its end with `input` as standard input and our environment; signals are as a fresh process has them. Error(kIo) "program.failed" where it cannot be started.
ProgramResult run_program(const fs::path& program, const std::vector<std::string>& args, std::string_view input);

}  // namespace attune
