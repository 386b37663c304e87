// The files that every page carries, as they were when the program was built (cmake/Embed.cmake makes the definitions).
#pragma once

#include <string_view>

namespace attune::report {

extern const std::string_view chart_js;  ///< Chart.js of Debian's libjs-chart.js (MIT)
extern const std::string_view page_css, theme_js, tables_js, matrix_js, drawing_js, charts_js;  ///< src/report/page

}  // namespace attune::report
