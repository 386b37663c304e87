// Masked language modelling (Devlin et al., arXiv 1810.04805, section 3.1): of the tokens that are not special a share is chosen anew in
// every epoch; 80 % of them are hidden behind the mask token, 10 % replaced by any token, 10 % kept; the chosen are to be told.
#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/random.h"
#include "metrics/language.h"
#include "tasks/documents.h"
#include "tasks/task.h"

namespace attune {
namespace {

constexpr uint64_t kChoice = 0x6d61736b, kReplacement = 0x72616e64;  // what the two draws of a token are keyed by

double uniform(uint64_t key) { return static_cast<double>(key >> 11) * 0x1.0p-53; }

class FillMask : public Task {
 public:
  using Task::Task;

  int64_t outputs() const override { return 0; }

  std::vector<Example> encode(const Row& row, const Tokenizer& tokenizer) const override {
    EncodeOptions options;
    options.max_length = std::min(kComparedTokens, settings_.max_length);
    Encoding e = tokenizer.encode(row.text, std::nullopt, options);
    Example x;
    x.row = row.index;
    x.ids = std::move(e.ids);
    x.type_ids = std::move(e.type_ids);
    return {std::move(x)};
  }

  std::vector<Example> encode_all(std::span<const Row> rows, const Tokenizer& tokenizer, const std::string& where, bool) const override {
    const auto mask = tokenizer.mask_id();
    if (!mask)
      fail(ErrorCode::kInput, {.id = "task.no_mask", .where = where, .what = "the tokenizer has no mask token, so nothing can be hidden", .hint = "GPT-2 and Llama learn with --task text-generation"});
    std::vector<Document> documents;
    for (const Row& row : rows) {
      documents.push_back(document_of(row.pair ? row.text + *row.pair : row.text, tokenizer));
      Document& d = documents.back();
      std::transform(d.special.begin(), d.special.end(), d.learned.begin(), [](int8_t special) { return static_cast<int8_t>(!special); });
    }
    std::vector<Example> examples = windows_of(documents, settings_.max_length, settings_.max_length, false);
    if (scored(examples).tokens == 0)
      fail(ErrorCode::kInput, {.id = "data.nothing_to_learn", .where = where, .what = "no row has a token that could be hidden"});
    for (Example& e : examples) e.labels.id = *mask;
    return examples;
  }

  bool same_tokens_every_epoch() const override { return false; }
  LossSum loss(const Context& ctx, Model& model, const Batch& batch, TokenKeys keys, const LossOptions& options, Var*) const override {
    const TokenKeys draws = keys ? keys : token_keys(batch, 0, 0);  // evaluation hides the same tokens every time
    Batch hidden_batch = batch;
    std::vector<int32_t> labels = token_labels(batch);
    hide(*draws, model.info().vocab_size, hidden_batch, labels);
    const Var hidden = model.hidden(ctx, hidden_batch, std::move(keys));
    return by_sequence(model.head()->language_loss(ctx, hidden, labels, options.label_smoothing), batch);
  }

  std::unique_ptr<Scores> scores() const override {
    return std::make_unique<TextScores>([probability = probability()](double loss, const ScoredText& s) {
      Json m = language_metrics(loss, s.tokens, 0);
      m["mlm_probability"] = probability;
      return m;
    });
  }
  std::string report(const Json& metrics) const override {
    return fmt::format("  pseudo-perplexity  {:.3f} of hidden tokens ({:.0f} % of {})\n", metrics["perplexity"].get<double>(), 100 * probability(), metrics["tokens"].get<int64_t>());
  }
  std::vector<std::string> metric_names() const override { return {}; }
  std::vector<std::string> headline() const override { return {"perplexity"}; }

  bool answers_rows() const override { return false; }
  Json answer(const RowOutputs&, bool) const override { throw Bug("a language model has no answer for a row"); }
  Json judged(const RowOutputs&) const override { throw Bug("a language model has no answer for a row"); }

 private:
  double probability() const { return settings_.options.mlm_probability.value_or(0.15); }

  /// The mask token's id came with each example's labels.
  void hide(const std::vector<uint64_t>& draws, int64_t vocabulary, Batch& batch, std::vector<int32_t>& labels) const {
    const int32_t mask = batch.labels.front().id;
    for (size_t t = 0; t < labels.size(); ++t) {
      if (labels[t] < 0) continue;
      const double chosen = uniform(mix_key(draws[t], kChoice)) / probability();
      if (chosen >= 1) {
        labels[t] = -100;
      } else if (chosen < 0.8) {
        batch.ids[t] = mask;
      } else if (chosen < 0.9) {
        batch.ids[t] = static_cast<int32_t>(mix_key(draws[t], kReplacement) % static_cast<uint64_t>(vocabulary));
      }
    }
  }
};

std::unique_ptr<Task> make_fill_mask(TaskSettings settings) { return std::make_unique<FillMask>(std::move(settings)); }

}  // namespace

extern const TaskKind kFillMask;
const TaskKind kFillMask{"fill-mask", "", HeadKind::kMaskedLm, RowKind::kDocument, 0, nullptr, nullptr, make_fill_mask};

}  // namespace attune
