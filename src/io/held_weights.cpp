#include "io/held_weights.h"

namespace attune {

HeldWeights::HeldWeights(std::shared_ptr<const BaseWeights> source) : source_(std::move(source)), fingerprint_(source_->fingerprint()) {
  for (const Entry& e : source_->entries())
    if (e.form == StoredForm::kPlain) values_[e.name] = source_->read_f32(e.name);
}

Tensor HeldWeights::read_f32(const std::string& name) const {
  const auto it = values_.find(name);
  return it == values_.end() ? source_->read_f32(name) : it->second;
}

}  // namespace attune
