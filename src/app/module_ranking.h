// Which linear layers a task asks to change most, before anything is trained: for variants whose target_modules are chosen by analysis.
#pragma once

#include <string>
#include <vector>

#include "app/train.h"

namespace attune {

struct RankedModule {
  std::string module;  ///< path in the model
  double gradient = 0;  ///< Frobenius norm of the loss's gradient, summed over the batches
  double weight = 0;    ///< of the weight itself
  double score = 0;     ///< their product: how much the loss moves when the layer changes by its own size (a first-order Taylor term)
};

/// The layers that all-linear names, best first, by the first `batches` of the run with `config.training.seed`; nothing is trained.
std::vector<RankedModule> rank_modules(const RunConfig& config, const SharedInputs& shared, int64_t batches = 8);

/// How many layers `config` puts a pair on.
size_t adapted_layers(const RunConfig& config, const SharedInputs& shared);

}  // namespace attune
