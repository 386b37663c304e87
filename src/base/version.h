// The release this program is, as manifests and reports name it.
#pragma once

#include <string_view>

namespace attune {

inline constexpr std::string_view kVersion = "0.1.0";

}  // namespace attune
