// AdamW as PyTorch computes it (Loshchilov and Hutter, arXiv 1711.05101), over named parameters, with the Trainer's rule for weight
// decay. Gradients are of a SUM of losses: `gradient_scale` holds 1 / count times the clipping coefficient.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "nn/module.h"

namespace attune {

/// False for parameters of a norm, biases, and names that say so (transformers' list).
bool takes_weight_decay(const NamedParameter& p);

/// L2 norm over all gradients. NaN or infinite exactly when some gradient is.
double gradient_norm(const Context& ctx, std::span<const NamedParameter> parameters);
void zero_gradients(std::span<const NamedParameter> parameters);
/// max_norm / (norm + 1e-6) where that is below 1, else 1; max_norm 0: 1.
double clip_coefficient(double norm, double max_norm);

class AdamW {
 public:
  struct Options {
    double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0;
  };
  /// Parameters must be loaded and trainable, and outlive this.
  AdamW(std::vector<NamedParameter> parameters, const Options& options);
  void step(const Context& ctx, double rate, double gradient_scale);
  int64_t updates() const { return updates_; }

  /// `exp_avg.NAME` and `exp_avg_sq.NAME`; shares storage with this.
  TensorMap state() const;
  /// Error(kInput) "checkpoint.optimizer" lists every missing, unexpected or misshapen moment.
  void set_state(const TensorMap& state, int64_t updates, const std::string& where);

 private:
  struct Moments {
    Tensor mean, square;
  };
  std::vector<NamedParameter> parameters_;
  std::vector<Moments> moments_;
  Options options_;
  int64_t updates_ = 0;
};

}  // namespace attune
