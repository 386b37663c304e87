// Positions in a text counted in Unicode code points, as Python, SQuAD's answer_start and the tokenizers count them.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace attune {

class CodePoints {
 public:
  /// `text` outlives the object. A byte that belongs to no valid sequence counts as one.
  explicit CodePoints(std::string_view text);

  int64_t size() const { return static_cast<int64_t>(starts_.size()) - 1; }
  /// Python's text[begin:end] for 0 <= begin: positions beyond the end mean the end, and end <= begin is "".
  std::string_view slice(int64_t begin, int64_t end) const;
  /// The code point that `byte` belongs to; size() at the end of the text.
  int64_t position_of(size_t byte) const;

 private:
  std::string_view text_;
  std::vector<uint32_t> starts_;  // first byte of each code point, and the end
};

}  // namespace attune
