// Parameter counts as PEFT prints them, from shapes alone, and beside them the split that says what the numbers are made of.
#pragma once

#include <cstdint>
#include <string>

namespace attune {

struct ParameterCounts {
  int64_t adapter = 0;    ///< the method's own tensors, and biases trained with them
  int64_t head = 0;       ///< the head and other modules trained in full (modules_to_save)
  int64_t trainable = 0;  ///< all that training changes
  int64_t all = 0;        ///< PEFT's count: a saved module counts twice, since PEFT keeps the frozen original beside its copy
  double percent() const { return all ? 100.0 * static_cast<double>(trainable) / static_cast<double>(all) : 0.0; }
  /// "trainable params: 628,994 || all params: 67,584,004 || trainable%: 0.9307"
  std::string line() const;
  /// "adapter 36,864 + head 592,130 = 628,994 trainable"
  std::string split() const;
};

/// 67,584,004
std::string with_thousands(int64_t n);

}  // namespace attune
