// The next token from its scores: transformers' processors in transformers' order (docs/formats.md, section 16).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/random.h"

namespace attune {

struct SamplingSettings {
  bool do_sample = false;  ///< else the best token; the filters below `min_new_tokens` then do nothing
  double repetition_penalty = 1.0;
  int64_t no_repeat_ngram_size = 0;
  int64_t min_new_tokens = 0;
  double temperature = 1.0;
  int64_t top_k = 50;  ///< 0: off
  double top_p = 1.0;
  double min_p = 0.0;  ///< 0: off
};

/// What comes before the choice, sampled or not: repetition penalty, n-grams, least length. `text`: prompt and what was generated;
/// `generated`: tokens of it that are new; `ends`: ids that end a text.
void process_scores(const SamplingSettings&, std::span<const int32_t> text, int64_t generated, std::span<const int32_t> ends, std::span<float> scores);
/// Temperature, top-k, top-p and min-p: dropped scores become -infinity.
void filter_scores(const SamplingSettings&, std::span<float> scores);
/// The best token (lowest id among equals), or one drawn from the softmax of the filtered scores.
int32_t choose_token(const SamplingSettings&, std::span<float> scores, Random& random);

}  // namespace attune
