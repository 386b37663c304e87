// What an analysis says: each variant over its seeds, variants against each other on the same rows, and which one to ship. A function of the
// cells' results and stored predictions alone.
//
// Two sources of chance are kept apart. Rows: the seeds' predictions of a variant are put together and rows drawn as clusters (compare.h), which
// says what other rows like these would give the models at hand. Seeds: paired tests over the scores of shared seeds, which say what other trainings
// would give.
#pragma once

#include "app/analysis_baselines.h"
#include "app/analyze.h"
#include "app/stored_predictions.h"
#include "metrics/equivalence.h"
#include "metrics/seeds.h"
#include "metrics/sensitivity.h"

namespace attune {

struct VariantSummary {
  size_t variant = 0;  ///< of the plan
  std::string name;
  bool untrained = false;
  std::string description;            ///< "head=random-init(seed=0)" of the base; settings of the others
  std::vector<int64_t> seeds;         ///< those that gave a score
  std::vector<size_t> cells;          ///< of them
  std::vector<double> scores;         ///< the analysis' metric on its split
  std::vector<double> validation;     ///< the same on the validation rows; empty where there are none beside the test
  std::optional<SeedSummary> over_seeds;
  std::optional<ConfidenceInterval> interval;  ///< of the mean score, over rows
  std::vector<std::string> failures;           ///< "seed 1: peft: target_modules [nope] selects no layer"
  std::vector<std::string> degenerate;         ///< "seed 2: predicts one class ..."
  StoredPredictions predictions;               ///< of all seeds together, rows of one id a group
  Json first;                                  ///< all_results.json of the first seed
  double mean() const;                         ///< of the scores; NaN without any
  double validation_mean() const;
};

inline constexpr double kAlpha = 0.05;  ///< of every test

enum class Finding { kBetter, kWorse, kEquivalent, kUnclear };
const char* name_of(Finding finding);

/// The difference is over rows, b - a.
struct VariantComparison : PairedDifference {
  size_t a = 0, b = 0;            ///< summaries
  double holm = 1;                ///< adjusted over the comparisons with one reference
  std::optional<MeanTest> over_seeds;
  std::optional<RankTest> signed_rank;
  std::optional<Equivalence> equivalence;  ///< over seeds
  Json first_seed;                ///< compare() of the first shared seed: McNemar, DeLong, flips
  Json all_seeds;                 ///< compare() of all seeds together
  Finding finding = Finding::kUnclear;
  std::string sentence;           ///< "full is better than lora by 1.2 points of accuracy (95 % interval 0.3 to 2.1, p = 0.01)"
};

struct AnalysisSummary {
  std::vector<VariantSummary> variants;  ///< that gave a score, in the plan's order; failed ones at the end
  size_t scored = 0;                     ///< how many of them
  size_t reference = 0;
  std::vector<VariantComparison> against_reference;
  std::optional<size_t> best;  ///< highest mean on the validation rows (on the test rows where there are none) of the trained
  std::vector<VariantComparison> against_best;
  std::optional<size_t> ship;  ///< the fewest trained parameters among the best and those that cannot be told from it and lie within the margin
  std::vector<BaselineScore> baselines;
  std::string answer;                ///< "Ship X: ..."
  std::vector<std::string> reasons;  ///< sentences that say how sure that is
  Sensitivity sensitivity;
  std::optional<double> majority_rate;
  bool lower_is_better = false;
  double scale = 100;              ///< of differences as they are told: 100 where the metric is a share, else 1
  std::string margin_text;          ///< "1 point of accuracy"
  std::string unit = "points of ";  ///< before the metric's name; "" where it is neither a share nor in percent
  /// steps and evaluations of all computed cells, and what the analysis took beside them.
  double step_seconds = 0, evaluation_seconds = 0, overhead = 0;
};

AnalysisSummary summarise(const Analysis& analysis);

/// The one whose b is `variant`; null where there is none.
const VariantComparison* against(const std::vector<VariantComparison>& list, size_t variant);

/// A number of all_results.json, a path with dots for members; NaN where there is none. Of a variant: its mean over the seeds.
double result_number(const Json& results, const std::string& path);
double result_number(const VariantSummary& variant, const Analysis& analysis, const std::string& path);

}  // namespace attune
