// A Hugging Face model folder on disk: config.json and the weight files, single or sharded. Names to tensors, nothing more: what the
// names mean is the model's business.
#pragma once

#include <optional>
#include <string>

#include "base/json.h"
#include "io/safetensors.h"

namespace attune {

/// The path of `name` in a model folder, which must be a plain file name ("name.unsafe"). A link is followed only when it ends inside
/// the folder or, in the Hugging Face cache, inside the same repository: Error(kInput) "link.outside". The file may be absent.
fs::path model_file(const fs::path& folder, const std::string& name);

/// All tensors of one folder behind one name space (model.safetensors, else its index with every shard).
/// Opening checks every shard's header and length before the first weight is used (reliability F8), the index against the shards
/// (formats.md section 3; every problem listed at once), and that shard names are safe. pytorch_model.bin alone: Error(kInput)
/// "weights.pickle" with the way to convert it.
class WeightFiles {
 public:
  WeightFiles() = default;  ///< no tensors
  explicit WeightFiles(const fs::path& folder);
  std::vector<std::string> names() const;
  bool contains(const std::string& name) const;
  const TensorEntry& entry(const std::string& name) const;
  Tensor read_f32(const std::string& name) const;
  /// As stored. `may_map`: shares the mapped file where the folder's manifest vouches for it (see MappedFile), else a copy.
  Tensor read(const std::string& name, MemoryClass c, bool may_map = false) const;
  const std::vector<SafetensorsFile>& files() const { return files_; }
  /// SHA-256 over all files' tensors: names, types, shapes and bytes, independent of file layout (kept in attune.json, reliability I3).
  /// Reads everything at the first call.
  std::string fingerprint() const;

 private:
  std::vector<SafetensorsFile> files_;
  std::map<std::string, size_t> where_;
  mutable std::map<size_t, std::shared_ptr<const MappedFile>> mapped_;  ///< null: not to be mapped
  mutable std::string fingerprint_;
};

/// What MODEL on the command line is.
enum class ModelKind { kModel, kAdapter, kRun, kGguf };
struct ResolvedModel {
  ModelKind kind;
  fs::path folder;     ///< the file itself of a kGguf
  std::string commit;  ///< when it came from the hub cache
};
/// A folder (also a run folder or a checkpoint: the folder with trainer_state.json, which holds an adapter or a model), else a hub name
/// looked up in the local Hugging Face cache (formats.md 12.2-12.5, HF_HOME, HF_HUB_CACHE...; `org/name@revision` is ours). A file that ends
/// in .gguf or begins as GGUF does is a kGguf.
/// Error(kInput) "model.not_found" says where it looked and what to type.
ResolvedModel resolve_model(const std::string& name);

/// The folder of the Hugging Face cache: HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_HOME/hub, XDG_CACHE_HOME/huggingface/hub or
/// ~/.cache/huggingface/hub; it need not exist.
fs::path hub_cache();
/// The rule of the Hub for "name" and "org/name" (formats.md 12.3).
bool is_repo_id(const std::string& id);

}  // namespace attune
