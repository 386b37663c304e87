// What tasks and PEFT methods know of a model: a backbone that turns packed tokens into hidden states, a head built for it, and
// nothing about the architecture.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "nn/layers.h"
#include "nn/recompute.h"
#include "tensor/batch.h"

namespace attune {

class KvCache;  // nn/kv_cache.h

/// Which token rows the caller will read; the last layer computes only those.
enum class ReadRows { kAll, kFirst, kLast };

struct Input {
  const Batch* batch = nullptr;
  ReadRows read = ReadRows::kAll;
  TokenKeys dropout_keys;  ///< (T), needed while training with dropout; see token_keys()
  /// Decoders: one a sequence, whose earlier tokens it holds and which gets the batch's; the batch's positions go on where it stands. Empty:
  /// none.
  std::span<KvCache* const> caches = {};
};

/// The rows `read` selects: none for kAll, else one index a sequence.
std::shared_ptr<const std::vector<int64_t>> rows_read(const Batch&, ReadRows);
/// Starts of sequences of one row each: 0, 1, ..., n.
Starts one_row_each(int64_t n);
/// Keys of a batch's tokens: mix_key(seed, epoch, row id, position).
TokenKeys token_keys(const Batch&, uint64_t seed, uint64_t epoch);

/// A dropout of the backbone under its key in config.json.
struct BackboneDropout {
  const char* key;
  float p;
  bool in_embeddings;  ///< else in layers only
};

/// The numbers every architecture has, under one name.
struct BackboneInfo {
  std::string model_type;
  int64_t hidden_size = 0, layers = 0, heads = 0, intermediate_size = 0, vocab_size = 0, max_positions = 0;
  int64_t token_types = 0;  ///< 0: the model takes none
  int32_t pad_token_id = 0;
  double initializer_range = 0.02;
  bool causal = false;       ///< tokens see earlier ones only; the model can generate
  int64_t cache_width = 0;   ///< columns of a layer's keys, for a KvCache
  std::vector<BackboneDropout> dropouts = {};
};

/// A forward pass in parts, which keep what they need of the input.
struct ForwardPass {
  std::function<Var(const Context&)> embeddings;
  std::vector<LayerFunction> layers;
  LayerFunction finish;                              ///< of the last layer's output; null: that is the result
  std::shared_ptr<const std::vector<int64_t>> rows;  ///< of the batch that the result has; null: all
};

class Backbone : public Module {
 public:
  virtual const BackboneInfo& info() const = 0;
  /// Hidden states (T, hidden) of all tokens, or (B, hidden) of the rows read.
  Var forward(const Context& ctx, const Input& in) { return states(ctx, in, info().layers); }
  /// What `layer` takes, (T, hidden); for info().layers the result of forward(). A batch that brings states goes on from them.
  Var states(const Context&, const Input&, int64_t layer);
  /// The lowest layer whose output wants a gradient; info().layers: none does. Nothing: the embeddings train.
  std::optional<int64_t> lowest_trained(const Context&);

 protected:
  virtual ForwardPass pass(const Input&) = 0;
};

enum class HeadKind { kNone, kSequenceClassification, kTokenClassification, kQuestionAnswering, kCausalLm, kMaskedLm };
constexpr HeadKind kHeadKinds[] = {HeadKind::kNone,      HeadKind::kSequenceClassification, HeadKind::kTokenClassification, HeadKind::kQuestionAnswering,
                                   HeadKind::kCausalLm, HeadKind::kMaskedLm};

/// A checkpoint key that names a parameter kept elsewhere: `lm_head.weight` is the word embedding where weights are tied. Files may hold
/// it too, with the same values; it is never written.
struct TiedKey {
  std::string key;
  Parameter* parameter;
};

/// The task layer as Hugging Face builds it for this architecture: its keys, dropouts, pooling and ties.
class Head : public Module {
 public:
  virtual ReadRows reads() const = 0;
  /// Hidden states of the rows it reads to logits (B or T, labels); of language models and token heads, any rows.
  virtual Var forward(const Context&, const Var& hidden) = 0;
  /// Language models: the loss of the rows of `hidden` that have a label, without the logits of the others and without ever holding all
  /// logits (nn/language_head.h). labels (rows): the token each row is to say, -100 none; a causal model's row t says token t + 1 of its
  /// text: the caller shifts. Sets gradients like every loss; `rows` of the result has an entry a row of `hidden`. Bug for other heads.
  virtual LossSum language_loss(const Context&, const Var& hidden, std::span<const int32_t> labels, float smoothing);
  virtual std::vector<TiedKey> ties() { return {}; }
  /// For models that only answer: logits by 8-bit products, where the head has a large matrix (language models).
  virtual void answer_in_int8(const Context&) {}
};

/// A backbone under its checkpoint prefix (`bert.`) with a head beside it. Parameter paths are checkpoint keys.
class Model : public Module {
 public:
  /// `other_prefix`: of backbone keys in checkpoints of this architecture's other heads, where it differs.
  Model(std::string prefix, std::unique_ptr<Backbone> backbone, std::unique_ptr<Head> head, int64_t labels, std::string other_prefix = "");
  /// Logits of the rows the head reads; hidden states without a head.
  Var forward(const Context&, const Batch&, TokenKeys dropout_keys = nullptr);
  /// Hidden states of the rows the head reads.
  Var hidden(const Context&, const Batch&, TokenKeys dropout_keys = nullptr);
  /// Of Backbone::states(), for the rows the head reads.
  Tensor states(const Context&, const Batch&, int64_t layer);
  Backbone& backbone() { return *backbone_; }
  Head* head() { return head_.get(); }
  const BackboneInfo& info() const { return backbone_->info(); }
  const std::string& prefix() const { return prefix_; }
  const std::string& other_prefix() const { return other_prefix_; }
  int64_t labels() const { return labels_; }

 private:
  std::string prefix_, other_prefix_;
  std::unique_ptr<Backbone> backbone_;
  std::unique_ptr<Head> head_;
  int64_t labels_;
};

}  // namespace attune
