// The weights of a base as a model sees them: one name, one shape and one stored form a parameter, wherever they stand.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "quant/int8.h"
#include "quant/nf4.h"
#include "quant/stored_form.h"

namespace attune {

class BaseWeights {
 public:
  struct Entry {
    std::string name;  ///< "encoder.layer.0.output.dense.weight"
    Shape shape;       ///< of the parameter, not of its codes
    StoredForm form = StoredForm::kPlain;
  };
  using Codes = std::variant<std::monostate, Int8Matrix, Nf4Matrix>;

  virtual ~BaseWeights() = default;
  virtual const std::vector<Entry>& entries() const = 0;
  /// Of all: that of the quantised layers, kPlain when there are none.
  virtual StoredForm form() const = 0;
  virtual StoredForm form(const std::string& name) const = 0;
  /// What is stored for `name`, of class kQuantized. Plain: monostate.
  virtual Codes codes(const std::string& name) const = 0;
  /// The values.
  virtual Tensor read_f32(const std::string& name) const = 0;
  /// SHA-256 over names, types, shapes and bytes as stored (kept in attune.json, reliability I3). Reads everything at the first call.
  virtual std::string fingerprint() const = 0;
};

}  // namespace attune
