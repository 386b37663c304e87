// Text as code points, each with the index of the original character it came from. Every normaliser maps characters to characters,
// so [origin, origin + 1) is the alignment of one; a token's offsets are those of its first and last character.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace attune {

struct AlignedView {
  std::span<const char32_t> chars;
  std::span<const int32_t> origin;
  size_t size() const { return chars.size(); }
};

struct AlignedText {
  std::vector<char32_t> chars;
  std::vector<int32_t> origin;

  size_t size() const { return chars.size(); }
  void clear() {
    chars.clear();
    origin.clear();
  }
  void push(char32_t c, int32_t from) {
    chars.push_back(c);
    origin.push_back(from);
  }
  AlignedView view(size_t first, size_t count) const {
    return {std::span(chars).subspan(first, count), std::span(origin).subspan(first, count)};
  }
  AlignedView view() const { return view(0, size()); }
};

/// [begin, end) of an AlignedText, in characters.
struct Span {
  size_t begin, end;
  size_t size() const { return end - begin; }
  bool operator==(const Span&) const = default;
};

/// Any bytes as text. Each maximal part of an invalid sequence becomes one U+FFFD, as Python's errors="replace" does.
/// Error(kInput) "text.too_long" above 2^31 - 1 bytes.
void decode_text(std::string_view bytes, AlignedText& out);

/// Appends one code point as UTF-8.
inline void append_character(std::string& out, char32_t c) {
  if (c < 0x80) {
    out.push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    out.push_back(static_cast<char>(0xc0 | c >> 6));
    out.push_back(static_cast<char>(0x80 | (c & 0x3f)));
  } else if (c < 0x10000) {
    out.push_back(static_cast<char>(0xe0 | c >> 12));
    out.push_back(static_cast<char>(0x80 | (c >> 6 & 0x3f)));
    out.push_back(static_cast<char>(0x80 | (c & 0x3f)));
  } else {
    out.push_back(static_cast<char>(0xf0 | c >> 18));
    out.push_back(static_cast<char>(0x80 | (c >> 12 & 0x3f)));
    out.push_back(static_cast<char>(0x80 | (c >> 6 & 0x3f)));
    out.push_back(static_cast<char>(0x80 | (c & 0x3f)));
  }
}

/// Code points of valid UTF-8 (names, tokens); invalid parts become U+FFFD.
std::u32string to_code_points(std::string_view utf8);
std::string to_utf8(std::span<const char32_t> chars);

}  // namespace attune
