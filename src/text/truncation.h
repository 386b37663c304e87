// Which tokens of one or two texts stay, and the overlapping windows over the rest; as the Rust package computes them.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "text/aligned_text.h"
#include "text/tokenizer.h"

namespace attune {

/// Lengths after cutting `first` (and `second`) tokens to `budget` together. Error(kUsage) "tokenizer.truncation" when the strategy's
/// part is not longer than what must go.
std::pair<size_t, size_t> truncated_lengths(size_t first, std::optional<size_t> second, size_t budget, TruncationStrategy strategy);

/// Windows of at most `length` tokens over `total`, the one that is kept first; consecutive ones share `stride` tokens.
/// Error(kUsage) "tokenizer.stride" when more than one is asked for and stride is not below length.
std::vector<Span> windows(size_t total, size_t length, size_t stride, Side side, bool all);

}  // namespace attune
