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

/// x / sqrt(mean(x^2) + eps) * gamma (T, C).
Var rms_norm(const Context&, const Var& x, const Var& gamma, float eps);

Var dropout(const Context&, const Var& x, const DropoutSpec&);

/// dropout(x) + residual.
Var dropout_add(const Context&, const Var& x, const Var& residual, const DropoutSpec&);

Var activation(const Context&, const Var& x, Activation act);

/// act(gate) * up (T, C).
Var gated(const Context&, const Var& gate, const Var& up, Activation act);

/// Columns of x as values of their own; `widths` add up to those of x, whose memory they share.
std::vector<Var> split_columns(const Context&, const Var& x, const std::vector<int64_t>& widths);

/// Rotary positions on the heads of x (T, H*D): table (T, D) holds cosines, then sines, of each row's D/2 angles. Writes over x's data,
/// which nothing else may need.
Var rotary(const Context&, const Var& x, int64_t heads, const Tensor& table);

/// Multi-head attention over packed sequences; q (Tq, H*D), k and v (Tk, KV*D) with KV key/value heads.
struct AttentionSpec {
  int64_t heads = 1;
  float scale = 1.0f;
  bool causal = false;
  DropoutSpec dropout;
  int64_t kv_heads = 0;  ///< a divisor of heads; 0: as many as heads
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
/// Logits (T, V) = x W' + bias of x (T, C): W (V, C) has one row a token and may be the embedding table (tied weights), bias (V) or null.
Var vocabulary_logits(const Context&, const Var& x, const Var& weight, const Var* bias);
/// cross_entropy_loss of vocabulary_logits, which are never held as a whole; labels (T) in [0, V) or -100. With a tape it sets the
/// gradients of the SUM on x, weight and bias where they want them; count = labels that are not -100.
LossSum vocabulary_loss(const Context&, const Var& x, const Var& weight, const Var* bias, std::span<const int32_t> labels, float smoothing);
/// targets (B, C) of 0 and 1; count = B * C (PyTorch's mean).
LossSum bce_with_logits_loss(const Context&, const Var& logits, std::span<const float> targets);
/// Focal losses (Lin et al. 2017): what is right already counts less. Of a softmax: -weight[y] (1 - p_y)^gamma log p_y, count as
/// cross_entropy_loss, which it is at gamma 0.
LossSum focal_loss(const Context&, const Var& logits, std::span<const int32_t> labels, std::span<const float> weight, float gamma);
/// Of a sigmoid an output: torchvision's sigmoid_focal_loss without alpha; count as bce_with_logits_loss, which it is at gamma 0.
LossSum sigmoid_focal_loss(const Context&, const Var& logits, std::span<const float> targets, float gamma);
/// targets (B, C); count = B * C.
LossSum mse_loss(const Context&, const Var& logits, std::span<const float> targets);

}  // namespace attune
