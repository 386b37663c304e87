#include "base/code_points.h"

#include <algorithm>

#include "base/error.h"
#include "base/utf8.h"

namespace attune {

CodePoints::CodePoints(std::string_view text) : text_(text) {
  require(text.size() < UINT32_MAX, "a text below 4 GiB");
  starts_.reserve(text.size() + 1);
  for (size_t at = 0; at < text.size();) {
    starts_.push_back(static_cast<uint32_t>(at));
    uint32_t code_point;
    at += static_cast<size_t>(std::max(1, decode_utf8(text.substr(at), code_point)));
  }
  starts_.push_back(static_cast<uint32_t>(text.size()));
}

std::string_view CodePoints::slice(int64_t begin, int64_t end) const {
  require(begin >= 0, "a slice counted from the start");
  begin = std::min(begin, size());
  end = std::clamp(end, begin, size());
  const uint32_t first = starts_[static_cast<size_t>(begin)];
  return text_.substr(first, starts_[static_cast<size_t>(end)] - first);
}

int64_t CodePoints::position_of(size_t byte) const {
  const auto after = std::upper_bound(starts_.begin(), starts_.end(), static_cast<uint32_t>(std::min(byte, text_.size())));
  return after - starts_.begin() - 1;
}

}  // namespace attune
