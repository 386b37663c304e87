// Heads that need nothing of their architecture but names: one linear layer over every token, or over the last one.
#pragma once

#include "nn/backbone.h"

namespace attune {

/// dropout -> linear, over every row. Token classification and question answering (two outputs: start, end).
class TokenHead : public Head {
 public:
  /// `name`: of the linear layer in a checkpoint.
  TokenHead(std::string name, int64_t labels, int64_t width, float dropout, bool with_bias = true);
  ReadRows reads() const override { return ReadRows::kAll; }
  Var forward(const Context&, const Var& hidden) override;
  void named() override;

 private:
  Linear linear_;
  float p_;
  uint64_t key_ = 0;
};

/// One linear layer without bias over the last token: sequence classification of decoders.
class LastTokenHead : public Head {
 public:
  LastTokenHead(std::string name, int64_t labels, int64_t width);
  ReadRows reads() const override { return ReadRows::kLast; }
  Var forward(const Context& ctx, const Var& hidden) override { return linear(ctx, hidden, linear_); }

 private:
  Linear linear_;
};

}  // namespace attune
