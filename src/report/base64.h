// RFC 4648, section 4: files within a page.
#pragma once

#include <string>
#include <string_view>

namespace attune::report {

std::string base64(std::string_view bytes);

}  // namespace attune::report
