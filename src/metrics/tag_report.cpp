#include "metrics/tag_report.h"

#include <algorithm>

#include "base/error.h"
#include "metrics/bootstrap.h"
#include "metrics/weighted.h"

namespace attune {
namespace {

std::vector<EntitySpan> spans_in(std::span<const std::string> tags, std::optional<TagScheme> strict_scheme) {
  return strict_scheme ? strict_spans(tags, *strict_scheme) : lenient_spans(tags);
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

EntityCounts row_entities(std::span<const std::string> gold, std::span<const std::string> predicted, std::optional<TagScheme> strict_scheme) {
  const std::vector<EntitySpan> g = spans_in(gold, strict_scheme), p = spans_in(predicted, strict_scheme);
  const auto hits = std::count_if(p.begin(), p.end(), [&](const EntitySpan& s) { return std::find(g.begin(), g.end(), s) != g.end(); });
  return {.hits = hits, .predicted = static_cast<int64_t>(p.size()), .gold = static_cast<int64_t>(g.size())};
}

TagTally::TagTally(std::optional<std::optional<TagScheme>> scheme, bool strict) : settled_(scheme), strict_(strict) {
  if (!settled_) {
    for (const TagScheme s : {TagScheme::kIo, TagScheme::kIob1, TagScheme::kIob2}) readings_.push_back({.scheme = s});
  } else if (*settled_) {
    readings_.push_back({.scheme = **settled_});
  }
}

void TagTally::add(std::span<const std::string> gold, std::span<const std::string> predicted, uint64_t cluster, const ReadWords& read) {
  require(gold.size() == predicted.size(), "a prediction for every tag");
  ++rows_;
  words_ += static_cast<int64_t>(gold.size());
  for (size_t w = 0; w < gold.size(); ++w) right_ += gold[w] == predicted[w];
  read_ += read;
  if (!settled_) gold_.add(gold);
  const size_t at = clusters_.emplace(cluster, clusters_.size()).first->second;
  for (Reading& reading : readings_) add_entities(gold, predicted, at, reading);
}

void TagTally::add_entities(std::span<const std::string> gold, std::span<const std::string> predicted, size_t cluster, Reading& reading) const {
  reading.broken += !check_tags(predicted, reading.scheme).empty();
  reading.twice_hits.resize(clusters_.size());
  reading.entities.resize(clusters_.size());
  const auto scheme = strict_ ? std::optional(reading.scheme) : std::nullopt;
  const std::vector<EntitySpan> g = spans_in(gold, scheme), p = spans_in(predicted, scheme);
  for (const EntitySpan& s : g) ++reading.by_type[s.type].gold;
  for (const EntitySpan& s : p) {
    EntityCounts& c = reading.by_type[s.type];
    ++c.predicted;
    if (std::find(g.begin(), g.end(), s) == g.end()) continue;
    ++c.hits;
    reading.twice_hits[cluster] += 2;
  }
  reading.entities[cluster] += static_cast<double>(g.size() + p.size());
}

Json TagTally::json() const {
  const auto share = [&](int64_t n, double of_none) { return words_ == 0 ? of_none : static_cast<double>(n) / static_cast<double>(words_); };
  Json m = Json::object();
  m["rows"] = rows_;
  m["words"] = words_;
  m["windows"] = read_.windows;
  m["coverage"] = share(read_.words, 1.0);
  m["words_without_token"] = read_.without_token;
  const std::optional<TagScheme> scheme = settled_ ? *settled_ : gold_.scheme();
  if (!scheme) {  // part-of-speech tags and the like have no entities
    m["overall_accuracy"] = share(right_, 0.0);
    return m;
  }
  const auto reading = std::find_if(readings_.begin(), readings_.end(), [&](const Reading& r) { return r.scheme == *scheme; });
  require(reading != readings_.end(), "tags of the letters B and I, or a scheme that is known before");
  const EntityScores s = entity_scores(reading->by_type, right_, words_);
  m["scheme"] = scheme_name(*scheme);
  m["mode"] = strict_ ? "strict" : "default";
  m["overall_precision"] = s.micro.precision;
  m["overall_recall"] = s.micro.recall;
  m["overall_f1"] = s.micro.f1;
  m["overall_accuracy"] = s.accuracy;
  const auto interval = bca_interval(clusters_.size(), {}, ratio_statistic(reading->twice_hits, reading->entities));
  m["overall_f1_interval"] = interval ? Json{interval->low, interval->high} : Json();
  if (!interval) m["undefined"]["overall_f1_interval"] = "there are fewer than two documents, or no entities in too many draws";
  m["macro_f1"] = s.macro.f1;
  m["weighted_f1"] = s.weighted.f1;
  Json per_type = Json::object();
  for (size_t i = 0; i < s.types.size(); ++i) {
    const ClassScores& c = s.per_type[i];
    per_type[s.types[i]] = {{"precision", c.precision}, {"recall", c.recall}, {"f1", c.f1}, {"number", c.support}};
  }
  m["per_type"] = std::move(per_type);
  m["broken_predictions"] = reading->broken;
  m["report"] = entity_report(s, 4);
  return m;
}

}  // namespace attune
