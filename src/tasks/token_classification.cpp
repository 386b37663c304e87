// Token classification: a tag for every word, named entities above all. A word's tag is learned by its first piece; sentences longer than
// the model are cut into windows so that every word is read and scored once (formats: sections 9.7, 10.4).
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/code_points.h"
#include "base/error.h"
#include "base/random.h"
#include "metrics/aggregation.h"
#include "metrics/classification.h"
#include "metrics/tag_report.h"
#include "tasks/documents.h"
#include "tasks/task.h"
#include "tasks/token_classification_tags.h"
#include "tasks/token_windows.h"

namespace attune {
namespace {

constexpr int32_t kNoTag = -100;

/// A window of a row: where its words and tokens stand.
struct WordWindow : ExampleDetail {
  struct Word {
    size_t word;   ///< in the row
    size_t token;  ///< its first in the window
    size_t pieces;
    bool owned;  ///< this window says the word's tag
  };
  std::vector<Word> words;
  std::vector<std::pair<int64_t, int64_t>> offsets;  ///< by token, in code points of the row's text
  std::vector<int8_t> goes_on;                       ///< by token: a further piece of a word
  size_t words_of_row = 0;
};
const WordWindow& word_window(const Example& x) { return static_cast<const WordWindow&>(*x.detail); }

/// The tokens of a row, before windows and special tokens.
struct Pieces {
  std::vector<int32_t> ids;
  std::vector<std::pair<int64_t, int64_t>> offsets;
  std::vector<int32_t> count;  ///< by word
};

Pieces pieces_of_words(const Row& row, const Tokenizer& tokenizer) {
  EncodeOptions bare;
  bare.special_tokens = false;
  // A byte-level vocabulary tells words after a space from those without: each word gets its space, as with add_prefix_space.
  const bool spaced = tokenizer.encode("a", std::nullopt, bare).ids != tokenizer.encode(" a", std::nullopt, bare).ids;
  Pieces out;
  int64_t begin = 0;
  for (const std::string& word : row.tokens) {
    const bool added = spaced && !word.starts_with(' ');
    const Encoding e = tokenizer.encode(added ? " " + word : word, std::nullopt, bare);
    out.ids.insert(out.ids.end(), e.ids.begin(), e.ids.end());
    for (const auto& [from, to] : e.offsets) out.offsets.emplace_back(begin + std::max(0, from - added), begin + std::max(0, to - added));
    out.count.push_back(static_cast<int32_t>(e.ids.size()));
    begin += CodePoints(word).size() + 1;
  }
  return out;
}

/// Words as the tokenizer's pre-tokeniser finds them.
Pieces pieces_of_text(const Row& row, const Tokenizer& tokenizer) {
  EncodeOptions bare;
  bare.special_tokens = false;
  Encoding e = tokenizer.encode(row.text, std::nullopt, bare);
  Pieces out;
  for (size_t i = 0; i < e.ids.size(); ++i) {
    if (i == 0 || e.word_ids[i] != e.word_ids[i - 1]) out.count.push_back(0);
    ++out.count.back();
    out.offsets.emplace_back(e.offsets[i]);
  }
  out.ids = std::move(e.ids);
  return out;
}

/// Special tokens around a text.
struct Frame {
  std::vector<int32_t> before, after;
};
Frame frame_of(const Tokenizer& tokenizer) {
  const Encoding e = tokenizer.encode("a");
  Frame f;
  bool inside = false;
  for (size_t i = 0; i < e.ids.size(); ++i) {
    if (!e.special[i])
      inside = true;
    else
      (inside ? f.after : f.before).push_back(e.ids[i]);
  }
  return f;
}

/// Whether a token is a further piece of a word, as Hugging Face's pipeline tells it: where the vocabulary marks such pieces, by the
/// token's length being another than its text's, else by there being no space before it.
std::vector<int8_t> further_pieces(const Pieces& p, const std::string& text, const Tokenizer& tokenizer) {
  bool marks = false;
  for (const char c : std::string_view("abcdefghijklmnopqrstuvwxyz0123456789")) marks = marks || tokenizer.id(std::string("##") + c);
  const CodePoints points(text);
  std::vector<int8_t> out;
  for (size_t i = 0; i < p.ids.size(); ++i) {
    const auto [begin, end] = p.offsets[i];
    const std::string token = tokenizer.token(p.ids[i]);
    bool goes_on = false;
    if (token == "[UNK]" || token == "<unk>") {
      goes_on = false;
    } else if (marks) {
      goes_on = CodePoints(token).size() != end - begin;
    } else {
      goes_on = begin > 0 && points.slice(begin - 1, begin + 1).find(' ') == std::string_view::npos;
    }
    out.push_back(goes_on);
  }
  return out;
}

class TokenClassification : public Task {
  /// Keeps what TagTally does.
  class TagScores : public Scores {
   public:
    explicit TagScores(const TokenClassification& task) : task_(task), tally_(scheme_of_labels(task.settings_.labels), task.settings_.options.strict.value_or(false)) {}
    void add(const RowOutputs& row) override {
      if (!row.row->label.is_array()) return;
      const uint64_t cluster = row.row->group.empty() ? mix_key(1, row.row->index) : hash_name(row.row->group);
      tally_.add(task_.gold_tags(*row.row), task_.predicted_tags(row), cluster, read_words(row));
    }
    Json metrics(std::optional<double>) const override { return tally_.json(); }

