// A Hugging Face model folder on disk: config.json and the weight files, single or sharded. Names to tensors, nothing more: what the
// names mean is the model's business.
#pragma once

#include <optional>
#include <string>

#include "base/json.h"
#include "io/safetensors.h"

namespace attune {

/// All tensors of one folder behind one name space (model.safetensors, else its index with every shard).
/// Opening checks every shard's header and length before the first weight is used (reliability F8), the index against the shards
/// (formats.md section 3), and that shard names are safe. pytorch_model.bin alone: Error(kInput) "weights.pickle" with the way to convert it.
class WeightFiles {
 public:
  explicit WeightFiles(const fs::path& folder);
  std::vector<std::string> names() const;
  bool contains(const std::string& name) const;
  const TensorEntry& entry(const std::string& name) const;
  Tensor read_f32(const std::string& name) const;
  const std::vector<SafetensorsFile>& files() const { return files_; }
  /// SHA-256 over all files' tensors: names, types, shapes and bytes, independent of file layout (kept in attune.json, reliability I3).
  std::string fingerprint() const;

 private:
  std::vector<SafetensorsFile> files_;
  std::map<std::string, size_t> where_;
};

/// What MODEL on the command line is.
enum class ModelKind { kModel, kAdapter, kRun };
struct ResolvedModel {
  ModelKind kind;
  fs::path folder;
  std::string commit;  ///< when it came from the hub cache
};
/// A folder (also a run folder: the folder with trainer_state.json), else a hub name looked up in the local Hugging Face cache
/// (formats.md 12.2-12.5, HF_HOME, HF_HUB_CACHE...; `org/name@revision` is ours). Error(kInput) "model.not_found" says where it looked and what to type.
ResolvedModel resolve_model(const std::string& name);

}  // namespace attune
