#include "app/seed_predictions.h"

#include <fmt/format.h>

namespace attune {

StoredPredictions predictions_of_seeds(const std::string& name, const std::vector<StoredPredictions>& seeds, const std::vector<int64_t>& numbers) {
  StoredPredictions all = seeds.front();
  all.name = name;
  if (seeds.size() == 1) return all;
  const auto append = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
  for (size_t s = 1; s < seeds.size(); ++s) {
    const StoredPredictions& p = seeds[s];
    append(all.ids, p.ids);
    append(all.lines, p.lines);
    append(all.texts, p.texts);
    append(all.pairs, p.pairs);
    append(all.groups, p.groups);
    append(all.gold, p.gold);
    append(all.predicted, p.predicted);
    append(all.gold_set, p.gold_set);
    append(all.predicted_set, p.predicted_set);
    append(all.gold_values, p.gold_values);
    append(all.predicted_values, p.predicted_values);
    append(all.scores, p.scores);
    append(all.tokens, p.tokens);
    append(all.gold_tags, p.gold_tags);
    append(all.predicted_tags, p.predicted_tags);
    append(all.questions, p.questions);
    if (p.scores.empty()) all.no_scores = p.no_scores;
  }
  if (!all.no_scores.empty()) all.scores.clear();
  const size_t rows = seeds.front().rows();
  for (size_t i = 0; i < all.ids.size(); ++i) {
    if (all.groups[i].empty()) all.groups[i] = all.ids[i];
    all.ids[i] += fmt::format(" (seed {})", numbers[i / rows]);
  }
  return all;
}

}  // namespace attune
