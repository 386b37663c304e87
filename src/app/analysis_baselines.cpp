#include "app/analysis_baselines.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "app/analysis_summary.h"
#include "app/analysis_words.h"
#include "app/compare.h"
#include "app/compared_metric.h"
#include "app/seed_predictions.h"
#include "base/files.h"

namespace attune {
namespace {

/// The variant to ship less the baseline, whose answers are the same for every seed.
PairedDifference shipped_less(const StoredPredictions& baseline, const VariantSummary& shipped, const Analysis& a) {
  const StoredPredictions pair[] = {predictions_of_seeds(baseline.name, std::vector<StoredPredictions>(shipped.seeds.size(), baseline), shipped.seeds), shipped.predictions};
  CompareOptions options;
  options.metrics = {a.metric};
  options.draws = a.config.analysis.draws;
  return difference_in(compare(pair, options), a.metric);
}

std::string sentence_of(const PairedDifference& d, const std::string& shipped, const Analysis& a, const AnalysisSummary& s) {
  const bool told_apart = d.p < kAlpha, better = (d.difference < 0) == s.lower_is_better;
  const std::string chance = fmt::format("({}, {})", range_text(d, told_apart, s), p_text(d.p));
  if (told_apart) return fmt::format("**{}** is {} by {} {}", shipped, better ? "better" : "worse", told(std::fabs(d.difference), s, a.metric), chance);
  return fmt::format("**{}** cannot be told from it: the difference is {} {}", shipped, told(d.difference, s, a.metric), chance);
}

}  // namespace

void write_baselines(const AnalyzeConfig& config, const SharedInputs& shared, const Task& task) {
  const SplitData& split = shared.data.test.rows.empty() ? shared.data.validation : shared.data.test;
  const auto found = baseline_results(baselines_from_names(config.run.baselines), shared.data.train, split, task);
  for (const Artifact& a : baseline_artifacts(found, task, split)) write_file_atomically(fs::path(config.run.output_dir) / a.name, a.fill);
}

std::vector<BaselineScore> score_baselines(const Analysis& a, const AnalysisSummary& s) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  std::vector<BaselineScore> out;
  for (const Baseline kind : baselines_from_names(a.config.run.baselines)) {
    StoredPredictions p = read_stored_predictions((fs::path(a.config.run.output_dir) / baseline_key(kind, "predictions.jsonl")).string(),
                                                  {.task = "text-classification", .labels = s.variants.front().predictions.labels, .null_odds = "", .gold_file = "", .data = {}});
    p.name = baseline_name(kind);
    BaselineScore b{.kind = kind, .score = kNone, .interval = {}, .shipped = {kNone, kNone, kNone, kNone}, .sentence = fmt::format("**{}** ({}) ", p.name, baseline_description(kind))};
    if (const std::string problem = problem_of(a.metric, p, p); problem.empty()) {
      const RowsScore score = score_of_rows(a.metric, p, a.config.analysis.draws);
      b.score = score.score.value_or(kNone);
      b.interval = score.interval;
      b.sentence += fmt::format("reaches {}", score_text(b.score, s));
      if (b.interval) b.sentence += fmt::format(" (95 % interval {} to {})", score_text(b.interval->low, s), score_text(b.interval->high, s));
      if (s.ship) {
        b.shipped = shipped_less(p, s.variants[*s.ship], a);
        b.sentence += "; " + sentence_of(b.shipped, s.variants[*s.ship].name, a, s);
      }
    } else {
      b.sentence += fmt::format("has no {}: {}", a.metric, problem);
    }
    b.sentence += ".";
    out.push_back(std::move(b));
  }
  return out;
}

}  // namespace attune
