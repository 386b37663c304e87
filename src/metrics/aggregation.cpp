#include "metrics/aggregation.h"

#include <algorithm>

#include "base/error.h"
#include "metrics/entities.h"

namespace attune {
namespace {

/// A token, or the tokens of a word, with one label.
struct Labelled {
  size_t label = 0;
  double score = 0;
  int64_t begin = 0, end = 0;
};

size_t best_of(std::span<const double> scores) {
  return static_cast<size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
}

Labelled labelled(std::span<const double> scores, int64_t begin, int64_t end) {
  const size_t best = best_of(scores);
  return {best, scores[best], begin, end};
}

Labelled label_word(std::span<const ScoredToken> word, Aggregation how) {
  const int64_t begin = word.front().begin, end = word.back().end;
  if (how == Aggregation::kFirst) return labelled(word.front().scores, begin, end);
  if (how == Aggregation::kMax) {
    const auto surest = std::max_element(word.begin(), word.end(), [](const ScoredToken& a, const ScoredToken& b) {
      return a.scores[best_of(a.scores)] < b.scores[best_of(b.scores)];
    });
    return labelled(surest->scores, begin, end);
  }
  std::vector<double> mean(word.front().scores.size());
  for (const ScoredToken& token : word)
    for (size_t i = 0; i < mean.size(); ++i) mean[i] += token.scores[i] / static_cast<double>(word.size());
  return labelled(mean, begin, end);
}

std::vector<Labelled> label_words(std::span<const ScoredToken> tokens, Aggregation how) {
  std::vector<Labelled> out;
  for (size_t begin = 0; begin < tokens.size();) {
    size_t end = begin + 1;
    while (end < tokens.size() && tokens[end].goes_on) ++end;
    out.push_back(label_word(tokens.subspan(begin, end - begin), how));
    begin = end;
  }
  return out;
}

/// Whether a label opens an entity, and of which type; a label without a prefix is its own type.
struct Reading {
  bool opens = false;
  std::string_view type;
};
Reading read(const std::string& label) {
  const std::optional<EntityTag> tag = parse_tag(label);
  if (!tag || tag->prefix == 'O') return {false, label};
  return {tag->prefix == 'B' || tag->prefix == 'S' || tag->prefix == 'U', tag->type};
}

}  // namespace

std::vector<FoundEntity> aggregate_entities(std::span<const ScoredToken> tokens, std::span<const std::string> labels, Aggregation how) {
  std::vector<Labelled> units;
  if (how == Aggregation::kNone || how == Aggregation::kSimple) {
    for (const ScoredToken& t : tokens) units.push_back(labelled(t.scores, t.begin, t.end));
  } else {
    units = label_words(tokens, how);
  }
  std::vector<FoundEntity> entities;
  std::string_view before;  // type of the unit before; "" at first
  int64_t members = 0;
  const auto finish = [&] {
    if (members > 0) entities.back().score /= static_cast<double>(members);
    members = 0;
  };
  for (const Labelled& u : units) {
    require(u.label < labels.size(), "a label for every score");
    const Reading r = read(labels[u.label]);
    const bool joins = how != Aggregation::kNone && r.type == before && !r.opens;
    before = r.type;
    if (!joins) finish();
    if (r.type == "O") continue;
    if (!joins) entities.push_back({how == Aggregation::kNone ? labels[u.label] : std::string(r.type), u.begin, u.end, 0});
    entities.back().end = u.end;
    entities.back().score += u.score;
    ++members;
  }
  finish();
  return entities;
}

}  // namespace attune
