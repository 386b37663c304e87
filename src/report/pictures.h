// Charts as SVG and PNG files, drawn by gnuplot (a program, found in PATH at run time), with their numbers as CSV beside them.
#pragma once

#include <string>
#include <vector>

#include "base/files.h"
#include "report/chart.h"

namespace attune::report {

struct Pictures {
  std::vector<fs::path> files;         ///< in the order of the charts: svg, png, csv
  std::vector<std::string> not_drawn;  ///< sentences: "gnuplot was not found in PATH: ..."; the CSV files are there all the same
};

/// Writes ID.csv, ID.svg and ID.png into `folder`, which is made. Without gnuplot, or where it refuses a chart, not_drawn says so. Error(kIo) as base/files.h.
Pictures write_pictures(const std::vector<Chart>& charts, const fs::path& folder);

}  // namespace attune::report
