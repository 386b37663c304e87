// Pieces of data inside messages and tables.
#pragma once

#include <string>
#include <string_view>

namespace attune {

/// At most `limit` bytes of `text` for a message: control and invalid bytes as \xNN, cut at a whole character, "..." when cut.
std::string excerpt(std::string_view text, size_t limit = 40);

/// Columns a terminal needs for `text`: one per code point.
size_t display_width(std::string_view text);
/// `text` with spaces to `width` columns.
std::string pad_right(std::string_view text, size_t width);
std::string pad_left(std::string_view text, size_t width);

/// What a JSON value is, for people: "a text", "a number", "a list"...
template <typename J>
const char* json_kind(const J& value) {
  return value.is_null()      ? "null"
         : value.is_string()  ? "a text"
         : value.is_boolean() ? "true or false"
         : value.is_number()  ? "a number"
         : value.is_array()   ? "a list"
                              : "an object";
}

}  // namespace attune
