// What each knob of a sweep does to its score: effects over matched cells, and how much of the spread goes with each knob.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "metrics/intervals.h"

namespace attune {

struct SweepCell {
  std::vector<std::string> levels;  ///< of each knob
  int64_t seed = 0;
  double score = 0;
};

struct KnobLevel {
  std::string level;
  int64_t cells = 0;
  double mean = 0;  ///< of their scores
  /// Against the knob's reference level, over pairs of cells alike in every other knob and the seed; nothing for the reference itself and
  /// without such pairs.
  std::optional<double> effect;
  std::optional<ConfidenceInterval> interval;  ///< of the effect: Student's t over the pairs, from two pairs that differ on
  int64_t pairs = 0;
};

struct KnobEffect {
  std::string knob;
  std::vector<KnobLevel> levels;  ///< the reference, which most cells have (the first of equals), then in order of appearance
  double share = 0;               ///< of the scores' variance: sum of squares between the knob's levels over that of all (eta squared)
};

struct Sensitivity {
  std::vector<KnobEffect> knobs;  ///< the largest share first
  double seed_share = 0;          ///< of the variance: left within cells alike in every knob. Shares need not add up to 1 where knobs go together
};

/// Knobs with one level say nothing and are left out. Knobs whose levels always change together become one, named "a, b". No knobs where all scores
/// are equal or there are fewer than two cells.
Sensitivity sensitivity(std::span<const std::string> knobs, std::span<const SweepCell> cells, double confidence = 0.95);

}  // namespace attune
