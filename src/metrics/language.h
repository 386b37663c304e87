// What a language model's loss means.
#pragma once

#include <cstdint>
#include <string>

#include "base/json.h"

namespace attune {

/// `loss`: mean negative log-likelihood of `tokens` tokens, in nats. perplexity = exp(loss), of tokens, not of batches;
/// bits_per_byte = loss * tokens / (ln 2 * bytes), which compares models with different tokenizers; null without bytes.
Json language_metrics(double loss, int64_t tokens, int64_t bytes);
/// For people.
std::string language_table(const Json& metrics);

}  // namespace attune
