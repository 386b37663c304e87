// Embedding tables, layer norms and dropouts as modules; the maths is in ops/.
#pragma once

#include <optional>
#include <span>

#include "nn/linear.h"
#include "nn/module.h"

namespace attune {

struct Embedding : Module {
  Embedding(int64_t rows, int64_t width, int32_t padding = -1);
  EmbeddingTerm rows(std::span<const int32_t> ids) const { return {&weight.var, ids, padding_idx, int8 ? &*int8 : nullptr}; }
  Parameter weight;
  int32_t padding_idx;
  std::optional<Int8Matrix> int8;  ///< a frozen table stored at 8 bits; `weight` is not loaded then
};

struct LayerNorm : Module {
  LayerNorm(int64_t width, float epsilon);
  Parameter weight, bias;
  float eps;
};

struct RmsNorm : Module {
  RmsNorm(int64_t width, float epsilon);
  Var forward(const Context& ctx, const Var& x) const { return rms_norm(ctx, x, weight.var, eps); }
  Parameter weight;
  float eps;
};

/// Key of the dropout called `name` in a module: masks depend on the path, never on the order of calls.
uint64_t dropout_key(const Module& owner, const std::string& name);

/// layer_norm(dropout(x) + residual).
Var add_norm(const Context&, const Var& x, const Var* residual, const DropoutSpec&, const LayerNorm&);

}  // namespace attune
