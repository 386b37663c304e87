// Extractive question answering: the stretch of a context that answers a question, or none. Long contexts are cut into overlapping
// windows that are searched together (formats: sections 10.1, 10.2).
#include <fmt/format.h>

#include <algorithm>

#include "base/code_points.h"
#include "base/error.h"
#include "base/log.h"
#include "base/random.h"
#include "data/excerpt.h"
#include "metrics/answer_report.h"
#include "metrics/classification.h"
#include "metrics/span_answers.h"
#include "ops/span_loss.h"
#include "tasks/task.h"

namespace attune {
namespace {

constexpr int64_t kUsualStride = 128;

using Offsets = std::vector<std::pair<int32_t, int32_t>>;

struct ContextWindow : ExampleDetail {
  Offsets offsets;             ///< by token, in code points of the context; -1 where the token is not of the context
  bool may_have_none = false;  ///< the file's questions need not have an answer
};
const ContextWindow& context_window(const Example& x) { return static_cast<const ContextWindow&>(*x.detail); }
const Offsets& offsets_of(const Example& x) { return context_window(x).offsets; }

std::string without_leading_space(const std::string& text) {
  return text.substr(std::min(text.find_first_not_of(" \t\r\n\v\f"), text.size()));
}

/// Tokens of the answer [begin, end) in a window, or the first token twice where the window does not hold all of it.
std::pair<int32_t, int32_t> tokens_of(const Offsets& offsets, int64_t begin, int64_t end) {
  const auto in_context = [](const std::pair<int32_t, int32_t>& o) { return o.first >= 0; };
  const auto first = std::find_if(offsets.begin(), offsets.end(), in_context);
  const auto last = std::find_if(offsets.rbegin(), offsets.rend(), in_context);
  if (first == offsets.end() || begin < first->first || end > last->second) return {0, 0};
  auto from = static_cast<int32_t>(first - offsets.begin()), to = static_cast<int32_t>(offsets.rend() - last - 1);
  const int32_t most = to, least = from;
  while (from < most && offsets[static_cast<size_t>(from) + 1].first <= begin) ++from;
  while (to > least && offsets[static_cast<size_t>(to) - 1].second >= end) --to;
  if (from > to) std::swap(from, to);  // the bytes of one character in several tokens, all with its offsets
  return {from, to};
}

struct GoldAnswers {
  std::vector<std::string> texts;
  std::vector<int64_t> starts;
};
GoldAnswers gold_of(const Row& row) {
  if (!row.label.is_object()) return {};
  return {row.label["text"].get<std::vector<std::string>>(), row.label["answer_start"].get<std::vector<int64_t>>()};
}

std::string question_name(const Row& row) {
  return row.id.empty() ? fmt::format("row {}", row.index) : fmt::format("question '{}'", excerpt(row.id));
}

bool without_answer(const Row& row) { return row.label.is_object() && row.label["text"].empty(); }
bool any_without_answer(std::span<const Row> rows) { return std::any_of(rows.begin(), rows.end(), without_answer); }

class QuestionAnswering : public Task {
  /// Keeps AnswerScores of every question.
  class AnswerTally : public Scores {
   public:
    explicit AnswerTally(const QuestionAnswering& task) : task_(task) {}
    void add(const RowOutputs& row) override {
      may_have_none_ = context_window(row.examples.front()).may_have_none;
      if (!row.row->label.is_object()) return;
      const SpanAnswer a = task_.answer_of(row);
      questions_.push_back(answer_scores({.gold = gold_of(*row.row).texts, .predicted = a.text, .no_answer_score = a.null_odds}));
      clusters_.push_back(hash_name(row.row->group));
      positions_ += positions_of(row);
    }
    Json metrics(std::optional<double>) const override {
      Json m = answering_json(questions_, clusters_, may_have_none_);
      add_positions(m, positions_);
      return m;
    }

   private:
    const QuestionAnswering& task_;
    std::vector<AnswerScores> questions_;
    std::vector<uint64_t> clusters_;
    PositionScores positions_;
    bool may_have_none_ = false;
  };

 public:
  using Task::Task;

  int64_t outputs() const override { return 2; }

