#include "base/utf8.h"

#include <cstring>

namespace attune {

int decode_utf8(std::string_view text, uint32_t& code_point) {
  if (text.empty()) return 0;
  const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(text[i])); };
  const auto continues = [&](size_t i) { return (byte(i) & 0xc0) == 0x80; };
  const uint32_t b = byte(0);
  if (b < 0x80) {
    code_point = b;
    return 1;
  }
  if (b < 0xc2) return 0;
  if (b < 0xe0) {
    if (text.size() < 2 || !continues(1)) return 0;
    code_point = (b & 0x1f) << 6 | (byte(1) & 0x3f);
    return 2;
  }
  if (b < 0xf0) {
    if (text.size() < 3 || !continues(1) || !continues(2)) return 0;
    code_point = (b & 0x0f) << 12 | (byte(1) & 0x3f) << 6 | (byte(2) & 0x3f);
    return code_point < 0x800 || (code_point >= 0xd800 && code_point < 0xe000) ? 0 : 3;
  }
  if (b > 0xf4 || text.size() < 4 || !continues(1) || !continues(2) || !continues(3)) return 0;
  code_point = (b & 0x07) << 18 | (byte(1) & 0x3f) << 12 | (byte(2) & 0x3f) << 6 | (byte(3) & 0x3f);
  return code_point < 0x10000 || code_point > 0x10ffff ? 0 : 4;
}

size_t first_invalid_utf8(std::string_view text) {
  size_t i = 0;
  while (i < text.size()) {
    uint64_t eight;
    while (i + 8 <= text.size()) {  // eight ASCII bytes at a time
      std::memcpy(&eight, text.data() + i, 8);
      if (eight & 0x8080808080808080u) break;
      i += 8;
    }
    if (i == text.size()) break;
    uint32_t code_point;
    const int n = decode_utf8(text.substr(i), code_point);
    if (n == 0) return i;
    i += static_cast<size_t>(n);
  }
  return std::string_view::npos;
}

void append_utf8(std::string& out, uint32_t c) {
  const auto put = [&](uint32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xc0 | c >> 6);
    put(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    put(0xe0 | c >> 12);
    put(0x80 | (c >> 6 & 0x3f));
    put(0x80 | (c & 0x3f));
  } else {
    put(0xf0 | c >> 18);
    put(0x80 | (c >> 12 & 0x3f));
    put(0x80 | (c >> 6 & 0x3f));
    put(0x80 | (c & 0x3f));
  }
}

std::string grouped(uint64_t n) {
  std::string s = std::to_string(n);
  for (size_t i = s.size(); i > 3; i -= 3) s.insert(i - 3, 1, ',');
  return s;
}

}  // namespace attune