   private:
    const TokenClassification& task_;
    TagTally tally_;
  };

 public:
  explicit TokenClassification(TaskSettings settings) : Task(std::move(settings)), tags_(settings_.labels) {
    const auto outside = std::find(settings_.labels.begin(), settings_.labels.end(), "O");
    if (outside != settings_.labels.end()) outside_ = static_cast<size_t>(outside - settings_.labels.begin());
  }

  int64_t outputs() const override { return static_cast<int64_t>(settings_.labels.size()); }

  std::vector<Example> encode(const Row& row, const Tokenizer& tokenizer) const override {
    const Pieces p = row.tokens.empty() ? pieces_of_text(row, tokenizer) : pieces_of_words(row, tokenizer);
    const std::vector<int8_t> goes_on = further_pieces(p, row.text, tokenizer);
    const Frame frame = frame_of(tokenizer);
    const int64_t budget = settings_.max_length - static_cast<int64_t>(frame.before.size() + frame.after.size());
    if (budget < 1)
      fail(ErrorCode::kUsage, {.id = "tokenizer.max_length",
                               .where = "max_length",
                               .what = "is too small for the special tokens and a word",
                               .got = fmt::format("{}", settings_.max_length)});
    const WordWindows plan = plan_windows(p.count, budget, budget / 4);
    std::vector<size_t> first(p.count.size() + 1, 0);
    for (size_t w = 0; w < p.count.size(); ++w) first[w + 1] = first[w] + static_cast<size_t>(p.count[w]);

    std::vector<Example> windows;
    for (size_t k = 0; k < plan.windows.size(); ++k) {
      Example x;
      x.row = row.index;
      auto detail = std::make_shared<WordWindow>();
      detail->words_of_row = p.count.size();
      const auto add_special = [&](int32_t id) {
        x.ids.push_back(id);
        detail->offsets.emplace_back(-1, -1);
        detail->goes_on.push_back(0);
      };
      for (int32_t id : frame.before) add_special(id);
      for (size_t w = plan.windows[k].begin; w < plan.windows[k].end; ++w) {
        const auto pieces = static_cast<size_t>(std::min<int64_t>(p.count[w], budget));
        x.truncated = x.truncated || p.count[w] > budget;
        detail->words.push_back({w, x.ids.size(), pieces, plan.owner[w] == k});
        for (size_t t = first[w]; t < first[w] + pieces; ++t) {
          x.ids.push_back(p.ids[t]);
          detail->offsets.push_back(p.offsets[t]);
          detail->goes_on.push_back(goes_on[t]);
        }
      }
      for (int32_t id : frame.after) add_special(id);
      x.type_ids.assign(x.ids.size(), 0);
      x.detail = std::move(detail);
      windows.push_back(std::move(x));
    }
    return windows;
  }

  std::vector<Example> encode_all(std::span<const Row> rows, const Tokenizer& tokenizer, const std::string& where,
                                  bool labels_optional) const override {
    const std::vector<std::vector<int32_t>> ids = tag_ids(rows, tags_, where, labels_optional);
    std::vector<Example> all;
    for (size_t i = 0; i < rows.size(); ++i) {
      for (Example& x : encode(rows[i], tokenizer)) {
        if (!ids[i].empty()) x.labels.tokens = token_labels(word_window(x), ids[i], x.ids.size());
        all.push_back(std::move(x));
      }
    }
    return all;
  }

