// Token ids from a causal language model: one pass over the prompt, then one row a token and sample, with keys and values cached.
#pragma once

#include <functional>
#include <vector>

#include "app/sampling.h"
#include "nn/backbone.h"

namespace attune {

/// When a text ends and how its tokens are chosen.
struct GenerationSettings {
  SamplingSettings sampling;
  int64_t max_new_tokens = 20;
  int64_t num_samples = 1;
  uint64_t seed = 42;
  std::vector<int32_t> ends;  ///< ids that end a text; part of it
};

struct GeneratedIds {
  std::vector<int32_t> ids;
  bool ended = false;  ///< by an end token, or because on_token said so
};

/// Called for each new token, samples in turn; false ends that sample.
using OnToken = std::function<bool(int64_t sample, int32_t id)>;

/// Samples of a prompt. The same seed, sample and model give the same tokens, however many samples there are beside it. Stops at the
/// model's positions. Error(kNumerical) "generate.not_finite" when the scores are NaN; Error(kInput) "generate.prompt_too_long".
std::vector<GeneratedIds> generate_ids(const Context&, Model&, const std::vector<int32_t>& prompt, const GenerationSettings&, const OnToken& on_token = nullptr);

}  // namespace attune
