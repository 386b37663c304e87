// The tensors of an adapter under PEFT's keys: `base_model.model.` + path, no adapter name. Reading also takes the other spellings
// that exist: without the prefix, with an adapter name (from a state_dict), biases with and without `.base_layer`, and the extra
// copies of a wrapped head that bias=all leaves behind.
#pragma once

#include <map>
#include <set>
#include <string>

#include "nn/module.h"

namespace attune {

class AdapterKeys {
 public:
  /// `key`: the path without prefix. `saved`: part of a module trained in full.
  void expect(const std::string& key, Parameter* p, bool saved);
  const std::map<std::string, Parameter*>& expected() const { return expected_; }
  /// Current values under PEFT's keys, and the extras of the file the adapter came from.
  TensorMap tensors() const;
  /// Error(kInput) "adapter.keys" lists every missing, unexpected, misshapen and mistyped tensor before anything changes.
  void load(const TensorMap& tensors, const std::string& where, const std::string& hint);

 private:
  struct Found {
    std::string key;    ///< of expected_; "": not known
    bool copy = false;  ///< a repetition of a saved tensor, or its frozen original; never stands in for it
    bool original = false;
  };
  Found resolve(const std::string& name) const;

  std::map<std::string, Parameter*> expected_;
  std::set<std::string> saved_;
  std::map<std::string, std::string> twins_;  ///< key in the file -> key of expected_ whose value it repeats
  TensorMap extras_;                          ///< frozen originals of wrapped heads, kept as they were
};

}  // namespace attune
