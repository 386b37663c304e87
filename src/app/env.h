// What this program and this machine are: for bug reports.
#pragma once

#include "base/json.h"

namespace attune {

/// version, build, compiler, libraries, cpu, cpu_features, kernels, threads, memory, environment variables that change behaviour.
Json environment();

}  // namespace attune
