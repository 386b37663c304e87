#include "tasks/token_windows.h"

#include <algorithm>
#include <limits>

#include "base/error.h"

namespace attune {

WordWindows plan_windows(std::span<const int32_t> pieces, int64_t budget, int64_t overlap) {
  require(budget > 0 && overlap >= 0, "room for a token");
  const size_t n = pieces.size();
  const auto tokens = [&](size_t word) { return std::min<int64_t>(pieces[word], budget); };
  WordWindows out;
  for (size_t begin = 0;;) {
    size_t end = begin;
    for (int64_t used = 0; end < n && used + tokens(end) <= budget; ++end) used += tokens(end);
    out.windows.push_back({begin, end});
    if (end == n) break;
    // The next window reaches at least one word further, whatever the overlap.
    const int64_t shared = std::min(overlap, budget - tokens(end));
    size_t next = end;
    for (int64_t used = 0; next > begin + 1 && used + tokens(next - 1) <= shared; --next) used += tokens(next - 1);
    begin = next;
  }
  constexpr int64_t kAll = std::numeric_limits<int64_t>::max();
  out.owner.assign(n, 0);
  std::vector<int64_t> best(n, -1);
  for (size_t k = 0; k < out.windows.size(); ++k) {
    const auto [begin, end] = out.windows[k];
    int64_t total = 0, left = 0;
    for (size_t w = begin; w < end; ++w) total += tokens(w);
    for (size_t w = begin; w < end; ++w) {
      const int64_t right = total - left - tokens(w);
      const int64_t context = std::min(begin == 0 ? kAll : left, end == n ? kAll : right);
      if (context > best[w]) {
        best[w] = context;
        out.owner[w] = k;
      }
      left += tokens(w);
    }
  }
  return out;
}

}  // namespace attune
