// A page as Markdown (GitHub's dialect). Charts become pictures.
#pragma once

#include <string>

#include "report/page.h"

namespace attune::report {

/// `pictures`: the folder of the PNG files relative to the Markdown file, "results/visualizations"; "": charts are named without a picture.
std::string markdown(const Page& page, const std::string& pictures);

}  // namespace attune::report
