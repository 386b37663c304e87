// Sentences longer than a model: windows of whole words, and for every word the window that sees most around it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace attune {

struct WordWindows {
  struct Window {
    size_t begin, end;  ///< words [begin, end)
  };
  std::vector<Window> windows;
  std::vector<size_t> owner;  ///< by word: the one window its prediction is taken from and its label stands in
};

/// `pieces`: tokens of each word (0 is possible). A window holds at most `budget` tokens; a word of more is cut to its first `budget`.
/// Neighbours share up to `overlap` tokens. A word belongs to the window where it has most tokens on its poorer side; the text's own
/// ends count as no loss, and of equals the first window wins. One window without words for a text without words.
WordWindows plan_windows(std::span<const int32_t> pieces, int64_t budget, int64_t overlap);

}  // namespace attune
