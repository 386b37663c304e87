#include "metrics/tag_report.h"

#include <algorithm>

#include "metrics/clusters.h"

namespace attune {
namespace {

Json f1_interval(TagSequences gold, TagSequences predicted, std::span<const uint64_t> clusters, std::optional<TagScheme> strict_scheme) {
  std::vector<double> twice_hits, both;
  for (size_t i = 0; i < gold.size(); ++i) {
    const RowEntities e = row_entities(gold[i], predicted[i], strict_scheme);
    twice_hits.push_back(2.0 * static_cast<double>(e.hits));
    both.push_back(static_cast<double>(e.gold + e.predicted));
  }
  const std::optional<ConfidenceInterval> i = clustered_interval(twice_hits, both, clusters);
  return i ? Json{i->low, i->high} : Json();
}

}  // namespace

ReadWords& ReadWords::operator+=(const ReadWords& other) {
  windows += other.windows;
  words += other.words;
  without_token += other.without_token;
  return *this;
}

std::optional<std::optional<TagScheme>> scheme_of_labels(const std::vector<std::string>& labels) {
  const std::optional<TagScheme> scheme = detect_scheme({&labels, 1});
  if (!scheme || *scheme == TagScheme::kIobes || *scheme == TagScheme::kBilou) return scheme;
  return std::nullopt;
}

std::optional<TagScheme> scheme_of(const std::vector<std::string>& labels, TagSequences gold) {
  const auto settled = scheme_of_labels(labels);
  return settled ? *settled : detect_scheme(gold);
}

RowEntities row_entities(std::span<const std::string> gold, std::span<const std::string> predicted, std::optional<TagScheme> strict_scheme) {
  const auto spans = [&](std::span<const std::string> tags) { return strict_scheme ? strict_spans(tags, *strict_scheme) : lenient_spans(tags); };
  const std::vector<EntitySpan> g = spans(gold), p = spans(predicted);
  const auto hits = std::count_if(p.begin(), p.end(), [&](const EntitySpan& s) { return std::find(g.begin(), g.end(), s) != g.end(); });
  return {.hits = hits, .predicted = static_cast<int64_t>(p.size()), .gold = static_cast<int64_t>(g.size())};
}

Json tagging_json(TagSequences gold, TagSequences predicted, std::span<const uint64_t> clusters, const ReadWords& read, std::optional<TagScheme> scheme, bool strict) {
  int64_t words = 0;
  for (const auto& tags : gold) words += static_cast<int64_t>(tags.size());
  const auto share = [&](int64_t n, double of_none) { return words == 0 ? of_none : static_cast<double>(n) / static_cast<double>(words); };
  Json m = Json::object();
  m["rows"] = gold.size();
  m["words"] = words;
  m["windows"] = read.windows;
  m["coverage"] = share(read.words, 1.0);
  m["words_without_token"] = read.without_token;
  if (!scheme) {  // part-of-speech tags and the like have no entities
    int64_t right = 0;
    for (size_t i = 0; i < gold.size(); ++i)
      for (size_t w = 0; w < gold[i].size(); ++w) right += gold[i][w] == predicted[i][w];
    m["overall_accuracy"] = share(right, 0.0);
    return m;
  }
  const EntityScores s = strict ? strict_entity_scores(gold, predicted, *scheme) : entity_scores(gold, predicted);
  m["scheme"] = scheme_name(*scheme);
  m["mode"] = strict ? "strict" : "default";
  m["overall_precision"] = s.micro.precision;
  m["overall_recall"] = s.micro.recall;
  m["overall_f1"] = s.micro.f1;
  m["overall_accuracy"] = s.accuracy;
  m["overall_f1_interval"] = f1_interval(gold, predicted, clusters, strict ? scheme : std::nullopt);
  if (m["overall_f1_interval"].is_null()) m["undefined"]["overall_f1_interval"] = "there are fewer than two documents, or no entities in too many draws";
  m["macro_f1"] = s.macro.f1;
  m["weighted_f1"] = s.weighted.f1;
  Json per_type = Json::object();
  for (size_t i = 0; i < s.counts.size(); ++i) {
    const ClassScores& c = s.per_type[i];
    per_type[s.counts[i].type] = {{"precision", c.precision}, {"recall", c.recall}, {"f1", c.f1}, {"number", c.support}};
  }
  m["per_type"] = std::move(per_type);
  m["broken_predictions"] = std::count_if(predicted.begin(), predicted.end(), [&](const std::vector<std::string>& tags) { return !check_tags(tags, *scheme).empty(); });
  m["report"] = entity_report(s, 4);
  return m;
}

}  // namespace attune
