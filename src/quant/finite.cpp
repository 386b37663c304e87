#include "quant/finite.h"

#include <fmt/format.h>

#include "base/error.h"

namespace attune {

int64_t first_not_finite(const float* x, int64_t n) {
  for (int64_t i = 0; i < n; ++i)
    if ((std::bit_cast<uint32_t>(x[i]) & kMagnitudeMask) >= kInfinityBits) return i;
  return n;
}

void fail_not_finite(const float* w, int64_t index, int64_t in, const std::string& where) {
  fail(ErrorCode::kInput, {.id = "quant.not_finite",
                           .where = where,
                           .what = "a weight cannot be quantised",
                           .expected = "finite numbers",
                           .got = fmt::format("{} in row {}, column {}", w[index], index / in, index % in),
                           .hint = "the checkpoint holds broken values; quantise another one, or train without quantisation"});
}

}  // namespace attune
