// Keys and values of a text's tokens, kept so that each new token is one row of work. One cache a text; inference only.
#pragma once

#include <span>
#include <vector>

#include "ops/ops.h"

namespace attune {

class KvCache {
 public:
  /// `width`: columns of a layer's keys (key/value heads times head size).
  KvCache(int64_t layers, int64_t width) : layers_(static_cast<size_t>(layers)), width_(width) {}
  /// Tokens held: the next token's position. It grows when a whole forward pass has run.
  int64_t length() const { return length_; }
  /// A copy that goes its own way: samples of one prompt.
  KvCache fork() const;
  /// Forgets tokens from `length` on.
  void truncate(int64_t length);

  /// Appends rows to a layer; all layers must have got the same rows before advance() counts them.
  void append(size_t layer, const Tensor& k, const Tensor& v);
  void advance(int64_t rows) { length_ += rows; }
  const Tensor& keys(size_t layer) const { return layers_[layer].k; }
  const Tensor& values(size_t layer) const { return layers_[layer].v; }
  int64_t bytes() const;

 private:
  struct Layer {
    Tensor k, v;  ///< (capacity, width)
  };
  void reserve(Layer& layer, int64_t rows) const;
  std::vector<Layer> layers_;
  int64_t width_, length_ = 0;
};

/// Attention of new tokens to those in the caches and to themselves: sequence b is rows [starts[b], starts[b + 1]) of q, k and v, and its
/// keys and values are appended to caches[b] as layer `layer`. Nothing is recorded: Bug with a gradient or dropout.
Var cached_attention(const Context&, const AttentionSpec&, const Var& q, const Var& k, const Var& v, const std::vector<int64_t>& starts,
                     std::span<KvCache* const> caches, size_t layer);

}  // namespace attune
