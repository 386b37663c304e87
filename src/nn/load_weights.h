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
  /// The tensor is [out, in] whatever the architecture's checkpoints have (quantised layers are); null: none is.
  std::function<bool(const std::string& name)> as_linear;
};

struct LoadReport {
  std::vector<std::string> missing;     ///< initialised here (section 6.7 of the formats)
  std::vector<std::string> unexpected;  ///< in the file, not in the model, not known to be harmless
  std::vector<std::string> harmless;    ///< position_ids, heads of other tasks, a pooler the head does not use
};

/// Which tensor of a source goes where.
struct WeightPlan {
  std::vector<std::pair<std::string, NamedParameter>> reads;
  std::vector<NamedParameter> missing;
  /// Second names of tied parameters that the file holds too: it must be with the same values.
  std::vector<std::pair<std::string, NamedParameter>> twins;
  LoadReport report;
};

/// Names are matched after mending: base prefix added or stripped (decided once for the file), gamma/beta of old files. Misshapen
/// tensors are Error(kInput) "weights.shape" listing all. Nothing is read.
WeightPlan plan_weights(Model&, const TensorSource&);
/// Takes a tensor that was read for a parameter; for weights stored in another form than F32.
using TakeTensor = std::function<void(const NamedParameter&, Tensor)>;
/// Reads as planned, one tensor after another. Error(kInput) "weights.tied" where a file's two names of one parameter have two values. Missing parameters are initialised as Hugging Face does from `seed`. Both go through
/// `take`, which may be null.
void read_weights(const WeightPlan&, const TensorSource&, double initializer_range, uint64_t seed, const TakeTensor& take = nullptr);
/// Both.
LoadReport load_weights(Model&, const TensorSource&, uint64_t seed);

/// Initialises a parameter as Hugging Face does: N(0, range) for matrices (padding row zero), 0 for biases, 1/0 for norms. The
/// values depend on the seed and the parameter's name only.
void initialize(const NamedParameter&, double range, uint64_t seed);

/// All parameters under their checkpoint keys, as checkpoints hold them; weights stored in other forms are left out.
TensorMap weights_of(Module&);

}  // namespace attune
