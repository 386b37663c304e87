// What one label cell says, before classes are known.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace attune {

/// A finite decimal number and nothing else (no hexadecimal, no nan, no white space).
std::optional<double> cell_number(std::string_view cell);
/// 0|-?[1-9][0-9]*
bool is_whole_number(std::string_view cell);

/// The parts of a multi-label cell: a JSON list, a text that is a JSON list, or a text cut at `separator` (white space around parts
/// taken off, an empty text has none). A text without either is one part.
std::vector<std::string> cell_parts(const Json& cell, std::string_view separator);
/// True for a JSON list and for a text that is one.
bool cell_is_list(const Json& cell);

}  // namespace attune
