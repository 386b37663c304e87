// The ops: shape check, forward kernel, backward closure. One file each in this folder; `linear` lives in nn/, where its weights are.
// Shapes: T rows (tokens), C channels, H heads, V table rows, B sequences. A shape that does not fit is a Bug: sizes from files are
// checked when a model is loaded.
#pragma once

#include <span>

#include "ops/tape.h"
#include "quant/int8.h"

namespace attune {

/// What dropout needs beside the rows' keys: probability and the hash of its module's path.
struct DropoutSpec {
  float p = 0.0f;
  uint64_t module_key = 0;
};
/// The kernel's argument: p is 0 outside training. Bug when dropout acts on rows without keys.
Dropout acting_dropout(const Context&, const DropoutSpec&, const TokenKeys&);

/// Sum of table rows: word + position + token type embeddings. Each table is (V, C); ids (T) must lie in [0, V).
struct EmbeddingTerm {
  const Var* table;
  std::span<const int32_t> ids;
  int32_t padding_idx = -1;           ///< this row gets no gradient (formats: section 6.1)
  const Int8Matrix* int8 = nullptr;  ///< a frozen table at 8 bits, instead of `table`
};
Var embedding_sum(const Context&, std::span<const EmbeddingTerm> terms, TokenKeys keys);

/// layer_norm(dropout(x) + residual) (T, C); residual null: layer_norm(dropout(x)).
Var dropout_add_layer_norm(const Context&, const Var& x, const Var* residual, const DropoutSpec&, const Var& gamma, const Var& beta, float eps);

Var dropout(const Context&, const Var& x, const DropoutSpec&);

Var activation(const Context&, const Var& x, Activation act);

/// Multi-head attention over packed sequences; q (Tq, H*D), k and v (Tk, H*D).
struct AttentionSpec {
  int64_t heads = 1;
  float scale = 1.0f;
  bool causal = false;
  DropoutSpec dropout;
};
using Starts = std::shared_ptr<const std::vector<int64_t>>;
Var attention(const Context&, const AttentionSpec&, const Var& q, const Var& k, const Var& v, Starts q_starts, Starts k_starts);

/// Rows of x, with their keys; rows are distinct.
Var gather_rows(const Context&, const Var& x, std::shared_ptr<const std::vector<int64_t>> rows);

/// A loss as a sum and what to divide it by, so that accumulation equals the large batch. Calling the function sets the gradient of
/// the SUM on logits (when they want one); the division happens once an optimizer step.
struct LossSum {
  double sum = 0, count = 0;
  std::vector<float> rows;  ///< (B) each row's share of the sum
};
/// labels (B) in [0, C) or -100; weight (C) or empty. count = sum of the weights of the labels.
LossSum cross_entropy_loss(const Context&, const Var& logits, std::span<const int32_t> labels, std::span<const float> weight, float smoothing);
/// targets (B, C) of 0 and 1; count = B * C (PyTorch's mean).
LossSum bce_with_logits_loss(const Context&, const Var& logits, std::span<const float> targets);
/// targets (B, C); count = B * C.
LossSum mse_loss(const Context&, const Var& logits, std::span<const float> targets);

}  // namespace attune
