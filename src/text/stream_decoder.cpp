#include "text/stream_decoder.h"

#include <algorithm>

#include "text/aligned_text.h"

namespace attune {
namespace {

/// Bytes at the end of `bytes` that begin a character whose rest may still come.
size_t unfinished(const std::string& bytes) {
  for (size_t n = 1; n <= std::min<size_t>(3, bytes.size()); ++n) {
    const auto lead = static_cast<unsigned char>(bytes[bytes.size() - n]);
    if (lead < 0x80) return 0;
    if (lead < 0xc0) continue;  // a following byte: its lead is further left
    const size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (n >= length) return 0;
    // As a whole it counts only when it is one ill-formed stretch: decoding gives one replacement for it.
    return to_code_points(std::string_view(bytes).substr(bytes.size() - n)).size() == 1 && lead <= 0xf4 && lead >= 0xc2 ? n : 0;
  }
  return 0;
}

}  // namespace

std::string StreamDecoder::push(int32_t id) {
  if (!tokenizer_->append_bytes(id, first_, skip_special_tokens_, held_)) return "";
  first_ = false;
  const size_t keep = unfinished(held_);
  std::string rest = held_.substr(held_.size() - keep);
  held_.resize(held_.size() - keep);
  std::string out = to_utf8(to_code_points(held_));
  held_ = std::move(rest);
  return out;
}

std::string StreamDecoder::finish() {
  std::string out = to_utf8(to_code_points(held_));
  held_.clear();
  first_ = true;
  return out;
}

}  // namespace attune
