// A GGUF file as the Hugging Face folder it stands for: config, tokenizer and generation settings in memory, weights read one by one.
#pragma once

#include "app/gguf_llama.h"
#include "base/text_files.h"
#include "io/base_weights.h"

namespace attune {

class GgufModel final : public BaseWeights {
 public:
  /// `dtype`: config.json's. Error(kInput) "convert.architecture", "convert.tensors" (all that are missing, unexpected or misshapen),
  /// "convert.config", "convert.tokenizer", or what GgufFile says.
  explicit GgufModel(const fs::path& path, const std::string& dtype = "float32");

  const GgufFile& file() const { return file_; }
  const Json& config() const { return config_; }
  /// config.json, generation_config.json, tokenizer.json, tokenizer_config.json.
  const TextFiles& files() const { return files_; }
  const TextFiles::Texts& texts() const { return *texts_; }
  /// Some linear layer is stored in blocks.
  bool in_blocks() const;
  /// What most of the linear layers are stored as, of those in blocks where there are any: "Q4_1".
  std::string layer_type() const;
  /// Linear layers that are not stored in blocks: "layers.0.mlp.up_proj".
  std::vector<std::string> layers_not_in_blocks() const;

  const std::vector<Entry>& entries() const override { return entries_; }
  StoredForm form() const override { return StoredForm::kPlain; }
  StoredForm form(const std::string&) const override { return StoredForm::kPlain; }
  Codes codes(const std::string&) const override { return {}; }
  Tensor read_f32(const std::string& name) const override;
  std::string fingerprint() const override;

 private:
  GgufFile file_;
  Json config_;
  std::vector<LlamaTensor> tensors_;  // by name
  std::vector<Entry> entries_;
  std::shared_ptr<const TextFiles::Texts> texts_;
  TextFiles files_;
  mutable std::string fingerprint_;
};

}  // namespace attune
