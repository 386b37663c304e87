// Angles of rotary positions as Hugging Face's configurations describe them (docs/formats.md, section 6.10).
#pragma once

#include <string>
#include <vector>

#include "nn/model_config.h"
#include "tensor/batch.h"
#include "tensor/tensor.h"

namespace attune {

class RotaryPositions {
 public:
  /// Reads `rope_scaling`, `rope_parameters`, `rope_theta`. Error(kInput) "config.rope_type" names the types that are supported,
  /// "config.rope" a value that is missing or out of range, "config.head_dim" an odd head size.
  RotaryPositions(const ModelConfig&, int64_t head_dim, int64_t max_positions);
  /// (T, head_dim): cosines, then sines, of each token's angles, times the attention factor.
  Tensor table(const Batch&) const;
  /// Frequencies of a text of `length` tokens (`dynamic` depends on it).
  std::vector<float> frequencies(int64_t length) const;
  float attention_factor() const { return attention_factor_; }

 private:
  std::vector<float> plain(double theta) const;
  int64_t dim_, max_positions_;
  double theta_, dynamic_factor_ = 0;  ///< above 0: rope type dynamic
  std::vector<float> frequencies_;
  float attention_factor_ = 1.0f;
};

}  // namespace attune
