// The frozen-prefix cache: what the layers below the trained ones make of each training row, kept over the epochs (decision 0012).
#pragma once

#include "train/loop.h"

namespace attune {

/// Layers, from the embeddings up, that make the same of a row in every epoch; all of them: only what follows the backbone trains.
/// Error(kUsage) "train.frozen_prefix" where the embeddings train, a dropout acts in those layers, or the task changes its tokens.
int64_t frozen_prefix_layers(Model& model, const Task& task);

/// Room for all examples, nothing in it.
Tensor frozen_prefix_memory(Model& model, int64_t layers, std::span<const Example> examples);

/// Examples are computed together as the first epoch has them together, whenever one of them is first asked for: what is kept is a
/// function of the job, not of where it was resumed. Those the first epoch leaves out are computed alone.
class FrozenPrefix {
 public:
  /// Refers to the job, whose model must have its weights in the form products run on.
  explicit FrozenPrefix(const FitJob& job);
  /// Gives a batch of these examples its states.
  void put_into(Batch& batch, std::span<const uint64_t> examples);

 private:
  void compute(size_t part);

  const FitJob& job_;
  int64_t layers_;
  std::vector<int64_t> starts_;               // (examples + 1): rows of states_
  std::vector<std::vector<uint64_t>> parts_;  // examples computed together
  std::vector<size_t> part_of_;               // (examples)
  std::vector<bool> known_;                   // (parts)
  Tensor states_;
};

}  // namespace attune
