// attune generate: text from a causal language model, streamed as it comes.
#include "app/generate.h"

#include <fmt/format.h>

#include "base/log.h"
#include "cli/common.h"

namespace attune {
namespace {

constexpr CommandText kGenerateText = {
    "generate MODEL --prompt TEXT [--max-new-tokens N] [--greedy | --temperature T ...] [flags]",
    "Text that goes on from a prompt. Without sampling flags the model's generation_config.json decides, else the most likely token is\n"
    "taken. One text is printed as it comes; --json gives {text, token_ids}, a list of them with --num-samples.",
    "attune generate models/gpt2 --prompt \"The little prince\" --max-new-tokens 40\n"
    "attune generate runs/mine --prompt \"ROMEO:\" --temperature 0.8 --top-p 0.95 --seed 7\n"
    "attune generate models/gpt2 --prompt \"Q: 1 + 1?\\nA:\" --greedy --stop \"\\n\" --json"};

Json object_of(const GeneratedText& t) {
  Json j = Json::object();
  j["text"] = t.text;
  j["token_ids"] = t.token_ids;
  j["stopped"] = t.stopped;
  return j;
}

}  // namespace

int run_generate(const std::vector<std::string>& args) {
  GenerateOptions options;
  CommonFlags common;
  if (!read_command(args, kGenerateText, options, common)) return 0;
  const char* example = "attune generate models/gpt2 --prompt \"The little prince\"";
  require_argument(!options.model.empty(), "MODEL, a model, adapter or run folder", example);
  apply(common, options.threads);
  const bool stream = !common.json && options.num_samples == 1;
  const GenerateResult result = generate(options, stream ? OnText([](const std::string& piece) {
    print(piece);
    flush_stdout();
  }) : nullptr);
  if (stream) {
    print("\n");
    flush_stdout();  // before what is noted below
  } else if (common.json && result.samples.size() == 1) {
    print_json_line(object_of(result.samples[0]));
  } else if (common.json) {
    Json all = Json::array();
    for (const auto& s : result.samples) all.push_back(object_of(s));
    print_json_line(all);
  } else {
    for (size_t i = 0; i < result.samples.size(); ++i) print(fmt::format("--- {}\n{}\n", i + 1, result.samples[i].text));
  }
  if (result.base_description != "f32" || result.compute != "f32") note(fmt::format("base {}, products in {}", result.base_description, result.compute));
  note(fmt::format("{} prompt tokens in {:.2f} s; {} new tokens, {:.1f} tokens/s", result.prompt_tokens, result.prompt_seconds, result.new_tokens, result.tokens_per_second()));
  return 0;
}

}  // namespace attune
