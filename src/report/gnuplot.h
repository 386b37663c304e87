// A chart as a gnuplot script that holds its data. Texts stand in single quotes, where gnuplot expands nothing; control characters become spaces.
#pragma once

#include <string>

#include "base/files.h"
#include "report/chart.h"

namespace attune::report {

/// Draws into both files (gnuplot 5.4 or newer, with the pngcairo terminal).
std::string gnuplot_script(const Chart& chart, const fs::path& svg, const fs::path& png);

}  // namespace attune::report
