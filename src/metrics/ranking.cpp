#include "metrics/ranking.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "base/error.h"

namespace attune {
namespace {

/// Rows scored at least `threshold`.
struct Step {
  double threshold;
  int64_t positive, negative;
};

/// One step for each distinct score, from the largest.
std::vector<Step> steps_of(std::span<const uint8_t> positive, std::span<const double> scores) {
  std::vector<std::pair<double, bool>> rows;
  rows.reserve(scores.size());
  for (size_t i = 0; i < scores.size(); ++i) rows.emplace_back(scores[i], positive[i] != 0);
  std::sort(rows.begin(), rows.end(), std::greater<>());
  std::vector<Step> steps;
  int64_t seen[2] = {0, 0};
  for (size_t i = 0; i < rows.size(); ++i) {
    ++seen[rows[i].second ? 0 : 1];
    if (i + 1 == rows.size() || rows[i + 1].first != rows[i].first) steps.push_back({rows[i].first, seen[0], seen[1]});
  }
  return steps;
}

/// Why the rows cannot be ranked, or "".
std::string problem_of(std::span<const uint8_t> positive, std::span<const double> scores, bool needs_negatives) {
  require(positive.size() == scores.size(), "a score for every row");
  if (positive.empty()) return "there are no rows";
  if (!std::all_of(scores.begin(), scores.end(), [](double s) { return std::isfinite(s); })) return "a score is not a finite number";
  const auto some = [&](bool wanted) { return std::any_of(positive.begin(), positive.end(), [&](uint8_t p) { return (p != 0) == wanted; }); };
  if (!some(true)) return "no row is positive";
  if (needs_negatives && !some(false)) return "all rows are positive";
  return "";
}

void check(std::span<const int32_t> gold, std::span<const double> probabilities, std::span<const std::string> names) {
  require(!names.empty() && probabilities.size() == gold.size() * names.size(), "a probability for every row and class");
}

using BinaryFigure = Figure (*)(std::span<const uint8_t>, std::span<const double>);

/// Reasons name the class.
Figure of_class(BinaryFigure figure, std::span<const int32_t> gold, std::span<const double> probabilities, std::span<const std::string> names, int64_t c) {
  check(gold, probabilities, names);
  const auto column = static_cast<size_t>(c);
  const std::string& name = names[column];
  std::vector<uint8_t> positive;
  std::vector<double> scores;
  positive.reserve(gold.size());
  scores.reserve(gold.size());
  for (size_t i = 0; i < gold.size(); ++i) {
    positive.push_back(gold[i] == c);
    scores.push_back(probabilities[i * names.size() + column]);
  }
  Figure f = figure(positive, scores);
  if (f.reason == "no row is positive") f.reason = fmt::format("no row is of class '{}'", name);
  if (f.reason == "all rows are positive") f.reason = fmt::format("all rows are of class '{}'", name);
  return f;
}

double weight_of(Average average, int64_t rows) {
  require(average == Average::kMacro || average == Average::kWeighted, "ranking figures average by class or by row");
  return average == Average::kWeighted ? static_cast<double>(rows) : 1.0;
}

Figure mean_over_classes(BinaryFigure figure, std::span<const int32_t> gold, std::span<const double> probabilities, std::span<const std::string> names,
                         Average average) {
  check(gold, probabilities, names);
  if (gold.empty()) return Figure::none("there are no rows");
  double sum = 0, weights = 0;
  for (int64_t c = 0; c < static_cast<int64_t>(names.size()); ++c) {
    const double weight = weight_of(average, std::count(gold.begin(), gold.end(), static_cast<int32_t>(c)));
    if (weight == 0) continue;
    const Figure f = of_class(figure, gold, probabilities, names, c);
    if (!f.value) return f;
    sum += weight * *f.value;
    weights += weight;
  }
  return Figure::of(sum / weights);
}

Figure mean_over_labels(BinaryFigure figure, std::span<const uint8_t> gold, std::span<const double> probabilities, std::span<const std::string> names,
                        Average average) {
  const size_t width = names.size();
  require(width > 0 && gold.size() == probabilities.size() && gold.size() % width == 0, "a probability for every row and label");
  if (average == Average::kMicro) return figure(gold, probabilities);
  require(average == Average::kMacro, "label sets average by label or over all cells");
  double sum = 0;
  for (size_t c = 0; c < width; ++c) {
    std::vector<uint8_t> positive;
    std::vector<double> scores;
    for (size_t at = c; at < gold.size(); at += width) {
      positive.push_back(gold[at]);
      scores.push_back(probabilities[at]);
    }
    Figure f = figure(positive, scores);
    if (f.reason == "no row is positive") f.reason = fmt::format("no row has the label '{}'", names[c]);
    if (f.reason == "all rows are positive") f.reason = fmt::format("all rows have the label '{}'", names[c]);
    if (!f.value) return f;
    sum += *f.value;
  }
  return Figure::of(sum / static_cast<double>(width));
}

}  // namespace

RocCurve roc_curve(std::span<const uint8_t> positive, std::span<const double> scores, bool drop_intermediate) {
  RocCurve curve;
  if (!problem_of(positive, scores, true).empty()) return curve;
  const std::vector<Step> steps = steps_of(positive, scores);
  const auto all_positive = static_cast<double>(steps.back().positive), all_negative = static_cast<double>(steps.back().negative);
  const auto add = [&](const Step& s) {
    curve.false_positive_rate.push_back(static_cast<double>(s.negative) / all_negative);
    curve.true_positive_rate.push_back(static_cast<double>(s.positive) / all_positive);
    curve.thresholds.push_back(s.threshold);
  };
  add({std::numeric_limits<double>::infinity(), 0, 0});
  for (size_t i = 0; i < steps.size(); ++i) {
    const bool inner = i > 0 && i + 1 < steps.size();
    const auto straight = [&](int64_t Step::*n) { return steps[i + 1].*n - steps[i].*n == steps[i].*n - steps[i - 1].*n; };
    if (drop_intermediate && inner && straight(&Step::positive) && straight(&Step::negative)) continue;
    add(steps[i]);
  }
  return curve;
}

Figure roc_auc(std::span<const uint8_t> positive, std::span<const double> scores) {
  if (std::string problem = problem_of(positive, scores, true); !problem.empty()) return Figure::none(std::move(problem));
  // Twice the pairs in order, in whole numbers: a positive row beats the negatives below it, and halves those of its own score.
  int64_t twice = 0, before_positive = 0, before_negative = 0;
  const std::vector<Step> steps = steps_of(positive, scores);
  const int64_t negatives = steps.back().negative;
  for (const Step& s : steps) {
    twice += (s.positive - before_positive) * (2 * (negatives - s.negative) + s.negative - before_negative);
    before_positive = s.positive;
    before_negative = s.negative;
  }
  return Figure::of(static_cast<double>(twice) / (2.0 * static_cast<double>(before_positive) * static_cast<double>(negatives)));
}

PrecisionRecallCurve precision_recall_curve(std::span<const uint8_t> positive, std::span<const double> scores) {
  PrecisionRecallCurve curve;
  if (!problem_of(positive, scores, false).empty()) return curve;
  const std::vector<Step> steps = steps_of(positive, scores);
  const auto all = static_cast<double>(steps.back().positive);
  for (auto s = steps.rbegin(); s != steps.rend(); ++s) {
    curve.precision.push_back(static_cast<double>(s->positive) / static_cast<double>(s->positive + s->negative));
    curve.recall.push_back(static_cast<double>(s->positive) / all);
    curve.thresholds.push_back(s->threshold);
  }
  curve.precision.push_back(1);
  curve.recall.push_back(0);
  return curve;
}

Figure average_precision(std::span<const uint8_t> positive, std::span<const double> scores) {
  if (std::string problem = problem_of(positive, scores, false); !problem.empty()) return Figure::none(std::move(problem));
  const PrecisionRecallCurve curve = precision_recall_curve(positive, scores);
  double sum = 0;
  for (size_t i = 0; i + 1 < curve.recall.size(); ++i) sum += (curve.recall[i] - curve.recall[i + 1]) * curve.precision[i];
  return Figure::of(sum);
}

Figure class_roc_auc(std::span<const int32_t> gold, std::span<const double> probabilities, std::span<const std::string> names, int64_t c) {
  return of_class(roc_auc, gold, probabilities, names, c);
}

Figure class_average_precision(std::span<const int32_t> gold, std::span<const double> probabilities, std::span<const std::string> names, int64_t c) {
  return of_class(average_precision, gold, probabilities, names, c);
}

Figure roc_auc_one_versus_rest(std::span<const int32_t> gold, std::span<const double> probabilities, std::span<const std::string> names, Average average) {
  return mean_over_classes(roc_auc, gold, probabilities, names, average);
}

Figure average_precision(std::span<const int32_t> gold, std::span<const double> probabilities, std::span<const std::string> names, Average average) {
  return mean_over_classes(average_precision, gold, probabilities, names, average);
}

Figure roc_auc_one_versus_one(std::span<const int32_t> gold, std::span<const double> probabilities, std::span<const std::string> names, Average average) {
  check(gold, probabilities, names);
  if (gold.empty()) return Figure::none("there are no rows");
  std::vector<std::vector<size_t>> rows(names.size());  // by class
  for (size_t i = 0; i < gold.size(); ++i) rows[static_cast<size_t>(gold[i])].push_back(i);
  double sum = 0, weights = 0;
  for (size_t a = 0; a < names.size(); ++a) {
    for (size_t b = a + 1; b < names.size(); ++b) {
      if (rows[a].empty() || rows[b].empty()) continue;
      double both = 0;
      for (const auto& [one, other] : {std::pair{a, b}, std::pair{b, a}}) {
        std::vector<uint8_t> positive(rows[one].size(), 1);
        positive.resize(rows[one].size() + rows[other].size(), 0);
        std::vector<double> scores;
        for (const std::vector<size_t>* side : {&rows[one], &rows[other]})
          for (const size_t i : *side) scores.push_back(probabilities[i * names.size() + one]);
        const Figure f = roc_auc(positive, scores);
        if (!f.value) return f;
        both += *f.value;
      }
      const double weight = weight_of(average, static_cast<int64_t>(rows[a].size() + rows[b].size()));
      sum += weight * both / 2;
      weights += weight;
    }
  }
  if (weights == 0) return Figure::none(fmt::format("all rows are of class '{}'", names[static_cast<size_t>(gold[0])]));
  return Figure::of(sum / weights);
}

Figure multi_label_roc_auc(std::span<const uint8_t> gold, std::span<const double> probabilities, std::span<const std::string> names, Average average) {
  return mean_over_labels(roc_auc, gold, probabilities, names, average);
}

Figure multi_label_average_precision(std::span<const uint8_t> gold, std::span<const double> probabilities, std::span<const std::string> names, Average average) {
  return mean_over_labels(average_precision, gold, probabilities, names, average);
}

}  // namespace attune
