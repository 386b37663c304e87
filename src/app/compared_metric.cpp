#include "app/compared_metric.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "base/error.h"
#include "metrics/calibration.h"
#include "metrics/clusters.h"
#include "metrics/multi_label.h"
#include "metrics/ranking.h"
#include "metrics/regression.h"
#include "metrics/row_kinds.h"

namespace attune {
namespace {

using Names = std::vector<std::string>;

// ---- Figures of a confusion matrix

const std::map<std::string, MatrixFigure>& matrix_figures() {
  static const std::map<std::string, MatrixFigure> all = {
      {"accuracy", [](const ConfusionMatrix& m) { return accuracy(m); }},
      {"balanced_accuracy", [](const ConfusionMatrix& m) { return balanced_accuracy(m); }},
      {"precision_macro", [](const ConfusionMatrix& m) { return average_scores(m, Average::kMacro).precision; }},
      {"recall_macro", [](const ConfusionMatrix& m) { return average_scores(m, Average::kMacro).recall; }},
      {"f1_macro", [](const ConfusionMatrix& m) { return average_scores(m, Average::kMacro).f1; }},
      {"f1_weighted", [](const ConfusionMatrix& m) { return average_scores(m, Average::kWeighted).f1; }},
      {"f1_micro", [](const ConfusionMatrix& m) { return average_scores(m, Average::kMicro).f1; }},
      {"mcc", [](const ConfusionMatrix& m) { return matthews(m); }},
      {"f1", [](const ConfusionMatrix& m) { return class_scores(m, 1).f1; }},
      {"precision", [](const ConfusionMatrix& m) { return class_scores(m, 1).precision; }},
      {"recall", [](const ConfusionMatrix& m) { return class_scores(m, 1).recall; }},
  };
  return all;
}

// ---- Sums over rows: numerators over denominators

struct Ratio {
  std::vector<double> numerators, denominators;
};

Ratio mean_of(std::vector<double> values) {
  std::vector<double> ones(values.size(), 1.0);
  return {std::move(values), std::move(ones)};
}

Ratio tag_ratio(const std::string& name, const StoredPredictions& p) {
  const std::optional<TagScheme> scheme = p.scheme ? *p.scheme : scheme_of(p.labels, p.gold_tags);
  Ratio r;
  for (size_t i = 0; i < p.rows(); ++i) {
    if (name == "overall_accuracy") {
      int64_t same = 0;
      for (size_t w = 0; w < p.gold_tags[i].size(); ++w) same += p.gold_tags[i][w] == p.predicted_tags[i][w];
      r.numerators.push_back(static_cast<double>(same));
      r.denominators.push_back(static_cast<double>(p.gold_tags[i].size()));
      continue;
    }
    const EntityCounts e = row_entities(p.gold_tags[i], p.predicted_tags[i], p.strict ? scheme : std::nullopt);
    const bool f1 = name == "overall_f1";
    r.numerators.push_back(static_cast<double>(f1 ? 2 * e.hits : e.hits));
    r.denominators.push_back(static_cast<double>(f1 ? e.gold + e.predicted : name == "overall_precision" ? e.predicted : e.gold));
  }
  return r;
}

Ratio answer_ratio(const std::string& name, const StoredPredictions& p) {
  Ratio r;
  for (const AnsweredQuestion& q : p.questions) {
    const AnswerScores s = answer_scores(q);
    const bool counts = name.starts_with("HasAns_") ? s.answerable : name.starts_with("NoAns_") ? !s.answerable : true;
    r.numerators.push_back(counts ? 100 * (name.ends_with("exact") ? s.exact : s.f1) : 0.0);
    r.denominators.push_back(counts ? 1.0 : 0.0);
  }
  return r;
}

Ratio set_ratio(const std::string& name, const StoredPredictions& p) {
  const size_t width = p.labels.size();
  Ratio r;
  for (size_t i = 0; i < p.rows(); ++i) {
    const MultiLabelCounts m = count_multi_label(std::span(p.gold_set).subspan(i * width, width), std::span(p.predicted_set).subspan(i * width, width), static_cast<int64_t>(width));
    const ClassScores micro = average_scores(m, Average::kMicro);
    const auto sum = [](const std::vector<int64_t>& v) { return static_cast<double>(std::accumulate(v.begin(), v.end(), int64_t{0})); };
    if (name == "f1_micro") {
      r.numerators.push_back(2 * sum(m.hits));
      r.denominators.push_back(sum(m.predicted) + sum(m.gold));
    } else {
      r.numerators.push_back(name == "accuracy" ? subset_accuracy(m) : name == "f1_samples" ? micro.f1 : hamming_loss(m));
      r.denominators.push_back(1.0);
    }
  }
  return r;
}

Ratio probability_ratio(const std::string& name, const StoredPredictions& p) {
  const size_t width = p.labels.size();
  std::vector<double> values;
  for (size_t i = 0; i < p.rows(); ++i) {
    const std::span<const double> row(p.scores.data() + i * width, width);
    double value = 0;
    if (name == "log_loss") {
      constexpr double kLeast = std::numeric_limits<double>::epsilon();
      value = -std::log(std::clamp(row[static_cast<size_t>(p.gold[i])], kLeast, 1 - kLeast));
    } else {
      for (size_t c = 0; c < width; ++c) value += std::pow(row[c] - (static_cast<size_t>(p.gold[i]) == c ? 1.0 : 0.0), 2);
    }
    values.push_back(value);
  }
  return mean_of(std::move(values));
}

/// Sides exchanged row by row; a figure without a denominator counts as 0, as in the figures themselves.
SwappedDifference swapped_ratio(Ratio a, Ratio b) {
  return [a = std::move(a), b = std::move(b)](std::span<const uint8_t> swapped) -> std::optional<double> {
    double top_a = 0, bottom_a = 0, top_b = 0, bottom_b = 0;
    for (size_t i = 0; i < swapped.size(); ++i) {
      const Ratio &left = swapped[i] ? b : a, &right = swapped[i] ? a : b;
      top_a += left.numerators[i];
      bottom_a += left.denominators[i];
      top_b += right.numerators[i];
      bottom_b += right.denominators[i];
    }
    return (bottom_b == 0 ? 0.0 : top_b / bottom_b) - (bottom_a == 0 ? 0.0 : top_a / bottom_a);
  };
}

WeightedStatistic ratio_or_zero(const Ratio& r) {
  return [s = ratio_statistic(r.numerators, r.denominators)](std::span<const int32_t> weights) { return std::optional(s(weights).value_or(0.0)); };
}

// ---- Figures that need the whole sample

/// Of the rows listed, each as often as it is listed.
using SampleFigure = std::function<std::optional<double>(std::span<const uint32_t> rows)>;

WeightedStatistic weighted(SampleFigure figure) {
  return [figure = std::move(figure)](std::span<const int32_t> weights) {
    std::vector<uint32_t> rows;
    for (size_t i = 0; i < weights.size(); ++i) rows.insert(rows.end(), static_cast<size_t>(weights[i]), static_cast<uint32_t>(i));
    return figure(rows);
  };
}

/// `figure` reads rows [0, n) of a and [n, 2n) of b.
SwappedDifference swapped_sample(SampleFigure figure, size_t n) {
  return [figure = std::move(figure), n](std::span<const uint8_t> swapped) -> std::optional<double> {
    std::vector<uint32_t> left(n), right(n);
    for (size_t i = 0; i < n; ++i) {
      left[i] = static_cast<uint32_t>(swapped[i] ? n + i : i);
      right[i] = static_cast<uint32_t>(swapped[i] ? i : n + i);
    }
    const auto of_a = figure(left), of_b = figure(right);
    return of_a && of_b ? std::optional(*of_b - *of_a) : std::nullopt;
  };
}

template <typename T>
std::vector<T> joined(const std::vector<T>& a, const std::vector<T>& b) {
  std::vector<T> all(a);
  all.insert(all.end(), b.begin(), b.end());
  return all;
}

/// Means over targets.
SampleFigure number_figure(const std::string& name, std::vector<double> gold, std::vector<double> predicted, size_t targets) {
  return [=, gold = std::move(gold), predicted = std::move(predicted)](std::span<const uint32_t> rows) -> std::optional<double> {
    double sum = 0;
    std::vector<double> g(rows.size()), p(rows.size());
    for (size_t t = 0; t < targets; ++t) {
      for (size_t i = 0; i < rows.size(); ++i) {
        g[i] = gold[rows[i] * targets + t];
        p[i] = predicted[rows[i] * targets + t];
      }
      sum += name == "pearson" ? pearson(g, p) : name == "spearman" ? spearman(g, p) : name == "r2" ? r2_score(g, p) : name == "mae" ? mean_absolute_error(g, p) : mean_squared_error(g, p);
    }
    sum /= static_cast<double>(targets);
    return std::isfinite(sum) ? std::optional(sum) : std::nullopt;
  };
}

SampleFigure set_figure(Average average, std::vector<uint8_t> gold, std::vector<uint8_t> predicted, size_t width) {
  return [=, gold = std::move(gold), predicted = std::move(predicted)](std::span<const uint32_t> rows) -> std::optional<double> {
    MultiLabelCounts m;
    m.hits.resize(width);
    m.predicted.resize(width);
    m.gold.resize(width);
    for (const uint32_t row : rows) {
      const uint8_t *g = gold.data() + row * width, *p = predicted.data() + row * width;
      for (size_t c = 0; c < width; ++c) {
        m.hits[c] += g[c] & p[c];
        m.predicted[c] += p[c];
        m.gold[c] += g[c];
      }
    }
    return average_scores(m, average).f1;
  };
}

// ---- Ranking and calibration

/// As evaluation names them.
Figure probability_figure(const std::string& name, std::span<const int32_t> gold, std::span<const double> scores, const Names& labels) {
  const bool two = labels.size() == 2;
  if (name == "ece") return expected_calibration_error(gold, scores, static_cast<int64_t>(labels.size()));
  if (name == "roc_auc") return two ? class_roc_auc(gold, scores, labels, 1) : roc_auc_one_versus_rest(gold, scores, labels, Average::kMacro);
  if (name == "roc_auc_ovo") return roc_auc_one_versus_one(gold, scores, labels, Average::kMacro);
  return two ? class_average_precision(gold, scores, labels, 1) : average_precision(gold, scores, labels, Average::kMacro);
}

SampleFigure score_figure(const std::string& name, std::vector<int32_t> gold, std::vector<double> scores, const Names& labels) {
  return [=, gold = std::move(gold), scores = std::move(scores)](std::span<const uint32_t> rows) {
    const size_t width = labels.size();
    std::vector<int32_t> g;
    std::vector<double> p;
    g.reserve(rows.size());
    p.reserve(rows.size() * width);
    for (const uint32_t row : rows) {
      g.push_back(gold[row]);
      p.insert(p.end(), scores.begin() + static_cast<std::ptrdiff_t>(row * width), scores.begin() + static_cast<std::ptrdiff_t>((row + 1) * width));
    }
    return probability_figure(name, g, p, labels).value;
  };
}

std::vector<uint8_t> positives_of(const StoredPredictions& p) {
  std::vector<uint8_t> positive;
  for (int32_t id : p.gold) positive.push_back(id == 1);
  return positive;
}
std::vector<double> positive_scores(const StoredPredictions& p) {
  std::vector<double> scores;
  for (size_t i = 0; i < p.rows(); ++i) scores.push_back(p.scores[2 * i + 1]);
  return scores;
}

/// Both sides' scores are sorted once; a draw only says whose each score is.
SwappedDifference swapped_roc_auc(const std::vector<uint8_t>& positive, const std::vector<double>& a, const std::vector<double>& b) {
  const size_t n = positive.size();
  const std::vector<double> scores = joined(a, b);
  const WeightedStatistic area = roc_auc_statistic(joined(positive, positive), scores);
  return [area, n](std::span<const uint8_t> swapped) -> std::optional<double> {
    std::vector<int32_t> left(2 * n), right(2 * n);
    for (size_t i = 0; i < n; ++i) {
      left[i] = right[n + i] = swapped[i] ? 0 : 1;
      left[n + i] = right[i] = swapped[i] ? 1 : 0;
    }
    const auto of_a = area(left), of_b = area(right);
    return of_a && of_b ? std::optional(*of_b - *of_a) : std::nullopt;
  };
}

/// Documents or contexts; none where every row stands alone.
Clusters clusters_of_rows(const StoredPredictions& p) {
  if (!p.comes_in_groups()) return {};
  return clusters_of(p.clusters());
}

/// Sums over rows of the scores, and what needs the scores of all rows.
bool sums_scores(const std::string& name) { return name == "log_loss" || name == "brier"; }
bool orders_scores(const std::string& name) { return name == "roc_auc" || name == "roc_auc_ovo" || name == "average_precision" || name == "ece"; }
bool of_two_classes(const std::string& name) { return name == "f1" || name == "precision" || name == "recall"; }

}  // namespace

Names metric_names(const StoredPredictions& p) {
  switch (p.kind) {
    case StoredKind::kSingleLabel: {
      Names all = {"accuracy", "f1_macro", "balanced_accuracy", "f1_weighted", "f1_micro", "precision_macro", "recall_macro", "mcc", "f1", "precision", "recall", "roc_auc", "roc_auc_ovo", "average_precision", "log_loss", "brier", "ece"};
      if (p.labels.size() != 2)
        std::erase_if(all, of_two_classes);
      else
        std::erase(all, "roc_auc_ovo");
      return all;
    }
    case StoredKind::kMultiLabel: return {"accuracy", "f1_micro", "f1_macro", "f1_weighted", "f1_samples", "hamming_loss"};
    case StoredKind::kRegression: return {"pearson", "spearman", "mse", "mae", "r2"};
    case StoredKind::kTags:
      if (!(p.scheme ? *p.scheme : scheme_of(p.labels, p.gold_tags))) return {"overall_accuracy"};
      return {"overall_f1", "overall_precision", "overall_recall", "overall_accuracy"};
    case StoredKind::kAnswers: {
      Names all = {"exact", "f1"};
      const auto none = std::count_if(p.questions.begin(), p.questions.end(), [](const AnsweredQuestion& q) { return q.gold.empty(); });
      if (none > 0 && none < static_cast<int64_t>(p.rows())) all.insert(all.end(), {"HasAns_exact", "HasAns_f1", "NoAns_exact", "NoAns_f1"});
      return all;
    }
  }
  return {};
}

Names usual_metrics(const StoredPredictions& p) {
  Names all = metric_names(p);
  const Names few = {"accuracy", "f1_macro", "f1", "roc_auc", "f1_micro", "pearson", "spearman", "mse", "overall_f1", "overall_accuracy", "exact"};
  const bool single = p.kind == StoredKind::kSingleLabel;
  std::erase_if(all, [&](const std::string& name) { return std::find(few.begin(), few.end(), name) == few.end() || (single && name == "f1_micro") || (name == "roc_auc" && p.labels.size() != 2); });
  return all;
}

bool is_lower_better(const std::string& metric) {
  return metric == "log_loss" || metric == "brier" || metric == "ece" || metric == "hamming_loss" || metric == "mse" || metric == "mae";
}

bool is_percent(const StoredPredictions& p) { return p.kind == StoredKind::kAnswers; }

std::string problem_of(const std::string& metric, const StoredPredictions& a, const StoredPredictions& b) {
  if (a.kind != StoredKind::kSingleLabel) return "";
  if (!sums_scores(metric) && !orders_scores(metric)) return "";
  for (const StoredPredictions* p : {&a, &b})
    if (p->scores.empty()) return p->no_scores;
  return orders_scores(metric) ? probability_figure(metric, a.gold, a.scores, a.labels).reason : "";
}

ComparedMetric compared_metric(const std::string& name, const StoredPredictions& a, const StoredPredictions& b) {
  require(a.ids == b.ids && a.kind == b.kind && a.labels == b.labels, "the same rows and labels on both sides");
  ComparedMetric m;
  m.name = name;
  const Clusters clusters = clusters_of_rows(a);
  const size_t n = a.rows();
  m.swapped_units = n;
  m.units = Units::single(n, clusters.count == 0 && a.kind == StoredKind::kSingleLabel ? std::span<const int32_t>(a.gold) : std::span<const int32_t>());
  const auto take = [&](const Ratio& left, const Ratio& right) {
    // Answers of one kind may be missing from a draw, which then says nothing; without entities scores are 0.
    const bool answers = a.kind == StoredKind::kAnswers;
    m.a = answers ? ratio_statistic(left.numerators, left.denominators) : ratio_or_zero(left);
    m.b = answers ? ratio_statistic(right.numerators, right.denominators) : ratio_or_zero(right);
    m.swapped = swapped_ratio(left, right);
  };
  switch (a.kind) {
    case StoredKind::kSingleLabel:
      if (name == "roc_auc" && a.labels.size() == 2) {
        const std::vector<uint8_t> positive = positives_of(a);
        m.a = roc_auc_statistic(positive, positive_scores(a));
        m.b = roc_auc_statistic(positive, positive_scores(b));
        m.swapped = swapped_roc_auc(positive, positive_scores(a), positive_scores(b));
      } else if (orders_scores(name)) {
        m.a = weighted(score_figure(name, a.gold, a.scores, a.labels));
        m.b = weighted(score_figure(name, b.gold, b.scores, b.labels));
        m.swapped = swapped_sample(score_figure(name, joined(a.gold, b.gold), joined(a.scores, b.scores), a.labels), n);
      } else if (sums_scores(name)) {
        take(probability_ratio(name, a), probability_ratio(name, b));
      } else {
        const auto classes = static_cast<int64_t>(a.labels.size());
        const MatrixFigure& figure = matrix_figures().at(name);
        m.swapped = swapped_matrix_difference(a.gold, a.predicted, b.predicted, classes, figure);
        if (clusters.count > 0) {
          m.a = matrix_statistic(a.gold, a.predicted, classes, figure);
          m.b = matrix_statistic(b.gold, b.predicted, classes, figure);
        } else {
          const std::span<const int32_t> columns[] = {a.gold, a.predicted, b.predicted};
          RowKinds kinds = row_kinds(columns, 0);
          m.units = std::move(kinds.units);
          m.a = matrix_statistic(kinds.columns[0], kinds.columns[1], classes, figure);
          m.b = matrix_statistic(kinds.columns[0], kinds.columns[2], classes, figure);
        }
      }
      break;
    case StoredKind::kMultiLabel:
      if (name == "f1_macro" || name == "f1_weighted") {
        const Average average = name == "f1_macro" ? Average::kMacro : Average::kWeighted;
        const size_t width = a.labels.size();
        m.a = weighted(set_figure(average, a.gold_set, a.predicted_set, width));
        m.b = weighted(set_figure(average, b.gold_set, b.predicted_set, width));
        m.swapped = swapped_sample(set_figure(average, joined(a.gold_set, b.gold_set), joined(a.predicted_set, b.predicted_set), width), n);
      } else {
        take(set_ratio(name, a), set_ratio(name, b));
      }
      break;
    case StoredKind::kRegression: {
      const size_t targets = a.labels.size();
      m.a = weighted(number_figure(name, a.gold_values, a.predicted_values, targets));
      m.b = weighted(number_figure(name, b.gold_values, b.predicted_values, targets));
      m.swapped = swapped_sample(number_figure(name, joined(a.gold_values, b.gold_values), joined(a.predicted_values, b.predicted_values), targets), n);
      break;
    }
    case StoredKind::kTags: take(tag_ratio(name, a), tag_ratio(name, b)); break;
    case StoredKind::kAnswers: take(answer_ratio(name, a), answer_ratio(name, b)); break;
  }
  if (clusters.count > 0) {
    m.units = Units::single(clusters.count);
    m.a = by_cluster(clusters, std::move(m.a));
    m.b = by_cluster(clusters, std::move(m.b));
    m.swapped_units = clusters.count;
    m.swapped = by_cluster(clusters, std::move(m.swapped));
  }
  return m;
}

RowsScore score_of_rows(const std::string& metric, const StoredPredictions& p, int64_t draws) {
  const ComparedMetric m = compared_metric(metric, p, p);
  RowsScore out{.score = m.a(std::vector<int32_t>(m.units.counts.begin(), m.units.counts.end())), .interval = {}};
  if (metric == "accuracy" && p.kind == StoredKind::kSingleLabel && !p.comes_in_groups()) {
    const std::vector<uint8_t> right = right_rows(p);
    out.interval = wilson_interval(std::count(right.begin(), right.end(), 1), static_cast<int64_t>(right.size()));
  } else {
    out.interval = bca_interval(m.units, m.a, {.draws = static_cast<int>(draws)});
  }
  return out;
}

std::vector<uint8_t> right_rows(const StoredPredictions& p) {
  std::vector<uint8_t> right;
  const size_t width = p.labels.size();
  for (size_t i = 0; i < p.rows(); ++i) {
    switch (p.kind) {
      case StoredKind::kSingleLabel: right.push_back(p.gold[i] == p.predicted[i]); break;
      case StoredKind::kMultiLabel:
        right.push_back(std::equal(p.gold_set.begin() + static_cast<std::ptrdiff_t>(i * width), p.gold_set.begin() + static_cast<std::ptrdiff_t>((i + 1) * width),
                                   p.predicted_set.begin() + static_cast<std::ptrdiff_t>(i * width)));
        break;
      case StoredKind::kTags: right.push_back(p.gold_tags[i] == p.predicted_tags[i]); break;
      case StoredKind::kAnswers: right.push_back(answer_scores(p.questions[i]).exact > 0.5); break;
      case StoredKind::kRegression: return {};
    }
  }
  return right;
}

const char* rightness_of(StoredKind kind) {
  switch (kind) {
    case StoredKind::kTags: return "sentence_accuracy";
    case StoredKind::kAnswers: return "exact";
    case StoredKind::kRegression: return "";
    default: return "accuracy";
  }
}

}  // namespace attune