  std::unique_ptr<Scores> scores() const override { return std::make_unique<TagScores>(*this); }

  std::string report(const Json& m) const override {
    std::string out = m.contains("report") ? m["report"].get<std::string>() : "";
    out += fmt::format("\ntoken accuracy {:.4f}\ncoverage: {:.0f} % of {} words in {} windows\n", m["overall_accuracy"].get<double>(),
                       100 * m["coverage"].get<double>(), m["words"].get<int64_t>(), m["windows"].get<int64_t>());
    if (const auto n = m["words_without_token"].get<int64_t>(); n > 0)
      out += fmt::format("{} words have no token of this vocabulary and are scored as {}\n", n, name_of(static_cast<int32_t>(outside_)));
    if (m.contains("broken_predictions") && m["broken_predictions"].get<int64_t>() > 0)
      out += fmt::format("{} of {} predicted sequences break the scheme {}\n", m["broken_predictions"].get<int64_t>(),
                         m["rows"].get<int64_t>(), m["scheme"].get<std::string>());
    return out;
  }
  std::vector<std::string> metric_names() const override {
    return {"overall_f1", "overall_precision", "overall_recall", "overall_accuracy", "macro_f1", "weighted_f1"};
  }
  std::vector<std::string> headline() const override { return {"overall_f1", "overall_accuracy"}; }

  Json answer(const RowOutputs& row, bool with_logits) const override {
    const CodePoints text(row.row->text);
    std::vector<std::vector<double>> scores;
    std::vector<ScoredToken> tokens;
    for_tokens(row, [&](size_t window, size_t token) {
      const WordWindow& d = word_window(row.examples[window]);
      scores.push_back(softmax(logits_at(row, window, token)));
      tokens.push_back({{}, d.offsets[token].first, d.offsets[token].second, d.goes_on[token] != 0});
    });
    for (size_t i = 0; i < tokens.size(); ++i) tokens[i].scores = scores[i];
    Json entities = Json::array();
    for (const FoundEntity& e : aggregate_entities(tokens, settings_.labels, strategy()))
      entities.push_back({{"type", e.type}, {"text", text.slice(e.begin, e.end)}, {"start", e.begin}, {"end", e.end}, {"score", e.score}});
    Json out = {{"entities", std::move(entities)}};
    if (with_logits) add_logits(row, out);
    return out;
  }

  Json judged(const RowOutputs& row) const override {
    const ReadWords read = read_words(row);
    Json out = {{"gold", gold_tags(*row.row)},     {"prediction", predicted_tags(row)}, {"tokens", row.row->tokens},
                {"windows", read.windows}, {"words_read", read.words},          {"words_without_token", read.without_token}};
    if (const auto settled = scheme_of_labels(settings_.labels)) out["scheme"] = *settled ? Json(scheme_name(**settled)) : Json(nullptr);
    return out;
  }

 protected:
  LossSum loss_of(const Context& ctx, const Var& logits, const Batch& batch, const LossOptions& options) const override {
    std::vector<int32_t> labels;
    labels.reserve(batch.ids.size());
    for (int64_t b = 0; b < batch.sequences(); ++b) {
      const std::vector<int32_t>& tokens = batch.labels[static_cast<size_t>(b)].tokens;
      require(tokens.empty() || static_cast<int64_t>(tokens.size()) == batch.length(b), "a label for every token");
      labels.insert(labels.end(), tokens.begin(), tokens.end());
      if (tokens.empty()) labels.resize(labels.size() + static_cast<size_t>(batch.length(b)), kNoTag);
    }
    return by_sequence(label_loss(ctx, logits, labels, options), batch);
  }

 private:
  std::vector<std::string> gold_tags(const Row& row) const {
    std::vector<std::string> tags;
    if (row.label.is_array())
      for (const Json& tag : row.label) tags.push_back(name_of(tags_.id(tag)));
    return tags;
  }

  static ReadWords read_words(const RowOutputs& row) {
    ReadWords read{.windows = static_cast<int64_t>(row.examples.size())};
    for (const Example& x : row.examples)
      for (const WordWindow::Word& w : word_window(x).words) {
        read.words += w.owned;
        read.without_token += w.owned && w.pieces == 0;
      }
    return read;
  }

  std::string name_of(int32_t id) const { return settings_.labels[static_cast<size_t>(std::max(0, id))]; }

