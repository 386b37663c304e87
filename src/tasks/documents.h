// Rows of raw text for language models: tokens that know how many bytes of the text they stand for, cut into windows and packed.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "data/row.h"
#include "ops/ops.h"
#include "tasks/task.h"
#include "tensor/batch.h"
#include "text/tokenizer.h"

namespace attune {

struct Document {
  std::vector<int32_t> ids, type_ids;
  std::vector<int8_t> special;   ///< added by the tokenizer or by us, not part of the text
  std::vector<int8_t> learned;   ///< the model is to say this token
  std::vector<int32_t> bytes;    ///< of the UTF-8 text each token stands for; their sum is the text's length
  bool packed = false;           ///< may share an example with other documents; otherwise what is too long is cut off
};

/// The whole text, every token learned.
Document document_of(std::string_view text, const Tokenizer& tokenizer, bool special_tokens = true);

/// Bytes of the text that the tokens with a label stand for; what bits per byte divide by.
struct ScoredBytes : ExampleDetail {
  int64_t bytes = 0;
};

/// Documents as examples of at most `most` tokens. Those that may be packed share examples, one sequence each: no token sees another
/// document. A longer one goes on in windows that move by `stride` (at most `most`) and score only what no window before them scored.
/// `next`: labels of causal models, the token that follows in the same sequence; otherwise each token's own id.
/// Example::row counts sequences, so that dropout differs between windows.
std::vector<Example> windows_of(std::span<const Document> documents, int64_t most, int64_t stride, bool next);

/// The examples' tokens with a label, and the bytes they stand for.
struct ScoredText {
  int64_t tokens = 0, bytes = 0;
};
ScoredText scored(std::span<const Example> examples);

/// The metrics of a language model: sums alone are kept.
class TextScores : public Scores {
 public:
  /// `json` makes them of the mean loss and of what was scored.
  explicit TextScores(std::function<Json(double loss, const ScoredText&)> json) : json_(std::move(json)) {}
  void add(const RowOutputs& some) override;
  Json metrics(std::optional<double> loss) const override;

 private:
  std::function<Json(double, const ScoredText&)> json_;
  ScoredText sum_;
};

/// Tokens of a row looked at when two forms of a model are compared.
constexpr int64_t kComparedTokens = 16;

/// Labels of a batch, one a token.
std::vector<int32_t> token_labels(const Batch& batch);
/// A loss with a share a token as one with a share a sequence.
LossSum by_sequence(LossSum loss, const Batch& batch);

}  // namespace attune
