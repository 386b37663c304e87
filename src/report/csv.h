// The numbers of a chart or table as CSV (RFC 4180, \n line ends): every figure of a report traces to one. Numbers are the shortest text that reads
// back the same; where there is none the cell is empty.
#pragma once

#include <string>

#include "report/chart.h"
#include "report/table.h"

namespace attune::report {

/// One line a point: series, x (or category), y, and where the chart has them low, high, label, marked (0 or 1). Headings are the axes' titles;
/// references are lines of their own. Matrix: one line a cell: row, column, value, share.
std::string csv(const Chart& chart);
/// Headings as the page shows them; cells with a value hold that, in full. `<column>_low`, `<column>_high` where a cell of the column has an interval.
std::string csv(const Table& table);

}  // namespace attune::report
