// The files of a finished model or adapter, as names with a way to write each, so that the same list can become a new folder in one
// step or replace files in a run folder one by one.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/files.h"
#include "tensor/tensor.h"

namespace attune {

struct Artifact {
  std::string name;
  std::function<void(OutputFile&)> fill;
};
Artifact text_artifact(std::string name, std::string content);
Artifact weights_artifact(std::string name, TensorMap tensors);

/// A new folder that appears complete or not at all (FolderCommit).
void commit_artifacts(const fs::path& folder, const std::vector<Artifact>& artifacts, bool replace);
/// Into a folder that exists: each file is replaced atomically, manifest.json with the hashes of all of them last.
void update_artifacts(const fs::path& folder, const std::vector<Artifact>& artifacts);

}  // namespace attune
