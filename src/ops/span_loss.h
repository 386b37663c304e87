// The loss of extractive question answering: a softmax over the tokens of each sequence, once for the start and once for the end.
#pragma once

#include <cstdint>
#include <span>
#include <utility>

#include "ops/ops.h"

namespace attune {

/// logits (T, 2): columns start and end; starts (B + 1) of the sequences; spans (B): first and last token of the answer within its
/// sequence, or -1 and -1 for a sequence without a label. A sequence's loss is the mean of its two cross-entropies, the count is the
/// number of labelled sequences: the mean is Hugging Face's loss of a batch. Smoothing spreads its mass over the sequence's tokens.
LossSum span_loss(const Context&, const Var& logits, std::span<const int64_t> starts, std::span<const std::pair<int32_t, int32_t>> spans,
                  float smoothing);

}  // namespace attune
