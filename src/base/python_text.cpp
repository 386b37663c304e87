#include "base/python_text.h"

#include <utf8proc.h>

#include <algorithm>

#include "base/utf8.h"

namespace attune {
namespace {

bool is_cased(int32_t c) {
  switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
      return true;
    default:
      return c == 0xaa || c == 0xba || (c >= 0x2160 && c <= 0x217f) || (c >= 0x24b6 && c <= 0x24e9);
  }
}

/// Unicode's Case_Ignorable: marks, formats, modifiers, and punctuation inside words.
bool is_case_ignorable(int32_t c) {
  switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK:
      return true;
    default:
      break;
  }
  constexpr int32_t kInsideWords[] = {0x27,   0x2e,   0x3a,   0xb7,   0x387,  0x55f,  0x5f4,  0x2018, 0x2019,
                                      0x2024, 0x2027, 0xfe13, 0xfe52, 0xfe55, 0xff07, 0xff0e, 0xff1a};
  return std::find(std::begin(kInsideWords), std::end(kInsideWords), c) != std::end(kInsideWords);
}

/// A capital sigma at the end of a word: cased letters before it and none after, ignorable characters aside.
bool is_final_sigma(const std::vector<int32_t>& text, size_t at) {
  size_t i = at;
  while (i > 0 && is_case_ignorable(text[i - 1])) --i;
  if (i == 0 || !is_cased(text[i - 1])) return false;
  i = at + 1;
  while (i < text.size() && is_case_ignorable(text[i])) ++i;
  return i == text.size() || !is_cased(text[i]);
}

}  // namespace

std::vector<int32_t> code_points(std::string_view text) {
  std::vector<int32_t> out;
  while (!text.empty()) {
    uint32_t c = 0xfffd;
    const int n = decode_utf8(text, c);
    out.push_back(static_cast<int32_t>(n == 0 ? 0xfffd : c));
    text.remove_prefix(static_cast<size_t>(std::max(1, n)));
  }
  return out;
}

std::vector<int32_t> python_lower(const std::vector<int32_t>& text) {
  std::vector<int32_t> out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == 0x130) {  // the only character whose lower case is two
      out.insert(out.end(), {0x69, 0x307});
    } else if (text[i] == 0x3a3) {
      out.push_back(is_final_sigma(text, i) ? 0x3c2 : 0x3c3);
    } else {
      out.push_back(utf8proc_tolower(text[i]));
    }
  }
  return out;
}

bool is_python_word(int32_t c) {
  switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return true;
    default:
      return c == '_';
  }
}

}  // namespace attune
