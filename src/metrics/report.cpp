#include "metrics/report.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "metrics/multi_label.h"
#include "metrics/ranking.h"
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

/// The value, or null with its reason under `undefined`.
void put_figure(Json& out, const char* key, const Figure& figure) {
  out[key] = figure.value ? Json(*figure.value) : Json(nullptr);
  if (!figure.value) out["undefined"][key] = figure.reason;
}

Json reliability_json(const std::vector<ReliabilityBin>& bins) {
  const auto number = [](const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); };
  Json out = Json::array();
  for (const ReliabilityBin& b : bins)
    out.push_back({{"low", b.low}, {"high", b.high}, {"rows", b.rows}, {"confidence", number(b.confidence)}, {"accuracy", number(b.accuracy)}});
  return out;
}

}  // namespace

void ClassificationTally::add(int32_t gold, int32_t predicted, std::span<const double> probabilities, const std::string& id) {
  const auto known = [&](int32_t c) { return c >= 0 && static_cast<size_t>(c) < names_.size(); };
  require(known(gold) && known(predicted), "class ids within the names");
  require(probabilities.empty() || probabilities.size() == names_.size(), "a probability for every class");
  gold_.push_back(gold);
  predicted_.push_back(predicted);
  probabilities_.insert(probabilities_.end(), probabilities.begin(), probabilities.end());
  confused_.add(gold, predicted, id);
}

ClassificationReport ClassificationTally::report(std::optional<double> loss) const {
  const auto classes = static_cast<int64_t>(names_.size());
  ClassificationReport r;
  r.names = names_;
  r.matrix = confusion_matrix(gold_, predicted_, classes);
  r.interval = wilson_interval(r.matrix.correct(), r.matrix.total());
  r.loss = loss;
  r.confused = confused_.worst();
  if (probabilities_.empty()) {
    const Figure none = Figure::none(gold_.empty() ? "there are no rows" : "there are no probabilities");
    r.roc_auc = r.roc_auc_ovo = r.average_precision = r.log_loss = r.brier = r.ece = none;
    return r;
  }
  if (classes == 2) {
    r.roc_auc = class_roc_auc(gold_, probabilities_, names_, 1);
    r.average_precision = class_average_precision(gold_, probabilities_, names_, 1);
  } else {
    r.roc_auc = roc_auc_one_versus_rest(gold_, probabilities_, names_, Average::kMacro);
    r.roc_auc_ovo = roc_auc_one_versus_one(gold_, probabilities_, names_, Average::kMacro);
    r.average_precision = average_precision(gold_, probabilities_, names_, Average::kMacro);
  }
  r.log_loss = log_loss(gold_, probabilities_, classes);
  r.brier = brier_score(gold_, probabilities_, classes);
  r.ece = expected_calibration_error(gold_, probabilities_, classes);
  r.reliability = reliability_bins(gold_, probabilities_, classes);
  if (!r.loss) r.loss = r.log_loss.value;
  return r;
}

ClassificationReport classification_report(std::span<const int32_t> gold, std::span<const int32_t> predicted, std::span<const double> probabilities,
                                           std::vector<std::string> names, std::optional<double> loss, std::span<const std::string> ids) {
  const size_t classes = names.size(), of_row = probabilities.empty() ? 0 : classes;
  require(gold.size() == predicted.size() && probabilities.size() == gold.size() * of_row, "a prediction for every gold label");
  require(ids.empty() || ids.size() == gold.size(), "an id for every row");
  ClassificationTally tally(std::move(names));
  for (size_t i = 0; i < gold.size(); ++i)
    tally.add(gold[i], predicted[i], probabilities.subspan(i * of_row, of_row), ids.empty() ? std::to_string(i) : ids[i]);
  return tally.report(loss);
}

