// Where the models are wrong: confusion matrices with the rows behind each cell, and wrong rows of tasks that have none.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "app/compared_metric.h"
#include "app/report_sections.h"
#include "metrics/classification.h"

namespace attune::report {

namespace {

constexpr size_t kMostRows = 100;     // behind a cell
constexpr size_t kMostBytes = 600;    // of a text
constexpr int64_t kMostClasses = 30;  // a larger matrix is no picture
constexpr size_t kMostWrong = 50;

/// Cut between code points.
std::string excerpt_of(std::string text) {
  if (text.size() <= kMostBytes) return text;
  size_t end = kMostBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

std::string text_of(const StoredPredictions& p, size_t row) {
  std::string text = p.texts[row];
  if (!p.pairs[row].empty()) text += " | " + p.pairs[row];
  return excerpt_of(std::move(text));
}

MatrixRow matrix_row(const StoredPredictions& p, size_t row) {
  const size_t classes = p.labels.size();
  const double score = p.scores.empty() ? kNoValue : p.scores[row * classes + static_cast<size_t>(p.predicted[row])];
  return {.id = p.ids[row], .text = text_of(p, row), .gold = p.labels[static_cast<size_t>(p.gold[row])], .prediction = p.labels[static_cast<size_t>(p.predicted[row])], .score = score};
}

/// The least certain last: of a cell the surest come first, which are the ones to look at where they are wrong.
std::vector<size_t> rows_by_score(const StoredPredictions& p) {
  std::vector<size_t> rows(p.rows());
  std::iota(rows.begin(), rows.end(), size_t{0});
  if (p.scores.empty()) return rows;
  const auto score = [&](size_t i) { return p.scores[i * p.labels.size() + static_cast<size_t>(p.predicted[i])]; };
  std::stable_sort(rows.begin(), rows.end(), [&](size_t a, size_t b) { return score(a) > score(b); });
  return rows;
}

Chart confusion_chart(const StoredRun& run, const Runs& runs) {
  const StoredPredictions& p = *run.predictions;
  const size_t classes = p.labels.size();
  Chart c{.id = run_id("confusion", run, runs), .title = runs.size() == 1 ? "Confusion matrix" : "Confusion matrix of " + run.name, .kind = ChartKind::kMatrix, .x = {"predicted", ""}, .y = {"gold", ""}};
  c.note = "Rows and shares of their gold class. A click on a cell shows its rows, the surest first.";
  c.matrix.rows = c.matrix.columns = p.labels;
  c.matrix.behind.resize(classes * classes);
  ConfusionMatrix counts(static_cast<int64_t>(classes));
  for (const size_t i : rows_by_score(p)) {
    counts.add(p.gold[i], p.predicted[i]);
    auto& behind = c.matrix.behind[static_cast<size_t>(p.gold[i]) * classes + static_cast<size_t>(p.predicted[i])];
    if (behind.size() < kMostRows) behind.push_back(matrix_row(p, i));
  }
  for (int64_t g = 0; g < counts.classes(); ++g)
    for (int64_t q = 0; q < counts.classes(); ++q) {
      c.matrix.values.push_back(static_cast<double>(counts.at(g, q)));
      c.matrix.shares.push_back(counts.gold_count(g) > 0 ? static_cast<double>(counts.at(g, q)) / static_cast<double>(counts.gold_count(g)) : kNoValue);
    }
  return c;
}

// ---- tasks without a confusion matrix

Table wrong_table(const StoredRun& run, const Runs& runs, std::vector<Column> columns) {
  return {.id = run_id("wrong", run, runs), .title = runs.size() == 1 ? "Wrong rows" : "Wrong rows of " + run.name, .columns = std::move(columns)};
}

std::string joined(const std::vector<std::string>& words) { return excerpt_of(fmt::format("{}", fmt::join(words, " "))); }

Table wrong_tags(const StoredRun& run, const Runs& runs) {
  const StoredPredictions& p = *run.predictions;
  Table t = wrong_table(run, runs, {{"id"}, {"wrong tags", "", true}, {"word: gold, predicted"}, {"text"}});
  for (size_t i = 0; i < p.rows() && t.rows.size() < kMostWrong; ++i) {
    std::vector<std::string> wrong;
    for (size_t w = 0; w < p.gold_tags[i].size() && w < p.predicted_tags[i].size(); ++w)
      if (p.gold_tags[i][w] != p.predicted_tags[i][w])
        wrong.push_back(fmt::format("{}: {}, {};", w < p.tokens[i].size() ? p.tokens[i][w] : fmt::format("word {}", w + 1), p.gold_tags[i][w], p.predicted_tags[i][w]));
    if (!wrong.empty()) t.rows.push_back({words(p.ids[i]), count(static_cast<int64_t>(wrong.size())), words(joined(wrong)), words(joined(p.tokens[i]))});
  }
  t.note = fmt::format("The first sentences with a wrong tag, at most {}.", kMostWrong);
  return t;
}

Table wrong_sets(const StoredRun& run, const Runs& runs) {
  const StoredPredictions& p = *run.predictions;
  const auto names = [&](const std::vector<uint8_t>& set, size_t row) {
    std::vector<std::string> some;
    for (size_t k = 0; k < p.labels.size(); ++k)
      if (set[row * p.labels.size() + k]) some.push_back(p.labels[k]);
    return fmt::format("{}", fmt::join(some, ", "));
  };
  Table t = wrong_table(run, runs, {{"id"}, {"text"}, {"gold"}, {"predicted"}});
  for (size_t i = 0; i < p.rows() && t.rows.size() < kMostWrong; ++i)
    if (const std::string gold = names(p.gold_set, i), predicted = names(p.predicted_set, i); gold != predicted) t.rows.push_back({words(p.ids[i]), words(text_of(p, i)), words(gold), words(predicted)});
  t.note = fmt::format("The first rows with another set of labels, at most {}.", kMostWrong);
  return t;
}

/// The largest misses first.
Table wrong_answers(const StoredRun& run, const Runs& runs) {
  const StoredPredictions& p = *run.predictions;
  std::vector<double> f1;
  for (const AnsweredQuestion& q : p.questions) f1.push_back(answer_scores(q).f1);
  std::vector<size_t> rows(p.rows());
  std::iota(rows.begin(), rows.end(), size_t{0});
  const std::vector<uint8_t> right = right_rows(p);
  std::erase_if(rows, [&](size_t i) { return right[i] != 0; });
  std::stable_sort(rows.begin(), rows.end(), [&](size_t a, size_t b) { return f1[a] < f1[b]; });
  const auto or_none = [](const std::string& answer) { return answer.empty() ? std::string("(no answer)") : excerpt_of(answer); };
  Table t = wrong_table(run, runs, {{"id"}, {"question"}, {"gold"}, {"predicted"}, {"f1", "", true}, {"context"}});
  for (const size_t i : rows) {
    if (t.rows.size() == kMostWrong) break;
    const AnsweredQuestion& q = p.questions[i];
    t.rows.push_back({words(p.ids[i]), words(excerpt_of(p.texts[i])), words(or_none(fmt::format("{}", fmt::join(q.gold, " / ")))), words(or_none(q.predicted)), number(f1[i], 2), words(excerpt_of(p.pairs[i]))});
  }
  t.note = fmt::format("{} of {} answers are no exact match; those with the least in common with the gold first, at most {}.", rows.size(), p.rows(), kMostWrong);
  return t;
}

Chart regression_chart(const StoredRun& run, const Runs& runs) {
  const StoredPredictions& p = *run.predictions;
  const size_t targets = std::max<size_t>(1, p.labels.size());
  Chart c{.id = run_id("values", run, runs), .title = runs.size() == 1 ? "Predicted and gold values" : "Predicted and gold values of " + run.name, .kind = ChartKind::kScatter, .x = {"gold", ""}, .y = {"predicted", ""}, .square = true};
  for (size_t k = 0; k < targets; ++k) {
    Series s{.name = k < p.labels.size() ? p.labels[k] : "rows"};
    for (size_t i = 0; i < p.rows(); ++i) {
      s.x.push_back(p.gold_values[i * targets + k]);
      s.y.push_back(p.predicted_values[i * targets + k]);
    }
    c.series.push_back(std::move(s));
  }
  return c;
}

void add_run(Section& s, const StoredRun& run, const Runs& runs) {
  const StoredPredictions& p = *run.predictions;
  switch (p.kind) {
    case StoredKind::kSingleLabel:
      if (static_cast<int64_t>(p.labels.size()) <= kMostClasses)
        s.blocks.push_back(confusion_chart(run, runs));
      else
        s.blocks.push_back(Paragraph{fmt::format("{}: {} classes are too many for a confusion matrix; the evaluation's JSON has it.", run.name, p.labels.size())});
      return;
    case StoredKind::kMultiLabel: s.blocks.push_back(wrong_sets(run, runs)); return;
    case StoredKind::kRegression: s.blocks.push_back(regression_chart(run, runs)); return;
    case StoredKind::kTags: s.blocks.push_back(wrong_tags(run, runs)); return;
    case StoredKind::kAnswers: s.blocks.push_back(wrong_answers(run, runs)); return;
  }
}

}  // namespace

Section errors_section(const Runs& runs) {
  Section s{.id = "errors", .heading = "Where the models are wrong"};
  for (const StoredRun& run : runs)
    if (run.predictions && runs.size() <= kMostRunsApart) add_run(s, run, runs);
  if (runs.size() > kMostRunsApart) s.blocks.push_back(Paragraph{fmt::format("Shown for at most {} runs: name fewer of them.", kMostRunsApart)});
  return s;
}

}  // namespace attune::report
