#include "data/excerpt.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/utf8.h"

namespace attune {

std::string excerpt(std::string_view text, size_t limit) {
  size_t end = text.size();
  if (end > limit) {
    end = limit;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  }
  std::string out;
  std::string_view rest = text.substr(0, end);
  while (!rest.empty()) {
    const size_t good = std::min(first_invalid_utf8(rest), rest.size());
    for (char ch : rest.substr(0, good)) {
      const auto byte = static_cast<unsigned char>(ch);
      if (byte < 0x20 || byte == 0x7f) {
        out += fmt::format("\\x{:02x}", byte);
      } else {
        out += ch;
      }
    }
    if (good == rest.size()) break;
    out += fmt::format("\\x{:02x}", static_cast<unsigned char>(rest[good]));
    rest.remove_prefix(good + 1);
  }
  if (end < text.size()) out += "...";
  return out;
}

size_t display_width(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string pad_right(std::string_view text, size_t width) {
  const size_t have = display_width(text);
  return std::string(text) + std::string(width > have ? width - have : 0, ' ');
}

std::string pad_left(std::string_view text, size_t width) {
  const size_t have = display_width(text);
  return std::string(width > have ? width - have : 0, ' ') + std::string(text);
}

}  // namespace attune