Json to_json(const ClassificationReport& report) {
  const ConfusionMatrix& m = report.matrix;
  const auto name = [&](int64_t c) { return report.names[static_cast<size_t>(c)]; };
  Json out = Json::object();
  out["rows"] = m.total();
  out["labels"] = report.names;
  if (report.loss) out["loss"] = *report.loss;
  out["accuracy"] = accuracy(m);
  out["accuracy_interval"] = {report.interval.low, report.interval.high};
  out["accuracy_confidence"] = report.interval.confidence;
  out["majority_rate"] = majority_rate(m);
  const int64_t majority = majority_class(m);
  out["majority_label"] = majority < 0 ? Json(nullptr) : Json(name(majority));
  out["correct"] = m.correct();
  out["balanced_accuracy"] = balanced_accuracy(m);
  add_averages(out, m);
  out["mcc"] = out["matthews_correlation"] = matthews(m);
  if (m.classes() == 2) {
    const ClassScores positive = class_scores(m, 1);
    out["f1"] = positive.f1;
    out["precision"] = positive.precision;
    out["recall"] = positive.recall;
  }
  out["undefined"] = Json::object();
  put_figure(out, "roc_auc", report.roc_auc);
  if (m.classes() != 2) put_figure(out, "roc_auc_ovo", report.roc_auc_ovo);
  put_figure(out, "average_precision", report.average_precision);
  put_figure(out, "log_loss", report.log_loss);
  put_figure(out, "brier", report.brier);
  put_figure(out, "ece", report.ece);
  out["reliability"] = reliability_json(report.reliability);
  Json classes = Json::object(), matrix = Json::array(), shares = Json::array(), pairs = Json::array();
  for (int64_t g = 0; g < m.classes(); ++g) {
    classes[name(g)] = class_json(class_scores(m, g), m.predicted_count(g));
    Json counts_of_row = Json::array(), shares_of_row = Json::array();
    for (int64_t p = 0; p < m.classes(); ++p) {
      counts_of_row.push_back(m.at(g, p));
      shares_of_row.push_back(m.share(g, p));
    }
    matrix.push_back(std::move(counts_of_row));
    shares.push_back(std::move(shares_of_row));
  }
  for (const ConfusedPair& p : report.confused) pairs.push_back({{"gold", name(p.gold)}, {"predicted", name(p.predicted)}, {"count", p.count}, {"ids", p.ids}});
  out["per_class"] = std::move(classes);
  out["confusion_matrix"] = std::move(matrix);
  out["confusion_matrix_normalized"] = std::move(shares);
  out["confused_pairs"] = std::move(pairs);
  return out;
}

Json multi_label_json(std::span<const uint8_t> gold, std::span<const uint8_t> predicted, std::span<const double> probabilities, const std::vector<std::string>& names,
                      std::optional<double> loss) {
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
  out["undefined"] = Json::object();
  for (const auto& [suffix, average] : {std::pair{"", Average::kMacro}, std::pair{"_micro", Average::kMicro}}) {
    const auto put = [&](const char* name, const auto& figure) {
      put_figure(out, (std::string(name) + suffix).c_str(), probabilities.empty() ? Figure::none(gold.empty() ? "there are no rows" : "there are no probabilities") : figure(gold, probabilities, names, average));
    };
    put("roc_auc", multi_label_roc_auc);
    put("average_precision", multi_label_average_precision);
  }
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
  const auto figure = [&](double value, const char* reason) {
    if (std::isfinite(value)) return Figure::of(value);
    const bool numbers = std::all_of(gold.begin(), gold.end(), [](double x) { return std::isfinite(x); }) &&
                         std::all_of(predicted.begin(), predicted.end(), [](double x) { return std::isfinite(x); });
    return Figure::none(gold.empty() ? "there are no rows" : numbers ? reason : "a value is not a finite number");
  };
  const char* of_two = gold.size() / width < 2 ? "there is only one row" : "the gold or the predictions are all the same";
  Json out = Json::object();
  out["rows"] = gold.size() / width;
  if (loss) out["loss"] = *loss;
  out["undefined"] = Json::object();
  put_figure(out, "mse", figure(mse, "too large for a number"));
  put_figure(out, "rmse", figure(std::sqrt(mse), "too large for a number"));
  put_figure(out, "mae", figure(mae, "too large for a number"));
  put_figure(out, "r2", figure(r2, of_two));
  put_figure(out, "pearson", figure(correlation, of_two));
  put_figure(out, "spearman", figure(rank_correlation, of_two));
  return out;
}

}  // namespace attune
