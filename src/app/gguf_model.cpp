#include "app/gguf_model.h"

#include <algorithm>
#include <map>

#include "app/gguf_tokenizer.h"
#include "base/error.h"

namespace attune {
namespace {

Json config_of(const GgufFile& file, const std::string& dtype) {
  const std::string architecture = file.text("general.architecture", "");
  if (architecture == "llama") return llama_config(file, dtype);
  fail(ErrorCode::kInput, {.id = "convert.architecture",
                           .where = file.path().string() + ": general.architecture",
                           .what = "is an architecture this program does not read from GGUF files",
                           .expected = "llama (Llama, SmolLM2 and other models of that form)",
                           .got = architecture.empty() ? "nothing" : architecture});
}

std::string generation_config_text(const Json& config) {
  Json g = {{"_from_model_config", true}};
  for (const char* key : {"bos_token_id", "eos_token_id", "pad_token_id"})
    if (!config[key].is_null()) g[key] = config[key];
  return dump_json(g) + "\n";
}

TextFiles::Texts texts_of(const GgufFile& file, const Json& config) {
  TextFiles::Texts texts{{"config.json", dump_json(config) + "\n"}, {"generation_config.json", generation_config_text(config)}};
  for (auto& [name, content] : gguf_tokenizer_files(file)) texts[name] = std::move(content);
  return texts;
}

bool is_in_blocks(const LlamaTensor& t) { return t.from->type->block > 1; }

}  // namespace

GgufModel::GgufModel(const fs::path& path, const std::string& dtype)
    : file_(path),
      config_(config_of(file_, dtype)),
      tensors_(llama_tensors(file_, config_)),
      texts_(std::make_shared<const TextFiles::Texts>(texts_of(file_, config_))),
      files_(path, texts_) {
  for (const LlamaTensor& t : tensors_) entries_.push_back({t.name, t.shape});
}

bool GgufModel::in_blocks() const {
  return std::any_of(tensors_.begin(), tensors_.end(), [](const LlamaTensor& t) { return t.is_layer() && is_in_blocks(t); });
}

std::string GgufModel::layer_type() const {
  std::map<std::string_view, uint64_t> bytes;
  const bool blocks = in_blocks();
  for (const LlamaTensor& t : tensors_)
    if (t.is_layer() && is_in_blocks(t) == blocks) bytes[t.from->type->name] += t.from->bytes;
  const auto most = std::max_element(bytes.begin(), bytes.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return std::string(most->first);
}

std::vector<std::string> GgufModel::layers_not_in_blocks() const {
  constexpr std::string_view kPrefix = "model.", kSuffix = ".weight";
  std::vector<std::string> names;
  for (const LlamaTensor& t : tensors_)
    if (t.is_layer() && !is_in_blocks(t)) names.push_back(t.name.substr(kPrefix.size(), t.name.size() - kPrefix.size() - kSuffix.size()));
  return names;
}

Tensor GgufModel::read_f32(const std::string& name) const {
  const auto it = std::lower_bound(tensors_.begin(), tensors_.end(), name, [](const LlamaTensor& t, const std::string& n) { return t.name < n; });
  require(it != tensors_.end() && it->name == name, "a tensor of this file");
  return read_llama_tensor(file_, *it);
}

std::string GgufModel::fingerprint() const {
  if (fingerprint_.empty()) fingerprint_ = file_.fingerprint();
  return fingerprint_;
}

}  // namespace attune
