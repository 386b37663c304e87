// Ids of charts, tables and sections: they are file names and anchors, so they are kept to what needs no escape anywhere.
#pragma once

#include <string>
#include <string_view>

namespace attune::report {

/// Lower-case letters, digits, '_' and '-'; begins with a letter or digit; at most 100 bytes.
bool is_id(std::string_view id);
/// An id of any text: other characters become '-', one in a row. "LoRA r=16, int8" is "lora-r-16-int8"; "x" for a text without a letter or digit.
std::string id_of(std::string_view text);
/// Throws Bug unless `ok`: charts, tables and pages are built by the program, never read.
void ensure(bool ok, const std::string& what);

}  // namespace attune::report
