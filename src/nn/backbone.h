// What tasks and PEFT methods know of a model: a backbone that turns packed tokens into hidden states, a head built for it, and
// nothing about the architecture.
#pragma once

#include <memory>
#include <string>

#include "nn/layers.h"
#include "tensor/batch.h"

namespace attune {

/// Which token rows the caller will read; the last layer computes only those.
enum class ReadRows { kAll, kFirst, kLast };

struct Input {
  const Batch* batch = nullptr;
  ReadRows read = ReadRows::kAll;
  TokenKeys dropout_keys;  ///< (T), needed while training with dropout; see token_keys()
};

/// The rows `read` selects: none for kAll, else one index a sequence.
std::shared_ptr<const std::vector<int64_t>> rows_read(const Batch&, ReadRows);
/// Starts of sequences of one row each: 0, 1, ..., n.
Starts one_row_each(int64_t n);
/// Keys of a batch's tokens: mix_key(seed, epoch, row id, position).
TokenKeys token_keys(const Batch&, uint64_t seed, uint64_t epoch);

/// The numbers every architecture has, under one name.
struct BackboneInfo {
  std::string model_type;
  int64_t hidden_size = 0, layers = 0, heads = 0, intermediate_size = 0, vocab_size = 0, max_positions = 0;
  int64_t token_types = 0;  ///< 0: the model takes none
  int32_t pad_token_id = 0;
  double initializer_range = 0.02;
};

class Backbone : public Module {
 public:
  virtual const BackboneInfo& info() const = 0;
  /// Hidden states (T, hidden) of all tokens, or (B, hidden) of the rows read.
  virtual Var forward(const Context&, const Input&) = 0;
};

enum class HeadKind { kNone, kSequenceClassification, kTokenClassification, kQuestionAnswering, kCausalLm, kMaskedLm };
constexpr HeadKind kHeadKinds[] = {HeadKind::kNone,      HeadKind::kSequenceClassification, HeadKind::kTokenClassification, HeadKind::kQuestionAnswering,
                                   HeadKind::kCausalLm, HeadKind::kMaskedLm};

/// The task layer as Hugging Face builds it for this architecture: its keys, dropouts, pooling and ties.
class Head : public Module {
 public:
  virtual ReadRows reads() const = 0;
  /// Hidden states of the rows it reads to logits (B or T, labels).
  virtual Var forward(const Context&, const Var& hidden) = 0;
};

/// A backbone under its checkpoint prefix (`bert.`) with a head beside it. Parameter paths are checkpoint keys.
class Model : public Module {
 public:
  Model(std::string prefix, std::unique_ptr<Backbone> backbone, std::unique_ptr<Head> head, int64_t labels);
  Var forward(const Context&, const Batch&, TokenKeys dropout_keys = nullptr);
  Backbone& backbone() { return *backbone_; }
  Head* head() { return head_.get(); }
  const BackboneInfo& info() const { return backbone_->info(); }
  const std::string& prefix() const { return prefix_; }
  int64_t labels() const { return labels_; }

 private:
  std::string prefix_;
  std::unique_ptr<Backbone> backbone_;
  std::unique_ptr<Head> head_;
  int64_t labels_;
};

}  // namespace attune
