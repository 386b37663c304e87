// The weights of a model folder as a model sees them: one name and one shape a parameter, whether it is one tensor of the files or the
// several that bitsandbytes stores a quantised matrix in (quant/serialized.h).
#pragma once

#include <memory>
#include <variant>

#include "io/model_folder.h"
#include "quant/int8.h"
#include "quant/nf4.h"
#include "quant/stored_form.h"

namespace attune {

class StoredWeights {
 public:
  struct Entry {
    std::string name;  ///< "encoder.layer.0.output.dense.weight"
    Shape shape;       ///< of the parameter, not of its codes
    StoredForm form = StoredForm::kPlain;
  };

  /// Reads headers and, of NF4 layers, the state. Error(kInput) "quant.tensors", or "quant.mixed" when layers are stored as nf4 and int8.
  explicit StoredWeights(std::shared_ptr<const WeightFiles> files);
  const std::vector<Entry>& entries() const { return entries_; }
  /// Of the folder: that of its quantised layers, kPlain when there are none.
  StoredForm form() const { return form_; }
  StoredForm form(const std::string& name) const;
  /// What is stored for `name`, checked, of class kQuantized; mapped where the folder is ours (WeightFiles::read). Plain: monostate.
  std::variant<std::monostate, Int8Matrix, Nf4Matrix> codes(const std::string& name) const;
  /// The values.
  Tensor read_f32(const std::string& name) const;

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
