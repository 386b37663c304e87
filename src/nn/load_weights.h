// Named tensors into a module tree, with the three lists Hugging Face prints: missing, unexpected, misshapen.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "nn/backbone.h"

namespace attune {

/// Where tensors come from: names with shapes, and a way to read one as F32.
struct TensorSource {
  std::string where;  ///< for messages
  std::vector<std::pair<std::string, Shape>> entries;
  std::function<Tensor(const std::string& name)> read;
};

struct LoadReport {
  std::vector<std::string> missing;     ///< initialised here (section 6.7 of the formats)
  std::vector<std::string> unexpected;  ///< in the file, not in the model, not known to be harmless
  std::vector<std::string> harmless;    ///< position_ids, heads of other tasks, a pooler the head does not use
};

/// Names are matched after mending: base prefix added or stripped (decided once for the file), gamma/beta of old files. Missing
/// parameters are initialised as Hugging Face does from `seed`. Misshapen tensors are Error(kInput) "weights.shape" listing all,
/// thrown before any tensor is read.
LoadReport load_weights(Model&, const TensorSource&, uint64_t seed);

/// Initialises a parameter as Hugging Face does: N(0, range) for matrices (padding row zero), 0 for biases, 1/0 for norms. The
/// values depend on the seed and the parameter's name only.
void initialize(const NamedParameter&, double range, uint64_t seed);

/// All parameters under their checkpoint keys.
TensorMap weights_of(Module&);

}  // namespace attune
