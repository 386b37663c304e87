// Decoding of UTF-8 that never fails: Unicode 15, section 3.9, "substitution of maximal subparts".
#include "text/aligned_text.h"

#include <fmt/format.h>

#include <limits>

#include "base/error.h"

namespace attune {
namespace {

constexpr char32_t kReplacement = 0xfffd;

/// Reads one character at `at` (a byte >= 0x80); returns the bytes consumed.
size_t decode_one(const unsigned char* at, size_t left, char32_t& c) {
  const unsigned char b = at[0];
  int more;
  unsigned char low = 0x80, high = 0xbf;  // limits of the second byte: they keep out overlong forms, surrogates and > U+10FFFF
  if (b >= 0xc2 && b <= 0xdf) {
    more = 1;
    c = b & 0x1f;
  } else if (b >= 0xe0 && b <= 0xef) {
    more = 2;
    c = b & 0x0f;
    if (b == 0xe0) low = 0xa0;
    if (b == 0xed) high = 0x9f;
  } else if (b >= 0xf0 && b <= 0xf4) {
    more = 3;
    c = b & 0x07;
    if (b == 0xf0) low = 0x90;
    if (b == 0xf4) high = 0x8f;
  } else {
    c = kReplacement;
    return 1;
  }
  for (int i = 1; i <= more; ++i) {
    if (static_cast<size_t>(i) >= left || at[i] < low || at[i] > high) {
      c = kReplacement;
      return static_cast<size_t>(i);
    }
    c = c << 6 | (at[i] & 0x3f);
    low = 0x80;
    high = 0xbf;
  }
  return static_cast<size_t>(more) + 1;
}

template <class Put>
void decode(std::string_view bytes, Put put) {
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  const size_t n = bytes.size();
  size_t i = 0;
  while (i < n) {
    if (data[i] < 0x80) {
      put(static_cast<char32_t>(data[i]));
      ++i;
    } else {
      char32_t c;
      i += decode_one(data + i, n - i, c);
      put(c);
    }
  }
}

}  // namespace

void decode_text(std::string_view bytes, AlignedText& out) {
  if (bytes.size() > static_cast<size_t>(std::numeric_limits<int32_t>::max())) {
    fail(ErrorCode::kInput, {.id = "text.too_long",
                             .where = "text",
                             .what = "a text is too long to be tokenized",
                             .expected = "at most 2,147,483,647 bytes",
                             .got = fmt::format("{}", bytes.size()),
                             .hint = "split it into several records"});
  }
  out.chars.resize(bytes.size());
  char32_t* to = out.chars.data();
  size_t count = 0;
  decode(bytes, [&](char32_t c) { to[count++] = c; });
  out.chars.resize(count);
  out.origin.resize(count);
  for (size_t i = 0; i < count; ++i) out.origin[i] = static_cast<int32_t>(i);
}

std::u32string to_code_points(std::string_view utf8) {
  std::u32string out;
  out.reserve(utf8.size());
  decode(utf8, [&](char32_t c) { out.push_back(c); });
  return out;
}

std::string to_utf8(std::span<const char32_t> chars) {
  std::string out;
  out.reserve(chars.size());
  for (char32_t c : chars) append_character(out, c);
  return out;
}

}  // namespace attune
