#include "app/analysis_baselines.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "app/analysis_summary.h"
#include "app/analysis_words.h"
#include "app/baselines.h"
#include "app/compare.h"
#include "app/compared_metric.h"
#include "app/seed_predictions.h"
#include "base/files.h"

namespace attune {
namespace {

/// `shipped` less the baseline.
void compare_with_shipped(BaselineScore& b, const StoredPredictions& baseline, const VariantSummary& shipped, const Analysis& a, const AnalysisSummary& s) {
  const StoredPredictions pair[] = {predictions_of_seeds(b.name, std::vector<StoredPredictions>(shipped.seeds.size(), baseline), shipped.seeds), shipped.predictions};
  CompareOptions options;
  options.metrics = {a.metric};
  options.draws = a.config.analysis.draws;
  const Json all = compare(pair, options);
  const Json &bootstrap = all["paired_bootstrap"][a.metric], &random = all["randomisation"][a.metric];
  b.difference = result_number(bootstrap, "difference");
  b.low = result_number(bootstrap, "low");
  b.high = result_number(bootstrap, "high");
  b.p = random.is_object() ? result_number(random, "p") : result_number(bootstrap, "p");
  const bool less = b.difference < 0, better = less == s.lower_is_better;
  const std::string chance = fmt::format("95 % interval over rows {} to {}, {}", amount(less && b.p < 0.05 ? -b.high : b.low, s), amount(less && b.p < 0.05 ? -b.low : b.high, s), p_text(b.p));
  if (b.p < 0.05)
    b.sentence += fmt::format("; **{}** is {} by {} ({})", shipped.name, better ? "better" : "worse", told(std::fabs(b.difference), s, a.metric), chance);
  else
    b.sentence += fmt::format("; **{}** cannot be told from it: the difference is {} ({})", shipped.name, told(b.difference, s, a.metric), chance);
}

}  // namespace

void write_baselines(const AnalyzeConfig& config, const SharedInputs& shared, const Task& task) {
  const SplitData& split = shared.data.test.rows.empty() ? shared.data.validation : shared.data.test;
  const auto found = baseline_results(baselines_from_names(config.run.baselines), shared.data.train, split, task);
  for (const Artifact& a : baseline_artifacts(found, task, split)) write_file_atomically(fs::path(config.run.output_dir) / a.name, a.fill);
}

std::vector<BaselineScore> score_baselines(const Analysis& a, const AnalysisSummary& s) {
  std::vector<BaselineScore> out;
  for (const Baseline baseline : baselines_from_names(a.config.run.baselines)) {
    BaselineScore b;
    b.name = baseline_name(baseline);
    StoredPredictions p = read_stored_predictions((fs::path(a.config.run.output_dir) / fmt::format("baseline_{}_predictions.jsonl", b.name)).string(),
                                                  {.task = "text-classification", .labels = s.variants.front().predictions.labels, .null_odds = "", .gold_file = "", .data = {}});
    p.name = b.name;
    b.score = b.difference = b.low = b.high = b.p = std::nan("");
    b.sentence = fmt::format("**{}** ({}) ", b.name, baseline_description(baseline));
    if (const std::string problem = problem_of(a.metric, p, p); problem.empty()) {
      const ComparedMetric m = compared_metric(a.metric, p, p);
      if (a.metric == "accuracy") {  // rows drawn within their class would give "always one class" an interval of no width
        const auto right = right_rows(p);
        b.interval = wilson_interval(std::count(right.begin(), right.end(), 1), static_cast<int64_t>(right.size()));
      } else {
        b.interval = bca_interval(m.units, m.a, {.draws = static_cast<int>(a.config.analysis.draws)});
      }
      b.score = m.a(std::vector<int32_t>(m.units.counts.begin(), m.units.counts.end())).value_or(std::nan(""));
      b.sentence += fmt::format("reaches {}", score_text(b.score, s));
      if (b.interval) b.sentence += fmt::format(" (95 % interval {} to {})", score_text(b.interval->low, s), score_text(b.interval->high, s));
      if (s.ship) compare_with_shipped(b, p, s.variants[*s.ship], a, s);
    } else {
      b.sentence += fmt::format("has no {}: {}", a.metric, problem);
    }
    b.sentence += ".";
    out.push_back(std::move(b));
  }
  return out;
}

}  // namespace attune
