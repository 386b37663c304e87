#include "metrics/sensitivity.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "metrics/seeds.h"

namespace attune {
namespace {

/// The numbers of a knob's levels, cell by cell, in order of appearance: knobs that always change together have the same.
std::vector<size_t> partition(std::span<const SweepCell> cells, size_t knob) {
  std::map<std::string, size_t> numbers;
  std::vector<size_t> out;
  for (const SweepCell& c : cells) out.push_back(numbers.emplace(c.levels[knob], numbers.size()).first->second);
  return out;
}

struct Knob {
  std::string name;
  std::vector<size_t> level;        ///< of each cell
  std::vector<std::string> levels;  ///< by number
};

std::vector<Knob> distinct_knobs(std::span<const std::string> names, std::span<const SweepCell> cells) {
  std::vector<Knob> knobs;
  for (size_t k = 0; k < names.size(); ++k) {
    const std::vector<size_t> level = partition(cells, k);
    const size_t count = *std::max_element(level.begin(), level.end()) + 1;
    if (count < 2) continue;
    std::vector<std::string> levels(count);
    for (size_t i = 0; i < cells.size(); ++i) levels[level[i]] = cells[i].levels[k];
    const auto twin = std::find_if(knobs.begin(), knobs.end(), [&](const Knob& other) { return other.level == level; });
    if (twin == knobs.end()) {
      knobs.push_back({names[k], level, levels});
      continue;
    }
    twin->name += ", " + names[k];
    for (size_t l = 0; l < count; ++l) twin->levels[l] += ", " + levels[l];
  }
  return knobs;
}

double mean_score(std::span<const double> values) {
  double sum = 0;
  for (const double v : values) sum += v;
  return sum / static_cast<double>(values.size());
}

double squares(std::span<const double> values) {
  const double mean = mean_score(values);
  double sum = 0;
  for (const double v : values) sum += (v - mean) * (v - mean);
  return sum;
}

/// Scores of cells in the reference level and in `level`, alike in all else.
struct Pairs {
  std::vector<double> reference, level;
};
Pairs matched(std::span<const SweepCell> cells, const std::vector<Knob>& knobs, size_t knob, size_t reference, size_t level) {
  std::map<std::vector<size_t>, double> at_reference;
  const auto others = [&](size_t i) {
    std::vector<size_t> key{static_cast<size_t>(cells[i].seed)};
    for (size_t k = 0; k < knobs.size(); ++k)
      if (k != knob) key.push_back(knobs[k].level[i]);
    return key;
  };
  for (size_t i = 0; i < cells.size(); ++i)
    if (knobs[knob].level[i] == reference) at_reference[others(i)] = cells[i].score;
  Pairs pairs;
  for (size_t i = 0; i < cells.size(); ++i) {
    if (knobs[knob].level[i] != level) continue;
    const auto it = at_reference.find(others(i));
    if (it == at_reference.end()) continue;
    pairs.reference.push_back(it->second);
    pairs.level.push_back(cells[i].score);
  }
  return pairs;
}

KnobEffect effect_of(std::span<const SweepCell> cells, const std::vector<Knob>& knobs, size_t k, double all_squares, double confidence) {
  const Knob& knob = knobs[k];
  std::vector<std::vector<double>> scores(knob.levels.size());
  std::vector<double> all;
  for (size_t i = 0; i < cells.size(); ++i) {
    scores[knob.level[i]].push_back(cells[i].score);
    all.push_back(cells[i].score);
  }
  const auto most = std::max_element(scores.begin(), scores.end(), [](const auto& a, const auto& b) { return a.size() < b.size(); });
  const auto reference = static_cast<size_t>(most - scores.begin());
  KnobEffect out{.knob = knob.name, .levels = {}, .share = 0};
  std::vector<size_t> order{reference};
  for (size_t l = 0; l < scores.size(); ++l)
    if (l != reference) order.push_back(l);
  for (const size_t l : order) {
    KnobLevel level{.level = knob.levels[l], .cells = static_cast<int64_t>(scores[l].size()), .mean = mean_score(scores[l]), .effect = {}, .interval = {}, .pairs = 0};
    const double away = level.mean - mean_score(all);
    out.share += static_cast<double>(level.cells) * away * away / all_squares;
    if (l != reference) {
      const Pairs pairs = matched(cells, knobs, k, reference, l);
      level.pairs = static_cast<int64_t>(pairs.level.size());
      if (level.pairs > 0) level.effect = mean_score(pairs.level) - mean_score(pairs.reference);
      if (const auto t = paired_t_test(pairs.reference, pairs.level, confidence)) level.interval = ConfidenceInterval{t->low, t->high, confidence};
    }
    out.levels.push_back(std::move(level));
  }
  return out;
}

}  // namespace

Sensitivity sensitivity(std::span<const std::string> names, std::span<const SweepCell> cells, double confidence) {
  Sensitivity out;
  std::vector<double> scores;
  for (const SweepCell& c : cells) {
    require(c.levels.size() == names.size(), "a level for every knob");
    scores.push_back(c.score);
  }
  if (cells.size() < 2) return out;
  const double all_squares = squares(scores);
  if (all_squares == 0) return out;
  const std::vector<Knob> knobs = distinct_knobs(names, cells);
  for (size_t k = 0; k < knobs.size(); ++k) out.knobs.push_back(effect_of(cells, knobs, k, all_squares, confidence));
  std::stable_sort(out.knobs.begin(), out.knobs.end(), [](const KnobEffect& a, const KnobEffect& b) { return a.share > b.share; });
  std::map<std::vector<size_t>, std::vector<double>> alike;
  for (size_t i = 0; i < cells.size(); ++i) {
    std::vector<size_t> key;
    for (const Knob& k : knobs) key.push_back(k.level[i]);
    alike[key].push_back(scores[i]);
  }
  for (const auto& [key, values] : alike) out.seed_share += squares(values) / all_squares;
  return out;
}

}  // namespace attune