  std::vector<int32_t> token_labels(const WordWindow& d, const std::vector<int32_t>& ids, size_t tokens) const {
    std::vector<int32_t> labels(tokens, kNoTag);
    const bool all = settings_.options.label_all_tokens.value_or(false);
    for (const WordWindow::Word& w : d.words) {
      if (!w.owned || w.pieces == 0) continue;
      labels[w.token] = ids[w.word];
      for (size_t t = 1; all && t < w.pieces; ++t) labels[w.token + t] = inside_of(ids[w.word]);
    }
    return labels;
  }

  /// The label of a word's further pieces: I-X for B-X where there is such a label.
  int32_t inside_of(int32_t id) const {
    const std::string& name = settings_.labels[static_cast<size_t>(id)];
    if (!name.starts_with("B-")) return id;
    const int32_t inside = tags_.id("I-" + name.substr(2));
    return inside < 0 ? id : inside;
  }

  std::span<const float> logits_at(const RowOutputs& row, size_t window, size_t token) const {
    return row.logits(window).subspan(token * settings_.labels.size(), settings_.labels.size());
  }

  /// A tag for every word of the row, each from the window it belongs to.
  std::vector<std::string> predicted_tags(const RowOutputs& row) const {
    std::vector<std::string> tags(word_window(row.examples.front()).words_of_row, settings_.labels[outside_]);
    for (size_t k = 0; k < row.examples.size(); ++k) {
      for (const WordWindow::Word& w : word_window(row.examples[k]).words) {
        if (!w.owned || w.pieces == 0) continue;
        const auto z = logits_at(row, k, w.token);
        tags[w.word] = settings_.labels[static_cast<size_t>(std::max_element(z.begin(), z.end()) - z.begin())];
      }
    }
    return tags;
  }

  /// Every token of the row once, in order, in the window its word belongs to.
  template <typename Each>
  static void for_tokens(const RowOutputs& row, Each each) {
    std::vector<std::pair<size_t, const WordWindow::Word*>> owner(word_window(row.examples.front()).words_of_row);
    for (size_t k = 0; k < row.examples.size(); ++k)
      for (const WordWindow::Word& w : word_window(row.examples[k]).words)
        if (w.owned) owner[w.word] = {k, &w};
    for (const auto& [k, w] : owner)
      for (size_t t = 0; t < w->pieces; ++t) each(k, w->token + t);
  }

  /// Special tokens before the first and after the last, and every token between them once.
  void add_logits(const RowOutputs& row, Json& out) const {
    out["input_ids"] = Json::array();
    out["logits"] = Json::array();
    const auto add = [&](size_t window, size_t token) {
      const auto z = logits_at(row, window, token);
      out["input_ids"].push_back(row.examples[window].ids[token]);
      out["logits"].push_back(std::vector<float>(z.begin(), z.end()));
    };
    const size_t last = row.examples.size() - 1;
    const auto is_special = [&](size_t window, size_t token) { return word_window(row.examples[window]).offsets[token].first < 0; };
    size_t token = 0;
    for (; token < row.examples[0].ids.size() && is_special(0, token); ++token) add(0, token);
    if (token == row.examples[0].ids.size()) return;  // a text without words
    for_tokens(row, add);
    size_t end = row.examples[last].ids.size();
    while (end > 0 && is_special(last, end - 1)) --end;
    for (; end < row.examples[last].ids.size(); ++end) add(last, end);
  }

  Aggregation strategy() const {
    const std::string& name = settings_.options.aggregation_strategy;
    if (name == "none") return Aggregation::kNone;
    if (name == "first") return Aggregation::kFirst;
    if (name == "average") return Aggregation::kAverage;
    if (name == "max") return Aggregation::kMax;
    return Aggregation::kSimple;
  }

  TagNames tags_;
  size_t outside_ = 0;  ///< the label O; the first where there is none
};

std::unique_ptr<Task> make_token_classification(TaskSettings settings) {
  if (settings.labels.empty())
    fail(ErrorCode::kUsage, {.id = "task.no_labels",
                             .where = "token-classification",
                             .what = "no tags are known",
                             .hint = "give tagged training data, or a model that has a trained head"});
  return std::make_unique<TokenClassification>(std::move(settings));
}

}  // namespace

extern const TaskKind kTokenClassification;
const TaskKind kTokenClassification{"token-classification", "TOKEN_CLS",        HeadKind::kTokenClassification, RowKind::kTokens, 0,
                                    labels_of_tag_rows,     check_tag_rows,     make_token_classification};

}  // namespace attune
