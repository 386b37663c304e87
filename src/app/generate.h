// Text from a causal language model: one pass over the prompt, then one row a token and sample, with keys and values cached.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "app/load_model.h"
#include "app/sampling.h"

namespace attune {

/// When a text ends and how its tokens are chosen.
struct GenerationSettings {
  TokenChoice sampling;
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

struct GenerateOptions {
  std::string model, base_model, prompt;
  std::optional<int64_t> max_new_tokens, top_k, no_repeat_ngram_size, min_new_tokens;
  std::optional<double> temperature, top_p, min_p, repetition_penalty;
  bool greedy = false;
  int64_t seed = 42, num_samples = 1;
  std::vector<std::string> stop;     ///< a text ends before the first of them
  Compute compute = Compute::kAuto;  ///< products with frozen weights (app/int8_run.h, infer_in)
  int64_t threads = 0;
  bool strict = false;

  void fields(FieldList& f);
};

/// The model's generation_config.json (older models: config.json) with the options over it; defaults are those of transformers.
/// Error(kInput) "generation_config" for values out of range, Error(kUsage) "generate.greedy" for options that contradict each other.
GenerationSettings generation_settings(const OpenedModel&, const GenerateOptions&);

struct GeneratedText {
  std::string text;                ///< without the prompt
  std::vector<int32_t> token_ids;  ///< without the prompt
  std::string stopped;             ///< "eos", "stop" or "length"
};

struct GenerateResult {
  std::vector<GeneratedText> samples;
  int64_t prompt_tokens = 0, new_tokens = 0;
  double prompt_seconds = 0, seconds = 0;  ///< until the first token; of all the others
  double tokens_per_second() const;        ///< of the others
};

/// Called with text that is final as it comes; only with one sample.
using OnText = std::function<void(const std::string& piece)>;
GenerateResult generate(const GenerateOptions&, const OnText& on_text = nullptr);

}  // namespace attune
