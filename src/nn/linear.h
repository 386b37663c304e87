// Linear layers as data: a stored weight, a bias, and a list of deltas that PEFT methods fill. linear() runs all of it as one op.
#pragma once

#include <memory>
#include <vector>

#include "nn/weight.h"
#include "ops/ops.h"

namespace attune {

/// y += scale * dropout(x) A^T B^T with A [r, in] and B [out, r] (LoRA, arXiv 2106.09685). Owned by the PEFT method's layer.
struct LowRankDelta : Module {
  LowRankDelta(int64_t out, int64_t in, int64_t r, float scale, float dropout);
  int64_t r;
  float scale;
  float dropout;
  Parameter a, b;  ///< paths <linear>.lora_A.weight, <linear>.lora_B.weight
  uint64_t dropout_key = 0;

 protected:
  void named() override;
};

struct Linear : Module {
  Linear(int64_t out, int64_t in, bool with_bias = true);
  int64_t out() const { return weight.out; }
  int64_t in() const { return weight.in; }
  Weight weight;
  bool has_bias;
  Parameter bias;
  /// Not children of the module tree: their parameters are the adapter, listed by peft/.
  std::vector<std::unique_ptr<LowRankDelta>> deltas;
};

/// What follows the product in the same op.
struct Epilogue {
  Activation activation = Activation::kNone;
};

/// y (T, out) = act(x W^T + b + deltas(x)); x (T, in).
Var linear(const Context&, const Var& x, const Linear&, const Epilogue& = {});
/// Several linears of one input into one buffer (T, sum of outs); the results are its columns.
std::vector<Var> linear_group(const Context&, const Var& x, const std::vector<const Linear*>& layers);
/// linear(linear(x, first, {activation}), second). Where both are frozen 8-bit products without deltas, act(u) and its gradient are made
/// inside the products and never stored, and u is kept in bf16.
Var feed_forward(const Context&, const Var& x, const Linear& first, Activation activation, const Linear& second);
/// Some tensor of the layer wants a gradient: weight, bias or a delta's.
bool trains(const Linear&);

}  // namespace attune
