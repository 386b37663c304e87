// The weights of a model folder as a model sees them: one name and one shape a parameter, whether it is one tensor of the files or the
// several that bitsandbytes stores a quantised matrix in (quant/serialized.h).
#pragma once

#include <memory>

#include "io/base_weights.h"
#include "io/model_folder.h"

namespace attune {

class StoredWeights final : public BaseWeights {
 public:
  /// Reads headers and, of NF4 layers, the state. Error(kInput) "quant.tensors", or "quant.mixed" when layers are stored as nf4 and int8.
  explicit StoredWeights(std::shared_ptr<const WeightFiles> files);
  const std::vector<Entry>& entries() const override { return entries_; }
  StoredForm form() const override { return form_; }
  StoredForm form(const std::string& name) const override;
  /// Checked; mapped where the folder is ours (WeightFiles::read).
  Codes codes(const std::string& name) const override;
  Tensor read_f32(const std::string& name) const override;
  std::string fingerprint() const override { return files_->fingerprint(); }

 private:
  /// Integers without scales would be taken for values.
  void require_values(const std::string& name) const;
  const Entry& entry(const std::string& name) const;

  std::shared_ptr<const WeightFiles> files_;
  std::string where_;
  std::vector<Entry> entries_;  // by name
  StoredForm form_ = StoredForm::kPlain;
};

}  // namespace attune
