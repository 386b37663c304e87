// What decoders share beside their layers: which rows a pass computes last, and attention with or without a cache.
#pragma once

#include "nn/backbone.h"
#include "nn/kv_cache.h"

namespace attune {

/// One forward pass of a decoder over packed sequences.
class DecoderPass {
 public:
  /// `padding`: kLast reads a sequence's rightmost token that is another (its first where all are), as Hugging Face's classifiers do; -1:
  /// the last one.
  DecoderPass(Input in, int32_t padding);
  const Starts& starts() const { return starts_; }
  /// The last layer may compute queries of these rows alone: they are the last ones, which see every key. Null: it computes all.
  const std::shared_ptr<const std::vector<int64_t>>& last_layer_rows() const { return narrow_; }
  /// The rows the caller reads; null: all.
  const std::shared_ptr<const std::vector<int64_t>>& rows() const { return rows_; }
  /// Attention of `layer`; `narrowed`: q has last_layer_rows() only.
  Var attend(const Context&, const AttentionSpec&, const Var& q, const Var& k, const Var& v, size_t layer, bool narrowed) const;
  /// From the last layer's output to the rows the caller reads; counts the tokens of the caches.
  Var finish(const Context&, const Var& x) const;

 private:
  Input in_;
  Starts starts_, row_starts_;
  std::shared_ptr<const std::vector<int64_t>> rows_, narrow_;
};

}  // namespace attune
