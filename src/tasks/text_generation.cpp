// Causal language modelling: every token is told from those before it. Rows are texts, packed to max_length without seeing one another,
// or prompts with completions and chats, of which the answers alone are learned (formats: section 17.2).
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "base/log.h"
#include "metrics/language.h"
#include "tasks/documents.h"
#include "tasks/task.h"
#include "text/chat.h"

namespace attune {
namespace {


void append_end(Document& d, const Tokenizer& tokenizer) {
  const auto eos = tokenizer.eos_id();
  if (!eos || (!d.ids.empty() && d.ids.back() == *eos)) return;
  d.ids.push_back(*eos);
  d.type_ids.push_back(0);
  d.special.push_back(1);
  d.learned.push_back(1);
  d.bytes.push_back(0);
}

class TextGeneration : public Task {
 public:
  using Task::Task;

  int64_t outputs() const override { return 0; }

  std::vector<Example> encode(const Row& row, const Tokenizer& tokenizer) const override {
    Document d = document(row, tokenizer);
    Example x;
    x.row = row.index;
    x.ids.assign(d.ids.begin(), d.ids.begin() + std::min<int64_t>(static_cast<int64_t>(d.ids.size()), std::min(kComparedTokens, settings_.max_length)));
    if (x.ids.empty()) x.ids.push_back(tokenizer.eos_id().value_or(0));
    return {std::move(x)};
  }

  std::vector<Example> encode_all(std::span<const Row> rows, const Tokenizer& tokenizer, const std::string& where, bool) const override {
    std::vector<Document> documents;
    for (const Row& row : rows) documents.push_back(document(row, tokenizer));
    const int64_t most = settings_.max_length;
    std::vector<Example> examples = windows_of(documents, most, stride(), true);
    // A text's last token alone in its window.
    std::erase_if(examples, [](const Example& e) { return e.ids.size() < 2; });
    const size_t all = examples.size();
    std::erase_if(examples, [](const Example& e) {
      return std::all_of(e.labels.tokens.begin(), e.labels.tokens.end(), [](int32_t id) { return id < 0; });
    });
    if (examples.empty())
      fail(ErrorCode::kInput, {.id = "data.nothing_to_learn", .where = where, .what = "no row has a token that follows another one", .hint = "look at max_length and at the texts"});
    if (examples.size() < all) warning(fmt::format("{} of {} examples of {} have nothing to learn within {} tokens and are left out", all - examples.size(), all, where, most));
    return examples;
  }

  LossSum loss(const Context& ctx, Model& model, const Batch& batch, TokenKeys keys, const LossOptions& options, Var*) const override {
    const Var hidden = model.hidden(ctx, batch, std::move(keys));
    return by_sequence(model.head()->language_loss(ctx, hidden, token_labels(batch), options.label_smoothing), batch);
  }

  std::unique_ptr<Scores> scores() const override {
    return std::make_unique<TextScores>([context = settings_.max_length, stride = stride()](double loss, const ScoredText& s) {
      Json m = language_metrics(loss, s.tokens, s.bytes);
      m["context"] = context;
      m["stride"] = stride;
      return m;
    });
  }
  std::string report(const Json& metrics) const override { return language_table(metrics); }
  std::vector<std::string> metric_names() const override { return {}; }
  std::vector<std::string> headline() const override { return {"perplexity", "bits_per_byte"}; }

  bool answers_rows() const override { return false; }
  Json answer(const RowOutputs&, bool) const override { throw Bug("a language model has no answer for a row"); }
  Json judged(const RowOutputs&) const override { throw Bug("a language model has no answer for a row"); }

 private:
  int64_t stride() const { return std::min(settings_.options.window_stride.value_or(settings_.max_length), settings_.max_length); }

  Document document(const Row& row, const Tokenizer& tokenizer) const {
    if (row.pair) return completed(row, tokenizer);
    if (!row.label.is_null()) return chat(row, tokenizer);
    Document d = document_of(row.text, tokenizer);
    append_end(d, tokenizer);
    return d;
  }

  /// Messages in the form the model was tuned on: what the assistant says is learned, of a prompt with a completion only the latter.
  Document chat(const Row& row, const Tokenizer& tokenizer) const {
    const std::string where = fmt::format("line {}", row.line);
    const auto form = chat_form_named(settings_.options.chat_template);
    if (!form)
      fail(ErrorCode::kUsage, {.id = "chat.form", .where = where, .what = "messages need the form the model was tuned on", .expected = "chat_template: chatml, smollm2 or llama3"});
    const bool parts = row.label.is_object();
    std::vector<ChatMessage> messages = messages_of(parts ? row.label["prompt"] : row.label);
    const std::string bos = tokenizer.bos_id() ? tokenizer.token(*tokenizer.bos_id()) : "";
    size_t context = 0;  // pieces of the prompt
    if (parts) {
      context = render_chat(*form, messages, false, bos, where).size();
      for (ChatMessage& m : messages_of(row.label["completion"])) messages.push_back(std::move(m));
    }
    const std::vector<ChatPiece> pieces = render_chat(*form, messages, false, bos, where);
    const std::string text = chat_text(pieces);
    Document d = document_of(text, tokenizer, false);
    d.packed = false;
    if (!settings_.options.completion_only_loss.value_or(true)) return d;
    std::fill(d.learned.begin(), d.learned.end(), int8_t{0});
    size_t at = 0;  // bytes; pieces begin and end at special tokens or line ends, so tokens do not straddle them
    size_t token = 0, covered = 0;
    for (size_t i = 0; i < pieces.size(); ++i) {
      at += pieces[i].text.size();
      for (; token < d.ids.size() && covered + static_cast<size_t>(d.bytes[token]) <= at; ++token) {
        covered += static_cast<size_t>(d.bytes[token]);
        d.learned[token] = static_cast<int8_t>(pieces[i].trained && i >= context);
      }
    }
    return d;
  }

  static std::vector<ChatMessage> messages_of(const Json& list) {
    std::vector<ChatMessage> messages;
    for (const Json& m : list) messages.push_back({m["role"].get<std::string>(), m["content"].get<std::string>()});
    return messages;
  }

  /// Prompt and completion as one text; the completion begins where its tokens first differ from the prompt's own.
  Document completed(const Row& row, const Tokenizer& tokenizer) const {
    Document d = document_of(row.text + *row.pair, tokenizer);
    append_end(d, tokenizer);
    d.packed = false;
    if (!settings_.options.completion_only_loss.value_or(true)) return d;
    const Document prompt = document_of(row.text, tokenizer);
    size_t same = 0;
    while (same < prompt.ids.size() && same < d.ids.size() && prompt.ids[same] == d.ids[same]) ++same;
    std::fill(d.learned.begin(), d.learned.begin() + static_cast<std::ptrdiff_t>(same), int8_t{0});
    return d;
  }
};

std::unique_ptr<Task> make_text_generation(TaskSettings settings) { return std::make_unique<TextGeneration>(std::move(settings)); }

}  // namespace

extern const TaskKind kTextGeneration;
const TaskKind kTextGeneration{"text-generation", "CAUSAL_LM", HeadKind::kCausalLm, RowKind::kDocument, 1024, nullptr, nullptr, make_text_generation};

}  // namespace attune
