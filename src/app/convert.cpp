#include "app/convert.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "app/gguf_llama.h"
#include "app/gguf_tokenizer.h"
#include "base/error.h"
#include "io/artifacts.h"
#include "io/safetensors.h"

namespace attune {
namespace {

/// "210 Q4_1, 61 F32": most frequent first.
std::string types_text(const GgufFile& file) {
  std::map<std::string, int64_t> counts;
  for (const GgufTensor& t : file.tensors()) ++counts[std::string(t.type->name)];
  std::vector<std::pair<int64_t, std::string>> sorted;
  for (const auto& [name, n] : counts) sorted.emplace_back(-n, name);
  std::sort(sorted.begin(), sorted.end());
  std::string out;
  for (const auto& [n, name] : sorted) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", -n, name);
  return out;
}

std::string generation_config_text(const Json& config) {
  Json g = {{"_from_model_config", true}};
  for (const char* key : {"bos_token_id", "eos_token_id", "pad_token_id"})
    if (!config[key].is_null()) g[key] = config[key];
  return dump_json(g) + "\n";
}

}  // namespace

void ConvertOptions::fields(FieldList& f) {
  f.add("input", input, {.help = "a .gguf file", .aliases = {"model"}, .value = "FILE", .position = 1});
  f.add("output_dir", output_dir, {.help = "folder of the converted model", .aliases = {"output", "-o"}, .value = "DIR"});
  f.add("dtype", dtype, {.help = "type of the written weights: float32 (exactly what the file means) or float16 (half the size)", .value = "NAME"});
  f.add("overwrite", overwrite, {.help = "replace the output folder"});
}

ConvertResult convert_gguf(const ConvertOptions& options) {
  if (options.dtype != "float32" && options.dtype != "float16")
    fail(ErrorCode::kUsage, {.id = "convert.dtype", .where = "--dtype", .what = "is no type for the written weights", .expected = "float32 or float16", .got = options.dtype});
  const GgufFile file(options.input);
  ConvertResult r;
  r.output_dir = options.output_dir;
  r.architecture = file.text("general.architecture", "");
  r.name = file.text("general.name", "");
  if (r.architecture != "llama") {
    fail(ErrorCode::kInput, {.id = "convert.architecture",
                             .where = options.input + ": general.architecture",
                             .what = "is an architecture this program does not convert",
                             .expected = "llama (Llama, SmolLM2 and other models of that form)",
                             .got = r.architecture.empty() ? "nothing" : r.architecture});
  }
  const Json config = llama_config(file, options.dtype);
  std::vector<Artifact> artifacts{text_artifact("config.json", dump_json(config) + "\n"), text_artifact("generation_config.json", generation_config_text(config))};
  for (auto& [name, content] : gguf_tokenizer_files(file)) artifacts.push_back(text_artifact(name, std::move(content)));
  TensorMap tensors = llama_tensors(file, config, options.dtype == "float16");
  r.tensors = static_cast<int64_t>(tensors.size());
  for (const auto& [name, t] : tensors) r.parameters += t.size();
  r.vocabulary = config["vocab_size"].get<int64_t>();
  r.types = types_text(file);
  r.bytes = static_cast<int64_t>(safetensors_size(tensors));
  artifacts.push_back(weights_artifact("model.safetensors", std::move(tensors)));
  commit_artifacts(options.output_dir, artifacts, options.overwrite);
  return r;
}

}  // namespace attune
