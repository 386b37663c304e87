// Python's str methods on code points, for results equal to packages written in Python.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace attune {

/// A byte that belongs to no valid sequence becomes U+FFFD.
std::vector<int32_t> code_points(std::string_view text);
/// str.lower
std::vector<int32_t> python_lower(const std::vector<int32_t>& text);
/// \w of the module re: str.isalnum, and the underscore.
bool is_python_word(int32_t c);

}  // namespace attune
