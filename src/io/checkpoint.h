// Training checkpoints: RUN/checkpoint-<step>, each a folder of safetensors and JSON committed as a whole with a manifest.
// A training loop does, in this order:
//
//   FolderLock lock(run);                                   // one writer
//   remove_stale_partials(run);                             // what a killed run left
//   CheckpointSearch found = find_checkpoints(run);         // resume: found.newest(), and say what was skipped
//   ...
//   write_checkpoint(run, step, content);                   // then print "saved"
//   rotate_checkpoints(run, save_total_limit, best_step);
//
// Invariant: at any moment, killed or out of space, the last checkpoint reported as saved is complete on disk.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/json.h"
#include "tensor/tensor.h"

namespace attune {

struct CheckpointContent {
  std::map<std::string, TensorMap> tensors;  ///< "adapter_model.safetensors", "optimizer.safetensors"; must be finite
  std::map<std::string, Json> documents;     ///< "trainer_state.json", "rng.json"; indent 2, sorted; NaN becomes null
  std::map<std::string, std::string> files;  ///< anything else, byte for byte: "adapter_config.json", tokenizer files
};

/// The bytes it takes on disk, the manifest apart.
uint64_t checkpoint_size(const CheckpointContent& content);
/// Error(kIo) "disk.full" unless the volume of `path` has `bytes` free; `what` says what for.
void require_free_space(const fs::path& path, uint64_t bytes, const std::string& what);

/// Writes RUN/checkpoint-<step> and returns its path. Nothing changes on disk for Error(kNumerical) "checkpoint.nonfinite" (naming file
/// and tensor), and nothing under a final name for "disk.full" and other Error(kIo). An older checkpoint of that step is replaced; a
/// folder of that name which is not ours is moved aside to checkpoint-<step>.aside-<random>, with a warning.
fs::path write_checkpoint(const fs::path& run, int64_t step, const CheckpointContent& content);

struct Checkpoint {
  fs::path folder;
  int64_t step = 0;
};
struct SkippedCheckpoint {
  std::string name, why;  ///< "checkpoint-40", "optimizer.safetensors: expected 1,024 bytes, got 512"
};
struct CheckpointSearch {
  std::vector<Checkpoint> valid;  ///< newest first
  std::vector<SkippedCheckpoint> skipped;
  std::optional<Checkpoint> newest() const { return valid.empty() ? std::nullopt : std::optional(valid.front()); }
};
enum class CheckpointTrust {
  kSizes,         ///< manifests and file sizes
  kNewestHashes,  ///< hashes too, from the newest on until one is whole; older ones by size
  kAllHashes,
};
/// Never changes anything on disk. Folders that are not called checkpoint-<number> are not looked at.
CheckpointSearch find_checkpoints(const fs::path& run, CheckpointTrust trust = CheckpointTrust::kNewestHashes);
/// One folder (resume_from_checkpoint: PATH), hashes included; Error(kInput) "checkpoint.damaged" listing what is wrong, "manifest.newer".
Checkpoint open_checkpoint(const fs::path& folder);

/// Removes the oldest checkpoints until `save_total_limit` (0: no limit) are left, in the order of their steps. The newest and
/// `keep_best` always stay, so two may remain with a limit of 1. Folders that are damaged, foreign, or hold files we did not write are
/// neither counted nor touched. A failure to remove is a warning: the save before it has succeeded.
struct Rotation {
  std::vector<Checkpoint> removed, kept;
};
Rotation rotate_checkpoints(const fs::path& run, int64_t save_total_limit, std::optional<int64_t> keep_best = std::nullopt);

/// A document of a checkpoint; NaN and Infinity are accepted, as the Trainer writes them.
Json read_checkpoint_json(const fs::path& folder, const std::string& name);
/// All tensors of one of its files, as stored.
TensorMap read_checkpoint_tensors(const fs::path& folder, const std::string& name, MemoryClass c);

}  // namespace attune