  std::vector<Example> encode(const Row& row, const Tokenizer& tokenizer) const override {
    std::string problem;
    std::vector<Example> windows = windows_of(row, tokenizer, settings_.options.version_2_with_negative.value_or(false), problem);
    if (!problem.empty())
      fail(ErrorCode::kInput, {.id = "data.question", .where = fmt::format("line {}, {}", row.line, question_name(row)), .what = problem});
    return windows;
  }

  std::vector<Example> encode_all(std::span<const Row> rows, const Tokenizer& tokenizer, const std::string& where, bool) const override {
    const bool none = may_have_none(rows);
    std::vector<Example> all;
    Problems problems, unreached, inexact;
    size_t answerable = 0;
    for (const Row& row : rows) {
      std::string problem;
      std::vector<Example> windows = windows_of(row, tokenizer, none, problem);
      const std::string place = fmt::format("{}:{}: {}", where, row.line, question_name(row));
      if (!problem.empty()) {
        problems.add(fmt::format("{}: {}", place, problem));
        continue;
      }
      if (!row.label.is_null()) label(row, windows, place, unreached, inexact);
      answerable += row.label.is_object() && !row.label["text"].empty();
      for (Example& x : windows) all.push_back(std::move(x));
    }
    if (!problems.empty())
      fail(ErrorCode::kInput, {.id = "data.question",
                               .where = where,
                               .what = fmt::format("{} questions cannot be used:{}", problems.count(), problems.list()),
                               .hint = "raise max_length or lower doc_stride"});
    if (!unreached.empty())
      warning(fmt::format("{} of {} answers are in no window as a whole and are learned as \"no answer\":{}", unreached.count(), answerable,
                          unreached.list()));
    if (!inexact.empty())
      note(fmt::format("{} of {} answers begin or end inside a token; the tokens around them are learned:{}", inexact.count(), answerable,
                       inexact.list()));
    return all;
  }

  std::unique_ptr<Scores> scores() const override { return std::make_unique<AnswerTally>(*this); }

  /// Whether any question is without an answer.
  bool look_at(const Row& row) override {
    if (settings_.options.version_2_with_negative) return false;
    seen_none_ = seen_none_ || without_answer(row);
    return !seen_none_;
  }

  std::string report(const Json& m) const override {
    std::string out;
    const auto line = [&](const char* name, const std::string& text) { out += fmt::format("{:<16} {}\n", name, text); };
    for (const char* name : {"exact", "f1"}) {
      const Json& interval = m[std::string(name) + "_interval"];
      line(name, fmt::format("{:.2f}", m[name].get<double>()) +
                     (interval.is_null() ? "" : fmt::format("  ({:.2f} to {:.2f}, 95 %, by context)", interval[0].get<double>(), interval[1].get<double>())));
    }
    for (const char* name : {"HasAns_exact", "HasAns_f1", "NoAns_exact", "NoAns_f1", "best_exact", "best_f1"})
      if (m.contains(name)) line(name, fmt::format("{:.2f}", m[name].get<double>()));
    for (const char* name : {"start_accuracy", "end_accuracy", "span_accuracy"}) line(name, fmt::format("{:.4f}", m[name].get<double>()));
    line("total", fmt::format("{} questions in {} windows", m["total"].get<int64_t>(), m["windows"].get<int64_t>()));
    return out;
  }
  std::vector<std::string> metric_names() const override {
    return {"exact",      "f1",      "HasAns_exact",   "HasAns_f1",    "NoAns_exact",  "NoAns_f1",
            "best_exact", "best_f1", "start_accuracy", "end_accuracy", "span_accuracy"};
  }
  std::vector<std::string> headline() const override { return {"exact", "f1"}; }

  std::vector<std::string> row_files() const override {
    std::vector<std::string> names{"predictions.json", "nbest_predictions.json"};
    if (may_have_none({})) names.emplace_back("null_odds.json");
    return names;
  }
  Json row_value(size_t file, const RowOutputs& row) const override {
    const SpanAnswer a = answer_of(row);
    if (file == 0) return a.text;
    if (file == 2) return a.null_odds;
    Json candidates = Json::array();
    for (const AnswerCandidate& c : a.candidates)
      candidates.push_back({{"text", c.text}, {"probability", c.probability}, {"start_logit", c.start_logit}, {"end_logit", c.end_logit}});
    return candidates;
  }

