// Embedding tables, layer norms and dropouts as modules; the maths is in ops/.
#pragma once

#include "nn/linear.h"
#include "nn/module.h"

namespace attune {

struct Embedding : Module {
  Embedding(int64_t rows, int64_t width, int32_t padding = -1);
  Parameter weight;
  int32_t padding_idx;
};

struct LayerNorm : Module {
  LayerNorm(int64_t width, float epsilon);
  Parameter weight, bias;
  float eps;
};

/// Key of the dropout called `name` in a module: masks depend on the path, never on the order of calls.
uint64_t dropout_key(const Module& owner, const std::string& name);

/// layer_norm(dropout(x) + residual).
Var add_norm(const Context&, const Var& x, const Var* residual, const DropoutSpec&, const LayerNorm&);

}  // namespace attune
