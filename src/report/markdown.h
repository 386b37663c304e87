// A page as Markdown (GitHub's dialect). Charts become pictures.
#pragma once

#include <string>

#include "report/page.h"

namespace attune::report {

/// `pictures`: the folder of the PNG files as seen from the Markdown file, "results/visualizations"; "": charts are named without a picture. `verdict.answer` is shown bold as a whole.
std::string markdown(const Page& page, const std::string& pictures);

}  // namespace attune::report