  Json answer(const RowOutputs& row, bool with_logits) const override {
    const SpanAnswer a = answer_of(row);
    Json out = {{"answer", a.text}, {"score", a.probability}, {"start", a.begin}, {"end", a.end}};
    if (!with_logits) return out;
    out["windows"] = Json::array();
    for (size_t k = 0; k < row.examples.size(); ++k) {
      const auto [start, end] = split(row.logits(k));
      out["windows"].push_back({{"input_ids", row.examples[k].ids}, {"start_logits", start}, {"end_logits", end}});
    }
    return out;
  }

  Json judged(const RowOutputs& row) const override {
    const SpanAnswer a = answer_of(row);
    const PositionScores p = positions_of(row);
    Json out = {{"gold", gold_of(*row.row).texts}, {"prediction", a.text}, {"score", a.probability}, {"start", a.begin}, {"end", a.end}};
    if (context_window(row.examples.front()).may_have_none) out["null_odds"] = a.null_odds;
    out.update({{"windows", p.windows}, {"start_right", p.start}, {"end_right", p.end}, {"span_right", p.both}});
    return out;
  }

  bool same_answer(std::span<const float> a, std::span<const float> b, int64_t) const override {
    const auto [start_a, end_a] = split(a);
    const auto [start_b, end_b] = split(b);
    return argmax(start_a) == argmax(start_b) && argmax(end_a) == argmax(end_b);
  }

 protected:
  LossSum loss_of(const Context& ctx, const Var& logits, const Batch& batch, const LossOptions& options) const override {
    std::vector<std::pair<int32_t, int32_t>> spans;
    for (const Labels& l : batch.labels) spans.emplace_back(l.tokens.size() == 2 ? std::pair{l.tokens[0], l.tokens[1]} : std::pair{-1, -1});
    return span_loss(ctx, logits, batch.starts, spans, options.label_smoothing);
  }

 private:
  /// Scores of start and end apart.
  static std::pair<std::vector<float>, std::vector<float>> split(std::span<const float> logits) {
    std::pair<std::vector<float>, std::vector<float>> out;
    for (size_t i = 0; i + 1 < logits.size(); i += 2) {
      out.first.push_back(logits[i]);
      out.second.push_back(logits[i + 1]);
    }
    return out;
  }

  std::vector<Example> windows_of(const Row& row, const Tokenizer& tokenizer, bool may_have_none, std::string& problem) const {
    if (!row.pair) {
      problem = "there is no context to look for the answer in";
      return {};
    }
    const std::string question = without_leading_space(row.text);
    EncodeOptions bare;
    bare.special_tokens = false;
    const auto asked = static_cast<int64_t>(tokenizer.encode(question, std::nullopt, bare).ids.size());
    const int64_t room = settings_.max_length - tokenizer.special_count(true) - asked;
    EncodeOptions options;
    options.max_length = settings_.max_length;
    options.strategy = TruncationStrategy::kOnlySecond;
    options.truncation_side = Side::kRight;
    options.return_overflow = true;
    options.stride = settings_.options.doc_stride.value_or(std::min(kUsualStride, std::max<int64_t>(0, room / 2)));
    if (room <= options.stride) {
      // Such windows would not move on; a context that fits needs none.
      if (static_cast<int64_t>(tokenizer.encode(question, *row.pair).ids.size()) > settings_.max_length) {
        problem = fmt::format(
            "the question has {} tokens, which leaves {} of max_length {} for the context; windows that share {} tokens (doc_stride) need "
            "more",
            asked, std::max<int64_t>(room, 0), settings_.max_length, options.stride);
        return {};
      }
      options.return_overflow = false;
      options.stride = 0;
    }
    Encoding e = tokenizer.encode(question, *row.pair, options);
    std::vector<Encoding> more = std::move(e.overflow);
    std::vector<Example> windows;
    windows.push_back(window_of(row, may_have_none, std::move(e)));
    for (Encoding& w : more) windows.push_back(window_of(row, may_have_none, std::move(w)));
    return windows;
  }

