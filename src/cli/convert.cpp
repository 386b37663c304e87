// attune convert: a GGUF file to a Hugging Face folder.
#include "app/convert.h"

#include <fmt/format.h>

#include "base/utf8.h"
#include "cli/common.h"
#include "config/scalar.h"

namespace attune {
namespace {

constexpr CommandText kConvertText = {
    "convert FILE.gguf --output DIR [--dtype float32|float16]",
    "Writes a GGUF file (llama.cpp's format) as a Hugging Face folder: config.json, model.safetensors, tokenizer.json and their companions.\n"
    "Models of the llama architecture with a byte-level BPE tokenizer, stored as F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K or\n"
    "Q6_K. Weights are written as the numbers the file means; attune quantize makes the folder small again.",
    "attune convert SmolLM2-135M-Instruct.Q4_1.gguf --output models/SmolLM2-135M-Instruct\n"
    "attune convert model.gguf --output model-half --dtype float16"};

}  // namespace

int run_convert(const std::vector<std::string>& args) {
  ConvertOptions options;
  CommonFlags common;
  if (!read_command(args, kConvertText, options, common)) return 0;
  const char* example = "attune convert model.gguf --output models/model";
  require_argument(!options.input.empty(), "FILE, a .gguf file", example);
  require_argument(!options.output_dir.empty(), "--output DIR, the folder of the converted model", example);
  apply(common);
  const ConvertResult r = convert_gguf(options);
  if (common.json) {
    print_json(Json{{"output_dir", r.output_dir.string()},
                    {"architecture", r.architecture},
                    {"name", r.name},
                    {"tensors", r.tensors},
                    {"parameters", r.parameters},
                    {"vocab_size", r.vocabulary},
                    {"stored_as", r.types},
                    {"dtype", options.dtype},
                    {"bytes", r.bytes}});
    return 0;
  }
  print(fmt::format("{:<12} {}{}\n", "model", r.architecture, r.name.empty() ? "" : ", " + r.name));
  print(fmt::format("{:<12} {} parameters in {} tensors ({})\n", "weights", grouped(static_cast<uint64_t>(r.parameters)), r.tensors, r.types));
  print(fmt::format("{:<12} {} tokens\n", "tokenizer", grouped(static_cast<uint64_t>(r.vocabulary))));
  print(fmt::format("{:<12} {} of {}\n", "written", bytes_text(r.bytes), options.dtype));
  print(fmt::format("converted model: {}\n", r.output_dir.string()));
  return 0;
}

}  // namespace attune
