// A page as one HTML file that needs no network: Chart.js, page.css and page.js are part of it (cmake/Embed.cmake). All texts are escaped; the numbers of
// every chart and table can be saved from it as CSV.
#pragma once

#include <string>

#include "report/page.h"

namespace attune::report {

std::string html(const Page& page);

}  // namespace attune::report