  static Example window_of(const Row& row, bool may_have_none, Encoding&& e) {
    Example x;
    x.row = row.index;
    auto detail = std::make_shared<ContextWindow>();
    detail->may_have_none = may_have_none;
    for (size_t i = 0; i < e.ids.size(); ++i) detail->offsets.push_back(e.sequence[i] == 1 ? e.offsets[i] : std::pair{-1, -1});
    x.ids = std::move(e.ids);
    x.type_ids = std::move(e.type_ids);
    x.detail = std::move(detail);
    return x;
  }

  /// The first gold answer as tokens of each window; the first token where a window does not hold it.
  static void label(const Row& row, std::vector<Example>& windows, const std::string& place, Problems& unreached, Problems& inexact) {
    const GoldAnswers gold = gold_of(row);
    if (gold.texts.empty()) {
      for (Example& x : windows) x.labels.tokens = {0, 0};
      return;
    }
    const std::string& text = gold.texts.front();
    const int64_t begin = gold.starts.front(), end = begin + CodePoints(text).size();
    bool reached = false;
    std::string found;
    for (Example& x : windows) {
      const auto [first, last] = tokens_of(offsets_of(x), begin, end);
      x.labels.tokens = {first, last};
      if (offsets_of(x)[static_cast<size_t>(first)].first < 0) continue;
      reached = true;
      const Offsets& o = offsets_of(x);
      found = CodePoints(*row.pair).slice(o[static_cast<size_t>(first)].first, o[static_cast<size_t>(last)].second);
    }
    if (!reached) {
      unreached.add(fmt::format("{}: '{}'", place, excerpt(text)));
    } else if (normalize_answer(found) != normalize_answer(text)) {
      inexact.add(fmt::format("{}: '{}' becomes '{}'", place, excerpt(text), excerpt(found)));
    }
  }

  /// Of the row's windows that have a label.
  static PositionScores positions_of(const RowOutputs& row) {
    PositionScores positions;
    for (size_t k = 0; k < row.examples.size(); ++k) {
      const std::vector<int32_t>& span = row.examples[k].labels.tokens;
      if (span.size() != 2) continue;
      const auto [start, end] = split(row.logits(k));
      positions.add(start, end, span[0], span[1]);
    }
    return positions;
  }

  SpanAnswer answer_of(const RowOutputs& row) const {
    std::vector<std::pair<std::vector<float>, std::vector<float>>> scores;
    std::vector<AnswerWindow> windows;
    for (size_t k = 0; k < row.examples.size(); ++k) scores.push_back(split(row.logits(k)));
    for (size_t k = 0; k < row.examples.size(); ++k) windows.push_back({scores[k].first, scores[k].second, offsets_of(row.examples[k])});
    const TaskOptions& o = settings_.options;
    return best_answer(CodePoints(*row.row->pair), windows,
                       {.n_best_size = o.n_best_size.value_or(20),
                        .max_answer_length = o.max_answer_length.value_or(30),
                        .may_have_none = context_window(row.examples.front()).may_have_none,
                        .null_score_diff_threshold = o.null_score_diff_threshold.value_or(0)});
  }

  /// As said, else as the rows are.
  bool may_have_none(std::span<const Row> rows) const {
    if (settings_.options.version_2_with_negative) return *settings_.options.version_2_with_negative;
    return seen_none_ || any_without_answer(rows);
  }

  bool seen_none_ = false;
};

/// Whether there are questions without an answer, where the configuration does not say.
void settle_answerable(std::span<const Row> train, TaskOptions& options) {
  if (!options.version_2_with_negative) options.version_2_with_negative = any_without_answer(train);
}

std::unique_ptr<Task> make_question_answering(TaskSettings settings) { return std::make_unique<QuestionAnswering>(std::move(settings)); }

}  // namespace

extern const TaskKind kQuestionAnswering;
const TaskKind kQuestionAnswering{
    "question-answering",    "QUESTION_ANS",   HeadKind::kQuestionAnswering, RowKind::kQuestion, 384, nullptr, nullptr,
    make_question_answering, settle_answerable};

}  // namespace attune
