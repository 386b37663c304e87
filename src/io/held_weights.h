// A base's values in memory, read once for several trainings: each gets the same tensors, none a copy.
#pragma once

#include <memory>

#include "io/base_weights.h"

namespace attune {

class HeldWeights final : public BaseWeights {
 public:
  /// Reads every plain weight of `source`, and its fingerprint; what is stored in codes is read when asked for. Whoever changes a value
  /// that read_f32 gave out changes it for all: processes forked from this one each have their own.
  explicit HeldWeights(std::shared_ptr<const BaseWeights> source);
  const std::vector<Entry>& entries() const override { return source_->entries(); }
  StoredForm form() const override { return source_->form(); }
  StoredForm form(const std::string& name) const override { return source_->form(name); }
  Codes codes(const std::string& name) const override { return source_->codes(name); }
  Tensor read_f32(const std::string& name) const override;
  std::string fingerprint() const override { return fingerprint_; }

 private:
  std::shared_ptr<const BaseWeights> source_;
  TensorMap values_;
  std::string fingerprint_;
};

}  // namespace attune
