// Curves of stored scores: ROC, precision-recall, reliability.
#include <fmt/format.h>

#include <algorithm>

#include "app/report_sections.h"
#include "metrics/calibration.h"
#include "metrics/ranking.h"

namespace attune::report {

namespace {

constexpr size_t kMostPoints = 400;

/// Every nth point and the last: what a picture of a few hundred pixels can show.
Series curve_series(std::string name, const std::vector<double>& x, const std::vector<double>& y) {
  Series s{.name = std::move(name)};
  const size_t step = x.size() / kMostPoints + 1;
  for (size_t i = 0; i < x.size(); i += step) {
    s.x.push_back(x[i]);
    s.y.push_back(y[i]);
  }
  if (!x.empty() && (x.size() - 1) % step) {
    s.x.push_back(x.back());
    s.y.push_back(y.back());
  }
  return s;
}

/// The predictions of a run whose scores make curves; null: there are none.
const StoredPredictions* scored(const StoredRun& run) {
  return run.predictions && run.predictions->kind == StoredKind::kSingleLabel && !run.predictions->scores.empty() && run.predictions->labels.size() > 1 ? &*run.predictions : nullptr;
}

Chart unit_square(std::string id, std::string title, std::string x, std::string y) {
  Chart c{.id = std::move(id), .title = std::move(title), .kind = ChartKind::kLine, .x = {std::move(x), ""}, .y = {std::move(y), ""}, .square = true};
  c.x.least = c.y.least = 0;
  c.x.most = c.y.most = 1;
  return c;
}
Series diagonal(const char* name) { return {.name = name, .x = {0, 1}, .y = {0, 1}, .dashed = true}; }

/// Both curves of one class; `name`: of the lines.
void add_class(const StoredPredictions& p, size_t c, const std::string& name, Chart& roc, Chart& precision_recall) {
  std::vector<uint8_t> positive;
  std::vector<double> score;
  for (size_t i = 0; i < p.rows(); ++i) {
    positive.push_back(p.gold[i] == static_cast<int32_t>(c));
    score.push_back(p.scores[i * p.labels.size() + c]);
  }
  if (const RocCurve curve = roc_curve(positive, score); !curve.thresholds.empty()) {
    const Figure area = roc_auc(positive, score);
    roc.series.push_back(curve_series(fmt::format("{} (AUC {:.3f})", name, *area.value), curve.false_positive_rate, curve.true_positive_rate));
  }
  if (const PrecisionRecallCurve curve = precision_recall_curve(positive, score); !curve.precision.empty()) {
    const Figure area = average_precision(positive, score);
    precision_recall.series.push_back(curve_series(fmt::format("{} (AP {:.3f})", name, *area.value), curve.recall, curve.precision));
  }
}

void add_curves(Section& s, Chart roc, Chart precision_recall) {
  if (!roc.series.empty()) {
    roc.series.push_back(diagonal("chance"));
    s.blocks.push_back(std::move(roc));
  }
  if (!precision_recall.series.empty()) s.blocks.push_back(std::move(precision_recall));
}

/// One line a run where all runs tell the same two classes apart; else a chart a run with one line a class.
void add_ranking(Section& s, const Runs& runs, const std::vector<const StoredPredictions*>& all) {
  const std::vector<std::string>* labels = nullptr;
  bool same_two = true;
  for (const auto* one : all) {
    if (!one) continue;
    same_two = same_two && one->labels.size() == 2 && (!labels || *labels == one->labels);
    labels = &one->labels;
  }
  if (same_two) {
    Chart roc = unit_square("roc", "ROC of class " + (*labels)[1], "false positive rate", "true positive rate");
    Chart precision_recall = unit_square("precision-recall", "Precision and recall of class " + (*labels)[1], "recall", "precision");
    for (size_t i = 0; i < runs.size(); ++i)
      if (all[i]) add_class(*all[i], 1, runs[i].name, roc, precision_recall);
    add_curves(s, std::move(roc), std::move(precision_recall));
    return;
  }
  for (size_t i = 0; i < runs.size() && runs.size() <= kMostRunsApart; ++i) {
    if (!all[i]) continue;
    const std::string of = runs.size() == 1 ? "" : " of " + runs[i].name;
    Chart roc = unit_square(run_id("roc", runs[i], runs), "ROC, each class against the others" + of, "false positive rate", "true positive rate");
    Chart precision_recall = unit_square(run_id("precision-recall", runs[i], runs), "Precision and recall of each class" + of, "recall", "precision");
    for (size_t c = 0; c < all[i]->labels.size(); ++c) add_class(*all[i], c, all[i]->labels[c], roc, precision_recall);
    add_curves(s, std::move(roc), std::move(precision_recall));
  }
}

void add_reliability(Section& s, const Runs& runs, const std::vector<const StoredPredictions*>& all) {
  Chart curve = unit_square("reliability", "Reliability", "mean of the top probability", "accuracy");
  curve.note = "Rows in 15 equal bins of their top probability. Below the diagonal the model is too sure.";
  Chart rows{.id = "confidence", .title = "Rows by their top probability", .kind = ChartKind::kBars, .x = {"top probability", ""}, .y = {"rows", ""}};
  for (size_t i = 0; i < runs.size(); ++i) {
    if (!all[i]) continue;
    const auto bins = reliability_bins(all[i]->gold, all[i]->scores, static_cast<int64_t>(all[i]->labels.size()));
    if (bins.empty()) continue;
    Series line{.name = runs[i].name}, bars{.name = runs[i].name};
    rows.categories.clear();
    for (const ReliabilityBin& b : bins) {
      rows.categories.push_back(fmt::format("{:.2f}–{:.2f}", b.low, b.high));
      bars.y.push_back(static_cast<double>(b.rows));
      if (!b.accuracy) continue;
      line.x.push_back(*b.confidence);
      line.y.push_back(*b.accuracy);
    }
    curve.series.push_back(std::move(line));
    rows.series.push_back(std::move(bars));
  }
  if (curve.series.empty()) return;
  curve.series.push_back(diagonal("perfect calibration"));
  s.blocks.push_back(std::move(curve));
  s.blocks.push_back(std::move(rows));
}

}  // namespace

Section curves_section(const Runs& runs) {
  Section s{.id = "scores", .heading = "Scores"};
  std::vector<const StoredPredictions*> all;
  for (const StoredRun& run : runs) all.push_back(scored(run));
  if (std::none_of(all.begin(), all.end(), [](const auto* one) { return one != nullptr; })) return s;
  add_ranking(s, runs, all);
  add_reliability(s, runs, all);
  return s;
}

}  // namespace attune::report
