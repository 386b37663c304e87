#include "metrics/answer_report.h"

#include "metrics/clusters.h"

namespace attune {

Json answering_json(std::span<const AnswerScores> questions, std::span<const uint64_t> clusters, bool may_have_none) {
  std::vector<double> exact, f1;
  for (const AnswerScores& q : questions) {
    exact.push_back(q.exact);
    f1.push_back(q.f1);
  }
  Json m = squad_json(questions, {.no_answer_threshold = std::nullopt, .best = may_have_none});
  for (const auto& [name, values] : {std::pair{"exact_interval", &exact}, std::pair{"f1_interval", &f1}}) {
    const std::optional<ConfidenceInterval> i = clustered_interval(*values, clusters);
    m[name] = i ? Json{100 * i->low, 100 * i->high} : Json();
    if (!i) m["undefined"][name] = "there are fewer than two contexts";
  }
  m["version_2_with_negative"] = may_have_none;
  return m;
}

void add_positions(Json& metrics, const PositionScores& positions) {
  const auto share = [&](int64_t n) { return positions.windows == 0 ? 0.0 : static_cast<double>(n) / static_cast<double>(positions.windows); };
  metrics["start_accuracy"] = share(positions.start);
  metrics["end_accuracy"] = share(positions.end);
  metrics["span_accuracy"] = share(positions.both);
  metrics["windows"] = positions.windows;
}

}  // namespace attune
