// Text from a model folder: prompt to ids, ids to text as it grows.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "app/generate_ids.h"
#include "app/load_model.h"

namespace attune {

struct GenerateOptions {
  std::string model, base_model, prompt;
  std::optional<int64_t> max_new_tokens, top_k, no_repeat_ngram_size, min_new_tokens;
  std::optional<double> temperature, top_p, min_p, repetition_penalty;
  bool greedy = false;
  int64_t seed = 42, num_samples = 1;
  std::vector<std::string> stop;     ///< a text ends before the first of them
  HoldBase quantization = HoldBase::kAuto;
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
  std::string base_description;  ///< describe_base()
  std::string compute;           ///< "f32" or "int8"
  double prompt_seconds = 0, seconds = 0;  ///< until the first token; of all the others
  double tokens_per_second() const;        ///< of the others
};

/// Called with text that is final as it comes; only with one sample.
using OnText = std::function<void(const std::string& piece)>;
GenerateResult generate(const GenerateOptions&, const OnText& on_text = nullptr);

}  // namespace attune
