#include "metrics/report.h"

#include <cmath>
#include <limits>
#include <map>

#include "base/error.h"
#include "metrics/multi_label.h"
#include "metrics/regression.h"

namespace attune {
namespace {

template <typename Counts>
void add_averages(Json& out, const Counts& counts) {
  for (const auto& [name, average] : {std::pair{"macro", Average::kMacro}, std::pair{"weighted", Average::kWeighted}, std::pair{"micro", Average::kMicro}}) {
    const ClassScores s = average_scores(counts, average);
    out[std::string("f1_") + name] = s.f1;
    out[std::string("precision_") + name] = s.precision;
    out[std::string("recall_") + name] = s.recall;
  }
}

Json class_json(const ClassScores& s, int64_t predicted) {
  return {{"precision", s.precision}, {"recall", s.recall}, {"f1", s.f1}, {"support", s.support}, {"predicted", predicted}};
}

}  // namespace

ClassificationReport classification_report(std::span<const int32_t> gold, std::span<const int32_t> predicted, std::span<const double> probabilities,
                                           std::vector<std::string> names, std::optional<double> loss) {
  const auto classes = static_cast<int64_t>(names.size());
  ClassificationReport r;
  r.names = std::move(names);
  r.matrix = confusion_matrix(gold, predicted, classes);
  r.interval = wilson_interval(r.matrix.correct(), r.matrix.total());
  r.loss = loss;
  if (!probabilities.empty()) {
    if (!r.loss) r.loss = log_loss(gold, probabilities, classes);
    r.brier = brier_score(gold, probabilities, classes);
    r.calibration_error = expected_calibration_error(gold, probabilities, classes);
  }
  return r;
}

Json to_json(const ClassificationReport& report) {
  const ConfusionMatrix& m = report.matrix;
  Json out = Json::object();
  out["rows"] = m.total();
  out["labels"] = report.names;
  if (report.loss) out["loss"] = *report.loss;
  out["accuracy"] = accuracy(m);
  out["accuracy_interval"] = {report.interval.low, report.interval.high};
  out["accuracy_confidence"] = report.interval.confidence;
  out["majority_rate"] = majority_rate(m);
  const int64_t majority = majority_class(m);
  out["majority_label"] = majority < 0 ? Json(nullptr) : Json(report.names[static_cast<size_t>(majority)]);
  out["correct"] = m.correct();
  out["balanced_accuracy"] = balanced_accuracy(m);
  add_averages(out, m);
  out["matthews_correlation"] = matthews(m);
  if (m.classes() == 2) {
    const ClassScores positive = class_scores(m, 1);
    out["f1"] = positive.f1;
    out["precision"] = positive.precision;
    out["recall"] = positive.recall;
  }
  if (report.brier) out["brier"] = *report.brier;
  if (report.calibration_error) out["calibration_error"] = *report.calibration_error;
  Json classes = Json::object(), matrix = Json::array();
  for (int64_t g = 0; g < m.classes(); ++g) {
    classes[report.names[static_cast<size_t>(g)]] = class_json(class_scores(m, g), m.predicted_count(g));
    Json row = Json::array();
    for (int64_t p = 0; p < m.classes(); ++p) row.push_back(m.at(g, p));
    matrix.push_back(std::move(row));
  }
  out["per_class"] = std::move(classes);
  out["confusion_matrix"] = std::move(matrix);
  return out;
}

Json multi_label_json(std::span<const uint8_t> gold, std::span<const uint8_t> predicted, const std::vector<std::string>& names, std::optional<double> loss) {
  const auto classes = static_cast<int64_t>(names.size());
  const MultiLabelCounts m = count_multi_label(gold, predicted, classes);
  const ConfidenceInterval interval = wilson_interval(m.exact_rows, m.rows);
  std::map<std::string, int64_t> combinations;  // of labels, by their bytes
  int64_t most = 0;
  for (size_t at = 0; at < gold.size(); at += names.size()) {
    const auto row = gold.subspan(at, names.size());
    most = std::max(most, ++combinations[std::string(row.begin(), row.end())]);
  }
  Json out = Json::object();
  out["rows"] = m.rows;
  out["labels"] = names;
  if (loss) out["loss"] = *loss;
  out["accuracy"] = subset_accuracy(m);
  out["accuracy_interval"] = {interval.low, interval.high};
  out["accuracy_confidence"] = interval.confidence;
  out["majority_rate"] = m.rows == 0 ? 0.0 : static_cast<double>(most) / static_cast<double>(m.rows);
  out["correct"] = m.exact_rows;
  add_averages(out, m);
  out["f1_samples"] = f1_samples(m);
  out["hamming_loss"] = hamming_loss(m);
  Json per_class = Json::object();
  for (int64_t c = 0; c < classes; ++c) per_class[names[static_cast<size_t>(c)]] = class_json(class_scores(m, c), m.predicted[static_cast<size_t>(c)]);
  out["per_class"] = std::move(per_class);
  return out;
}

Json regression_json(std::span<const double> gold, std::span<const double> predicted, int64_t targets, std::optional<double> loss) {
  require(targets > 0 && gold.size() == predicted.size() && gold.size() % static_cast<size_t>(targets) == 0, "rows of equal width");
  const auto width = static_cast<size_t>(targets);
  double mse = 0, mae = 0, r2 = 0, correlation = 0, rank_correlation = 0;
  for (size_t t = 0; t < width; ++t) {
    std::vector<double> g, p;
    for (size_t i = t; i < gold.size(); i += width) {
      g.push_back(gold[i]);
      p.push_back(predicted[i]);
    }
    mse += mean_squared_error(g, p) / static_cast<double>(targets);
    mae += mean_absolute_error(g, p) / static_cast<double>(targets);
    r2 += r2_score(g, p) / static_cast<double>(targets);
    correlation += pearson(g, p) / static_cast<double>(targets);
    rank_correlation += spearman(g, p) / static_cast<double>(targets);
  }
  Json out = Json::object();
  out["rows"] = gold.size() / width;
  if (loss) out["loss"] = *loss;
  out["mse"] = mse;
  out["rmse"] = std::sqrt(mse);
  out["mae"] = mae;
  out["r2"] = r2;
  out["pearson"] = correlation;
  out["spearman"] = rank_correlation;
  return out;
}

}  // namespace attune
