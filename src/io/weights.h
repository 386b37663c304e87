// Writing the weights of a model folder: one file, or shards with their index (docs/formats.md, section 3).
#pragma once

#include "base/files.h"
#include "tensor/tensor.h"

namespace attune {

inline constexpr uint64_t kShardLimit = 50'000'000'000;  ///< as transformers 5

/// Adds model.safetensors to `folder`, or model-00001-of-0000N.safetensors and model.safetensors.index.json when the tensors are
/// larger than `limit` together. A tensor larger than the limit gets a shard of its own. Tied names must have been dropped already.
void write_model_weights(FolderCommit& folder, const TensorMap& tensors, uint64_t limit = kShardLimit);

/// Error(kNumerical) "checkpoint.nonfinite" naming `file`, the first tensor with NaN or infinity, and where in it.
void require_finite(const TensorMap& tensors, const std::string& file);

}  // namespace attune
