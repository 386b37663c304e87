// Parts of a model by name: head, layers, embeddings.
#pragma once

#include <set>

#include "peft/method.h"

namespace attune {

std::set<const Parameter*> head_parameters(Model& model);
/// For methods that train the head alone: Error "peft.no_head" when it has no parameters (a language model with tied weights).
void require_own_weights(const std::set<const Parameter*>& head, const Origin& origin);

/// The parts that freeze_layers, freeze_first_layers and freeze_embeddings hold still.
class FrozenParts {
 public:
  /// Error "peft.layer" when a number names no layer of the model.
  FrozenParts(const PeftConfig& options, const BackboneInfo& info, const Origin& origin);
  bool none() const { return layers_.empty() && !embeddings_; }
  bool contains(const NamedParameter& p) const;

 private:
  std::set<int64_t> layers_;
  bool embeddings_;
};

}  // namespace attune
