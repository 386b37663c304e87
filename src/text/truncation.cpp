// Longest first: the shorter text keeps its length while it is below half of the budget; of an odd budget the longer text gets the odd
// token.
#include "text/truncation.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace attune {

std::pair<size_t, size_t> truncated_lengths(size_t first, std::optional<size_t> second, size_t budget, TruncationStrategy strategy) {
  const size_t other = second.value_or(0), total = first + other;
  if (strategy == TruncationStrategy::kNone || total <= budget) return {first, other};
  if (budget == 0) return {0, 0};
  if (strategy == TruncationStrategy::kLongestFirst) {
    if (!second) return {budget, 0};
    const bool swapped = first > other;
    const size_t shorter = std::min(first, other);
    size_t low = shorter, high = shorter > budget ? shorter : std::max(shorter, budget - shorter);
    if (low + high > budget) {
      low = budget / 2;
      high = low + budget % 2;
    }
    return swapped ? std::pair{std::min(high, first), std::min(low, other)} : std::pair{std::min(low, first), std::min(high, other)};
  }
  const bool cut_first = strategy == TruncationStrategy::kOnlyFirst;
  const size_t excess = total - budget, part = cut_first ? first : other;
  if (part <= excess) {
    fail(ErrorCode::kUsage, {.id = "tokenizer.truncation",
                             .where = "max_length",
                             .what = second || cut_first ? fmt::format("cutting only the {} text cannot make the pair short enough",
                                                                       cut_first ? "first" : "second")
                                                         : std::string("only the second text may be cut, and there is none"),
                             .expected = fmt::format("a {} text of more than {} tokens", cut_first ? "first" : "second", excess),
                             .got = fmt::format("{}", part),
                             .hint = "raise max_length or cut the longest text first"});
  }
  return cut_first ? std::pair{first - excess, other} : std::pair{first, other - excess};
}

std::vector<Span> windows(size_t total, size_t length, size_t stride, Side side, bool all) {
  if (length >= total) return {{0, total}};
  if (length == 0) return all ? std::vector<Span>{{0, 0}, {0, total}} : std::vector<Span>{{0, 0}};
  if (!all) return {side == Side::kRight ? Span{0, length} : Span{total - length, total}};
  if (stride >= length) {
    fail(ErrorCode::kUsage, {.id = "tokenizer.stride",
                             .where = "stride",
                             .what = "windows of a text cannot overlap by their whole length",
                             .expected = fmt::format("less than {}", length),
                             .got = fmt::format("{}", stride),
                             .hint = "lower stride or raise max_length (special tokens and the other text take their part of it)"});
  }
  std::vector<Span> out;
  const size_t step = length - stride;
  for (size_t done = 0;; done += step) {  // tokens between the starting side and this window
    const size_t far = std::min(done + length, total);
    out.push_back(side == Side::kRight ? Span{done, far} : Span{total - far, total - done});
    if (far == total) return out;
  }
}

}  // namespace attune
