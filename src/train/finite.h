// A loss or gradient that is not finite, said at the step it appears: step, rows, first bad tensor, learning rate.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "nn/backbone.h"

namespace attune {

struct NotFinite {
  std::string what;            ///< "loss" or "gradient norm"
  double value = 0;
  std::vector<uint64_t> rows;  ///< Example::row; those whose loss is bad, else all of the step
  std::string tensor;          ///< the first bad one: a weight, else the logits, else a gradient as backward meets them
};

/// A weight of the model or of `parameters` that is not finite, else "".
std::string first_bad_weight(const Context&, Model&, std::span<const NamedParameter> parameters);
/// The bad gradient nearest to the loss, else "".
std::string first_bad_gradient(const Context&, std::span<const NamedParameter> parameters);

/// Where the program stands, for the message.
struct StepPlace {
  int64_t step = 0;
  double epoch = 0, learning_rate = 0;
};
/// "loss is NaN at step 12 (epoch 0.5, learning rate 0.0005); rows 3, 17; first bad tensor: ..."
std::string describe(const NotFinite&, const StepPlace&);
/// Error(kNumerical) "train.not_finite"; `skipped`: steps skipped in a row before this one.
[[noreturn]] void fail_not_finite(const NotFinite&, const StepPlace&, int64_t skipped);

}  // namespace attune
