// UTF-8 as Unicode defines it (no overlong forms, no surrogates, at most U+10FFFF) and numbers as people read them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace attune {

/// Offset of the first byte that belongs to no valid sequence, npos when there is none.
size_t first_invalid_utf8(std::string_view text);
inline bool is_utf8(std::string_view text) { return first_invalid_utf8(text) == std::string_view::npos; }
/// Length (1-4) of the valid sequence at the start of `text` and its code point, or 0.
int decode_utf8(std::string_view text, uint32_t& code_point);
void append_utf8(std::string& out, uint32_t code_point);

/// "1,234,567"
std::string grouped(uint64_t n);

}  // namespace attune
