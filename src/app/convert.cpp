#include "app/convert.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "app/gguf_model.h"
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

Tensor to_half(const Tensor& x) {
  Tensor out(x.shape(), DType::kF16, MemoryClass::kWeights);
  auto* to = static_cast<uint16_t*>(out.data());
  for (int64_t i = 0; i < x.size(); ++i) to[i] = float_to_half(x.f32()[i]);
  return out;
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
  const GgufModel model(options.input, options.dtype);
  ConvertResult r;
  r.output_dir = options.output_dir;
  r.architecture = model.file().text("general.architecture", "");
  r.name = model.file().text("general.name", "");
  std::vector<Artifact> artifacts;
  for (const auto& [name, text] : model.texts()) artifacts.push_back(text_artifact(name, text));
  TensorMap tensors;
  for (const auto& e : model.entries()) {
    const Tensor t = model.read_f32(e.name);
    tensors[e.name] = options.dtype == "float16" ? to_half(t) : t;
    r.parameters += t.size();
  }
  r.tensors = static_cast<int64_t>(tensors.size());
  r.vocabulary = model.config()["vocab_size"].get<int64_t>();
  r.types = types_text(model.file());
  r.bytes = static_cast<int64_t>(safetensors_size(tensors));
  artifacts.push_back(weights_artifact("model.safetensors", std::move(tensors)));
  commit_artifacts(options.output_dir, artifacts, options.overwrite);
  return r;
}

}  // namespace attune
