// A chart as the page's scripts take it (src/report/page): the numbers, not how they are drawn.
#pragma once

#include "base/json.h"
#include "report/chart.h"

namespace attune::report {

/// Keys: id, kind (line, scatter, bars, dots, matrix), x, y, second_y {title, logarithmic, least, most}, categories, horizontal, stacked, series [{name, x, y, low, high,
/// labels, marked, mark, second_axis, dashed}], references [{name, value, vertical}]; of a matrix rows, columns and behind [[{id, text, gold, prediction, score}]].
/// Empty parts are left out; no value is null.
Json chart_json(const Chart& chart);

/// JSON for a <script> element: nothing in it can end the element or begin a comment.
std::string script_text(const Json& value);

}  // namespace attune::report
