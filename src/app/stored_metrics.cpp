// The figures of stored predictions, by the same functions as a model's evaluation.
#include <algorithm>
#include <cmath>
#include <limits>

#include "app/stored_predictions.h"
#include "metrics/answer_report.h"
#include "metrics/report.h"

namespace attune {
namespace {

/// Null with its reason.
void undefine(Json& out, const char* key, const std::string& reason) {
  out[key] = nullptr;
  out["undefined"][key] = reason;
}

/// Mean binary cross-entropy, as the loss of multi-label heads.
double mean_cross_entropy(const StoredPredictions& p) {
  double sum = 0;
  for (size_t i = 0; i < p.scores.size(); ++i) sum -= std::log(std::max(p.gold_set[i] ? p.scores[i] : 1 - p.scores[i], std::numeric_limits<double>::epsilon()));
  return sum / static_cast<double>(p.scores.size());
}

Json single_json(const StoredPredictions& p) {
  Json m = to_json(classification_report(p.gold, p.predicted, p.scores, p.labels, std::nullopt, p.ids));
  if (!p.scores.empty()) return m;
  undefine(m, "loss", p.no_scores);
  for (auto& [key, reason] : m["undefined"].items()) reason = p.no_scores;  // all of them are figures of probabilities
  return m;
}

Json tags_json(const StoredPredictions& p) {
  const std::vector<uint64_t> clusters = p.clusters();
  TagTally tally(p.scheme ? *p.scheme : scheme_of(p.labels, p.gold_tags), p.strict);
  for (size_t i = 0; i < p.rows(); ++i) tally.add(p.gold_tags[i], p.predicted_tags[i], clusters[i], i == 0 ? p.read : ReadWords());
  return tally.json();
}

Json answers_json(const StoredPredictions& p) {
  std::vector<AnswerScores> questions;
  for (const AnsweredQuestion& q : p.questions) questions.push_back(answer_scores(q));
  return answering_json(questions, p.clusters(), p.has_odds);
}

}  // namespace

Json stored_metrics(const StoredPredictions& p) {
  const char kNoLoss[] = "the predictions of this task are stored without scores";
  Json m;
  switch (p.kind) {
    case StoredKind::kSingleLabel: return single_json(p);
    case StoredKind::kMultiLabel:
      m = multi_label_json(p.gold_set, p.predicted_set, p.scores, p.labels);
      if (!p.scores.empty()) {
        m["loss"] = mean_cross_entropy(p);
        return m;
      }
      undefine(m, "loss", p.no_scores);
      for (auto& [key, reason] : m["undefined"].items()) reason = p.no_scores;
      return m;
    case StoredKind::kRegression:
      m = regression_json(p.gold_values, p.predicted_values, static_cast<int64_t>(p.labels.size()));
      m["loss"] = m["mse"];
      return m;
    case StoredKind::kTags: m = tags_json(p); break;
    case StoredKind::kAnswers:
      m = answers_json(p);
      if (p.positions.windows > 0)
        add_positions(m, p.positions);
      else
        for (const char* key : {"start_accuracy", "end_accuracy", "span_accuracy", "windows"}) undefine(m, key, "the file does not say which windows were right");
      break;
  }
  undefine(m, "loss", kNoLoss);
  return m;
}

}  // namespace attune
