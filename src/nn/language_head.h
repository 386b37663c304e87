// What heads of language models share: hidden states -> the architecture's own transform -> one logit a token of the vocabulary, by a
// matrix that is the word embedding (tied) or the head's own.
#pragma once

#include <memory>

#include "nn/backbone.h"

namespace attune {

class LanguageHead : public Head {
 public:
  ReadRows reads() const final { return ReadRows::kAll; }
  Var forward(const Context&, const Var& hidden) final;
  LossSum language_loss(const Context&, const Var& hidden, std::span<const int32_t> labels, float smoothing) final;
  std::vector<TiedKey> ties() final { return ties_; }
  void answer_in_int8(const Context&) final;

 protected:
  /// Of any rows.
  virtual Var transform(const Context&, const Var& hidden) const { return hidden; }
  /// The matrix is `table`; `bias` (V) may be null. `keys`: what checkpoints call the matrix, and a second name of the bias ("": none).
  void tie(Embedding& table, Parameter* bias, const std::string& weight_key, const std::string& bias_key = "");
  /// The matrix is the head's own, under `name`.
  void own(const std::string& name, int64_t vocabulary, int64_t width, bool with_bias);

 private:
  Embedding* table_ = nullptr;
  Parameter* bias_ = nullptr;
  std::unique_ptr<Linear> linear_;
  std::unique_ptr<Weight> table_int8_;  ///< of `table_`, for logits alone
  std::vector<TiedKey> ties_;
};

}  // namespace attune
