// Variants: their scores, what they are, and what they have to beat.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "app/analysis_sections.h"

namespace attune::report {
namespace {

Table variants_table(const Analysis& a, const AnalysisSummary& s) {
  Table t{.id = "variants", .title = fmt::format("Variants, {} rows", split_words(a)), .columns = {}, .rows = {}, .note = {}};
  t.columns = {{"variant", "", false}, {a.metric, "mean, 95 % over rows", true}, {"sd", "seeds", true}, {"validation", "", true}, {"loss", "", true}, {"seeds", "", true},
               {fmt::format("against {}", s.variants[s.reference].name), "", false}, {"what it is", "", false}};
  for (size_t i = 0; i < s.variants.size(); ++i) {
    const VariantSummary& v = s.variants[i];
    std::vector<Entry> row{name_entry(s, i)};
    if (i >= s.scored) {
      row.resize(t.columns.size(), missing("failed"));
      row.back() = words("failed: " + v.failures.front());
      t.rows.push_back(std::move(row));
      continue;
    }
    const double mean = v.mean();
    row.push_back(v.interval ? with_interval(mean, v.interval->low, v.interval->high) : number(mean));
    row.push_back(v.over_seeds && v.over_seeds->sd ? number(*v.over_seeds->sd) : missing("one seed has no spread"));
    row.push_back(v.validation.empty() ? missing("there are no validation rows beside the test") : number(v.validation_mean()));
    row.push_back(number_or_missing(result_number(v, a, a.split + "_loss"), 4, "not recorded"));
    row.push_back(count(static_cast<int64_t>(v.seeds.size())));
    const VariantComparison* c = against(s.against_reference, i);
    row.push_back(words(i == s.reference ? "the reference" : c ? name_of(c->finding) : "no shared seed"));
    if (c) row.back().emphasis = c->finding == Finding::kBetter ? Emphasis::kBest : c->finding == Finding::kWorse ? Emphasis::kBad : Emphasis::kMuted;
    row.push_back(words(v.description));
    t.rows.push_back(std::move(row));
  }
  t.note = fmt::format(
      "Intervals: BCa bootstrap over rows, the predictions of all seeds of a row drawn together (accuracy with one seed: Wilson). sd: standard deviation over seeds. A variant is called better or worse where the "
      "difference stays significant at 5 % after Holm's correction and every shared seed points the same way; equivalent where the 95 % interval over rows and the 90 % interval over seeds (two one-sided tests) both lie within {}.",
      s.margin_text);
  return t;
}

/// Rows for what is no variant: it is trained by nothing and has no seeds.
Table baselines_table(const Analysis& a, const AnalysisSummary& s) {
  const std::string shipped = s.ship ? s.variants[*s.ship].name : "-";
  Table t{.id = "baselines", .title = "What has to be beaten", .columns = {}, .rows = {}, .note = {}};
  t.note = fmt::format("Interval of a baseline: {}. Of the difference: BCa bootstrap over rows, paired; p is not adjusted.", a.metric == "accuracy" ? "Wilson" : "BCa bootstrap over rows");
  t.columns = {{"baseline", "", false}, {a.metric, "95 %", true}, {shipped + " less it", fmt::format("points of {}, 95 %", a.metric), true}, {"p", "randomisation", true}, {"what it is", "", false}};
  for (const BaselineScore& b : s.baselines) {
    std::vector<Entry> row{words(b.name())};
    row.push_back(b.interval ? with_interval(b.score, b.interval->low, b.interval->high) : number_or_missing(b.score, 4, "not defined"));
    row.push_back(std::isfinite(b.shipped.difference) ? with_interval(s.scale * b.shipped.difference, s.scale * b.shipped.low, s.scale * b.shipped.high, 2) : missing("no variant is trained"));
    row.push_back(p_or_missing(b.shipped.p, "no variant is trained"));
    row.push_back(words(baseline_description(b.kind)));
    t.rows.push_back(std::move(row));
  }
  return t;
}

Chart scores_chart(const Analysis& a, const AnalysisSummary& s) {
  Chart c{.id = "variant-scores", .title = fmt::format("{} by variant", a.metric), .note = "Whiskers: 95 % interval over rows. Small dots: each seed.", .kind = ChartKind::kDots};
  c.x.label = "variant";
  c.y.label = fmt::format("{} on the {} rows", a.metric, split_words(a));
  c.horizontal = true;
  Series mean{.name = "mean over seeds"};
  for (size_t i = 0; i < s.scored; ++i) {
    const VariantSummary& v = s.variants[i];
    c.categories.push_back(v.name);
    mean.y.push_back(v.mean());
    mean.low.push_back(v.interval ? v.interval->low : kNoValue);
    mean.high.push_back(v.interval ? v.interval->high : kNoValue);
    if (s.ship && *s.ship == i) mean.marked = {i};
  }
  if (!mean.marked.empty()) mean.mark = "to ship";
  c.series.push_back(std::move(mean));
  for (size_t k = 0; k < a.plan.seeds.size() && a.plan.seeds.size() > 1 && a.plan.seeds.size() <= 5; ++k) {
    Series seed{.name = fmt::format("seed {}", a.plan.seeds[k])};
    for (size_t i = 0; i < s.scored; ++i) {
      const VariantSummary& v = s.variants[i];
      const auto at = std::find(v.seeds.begin(), v.seeds.end(), a.plan.seeds[k]);
      seed.y.push_back(at == v.seeds.end() ? kNoValue : v.scores[static_cast<size_t>(at - v.seeds.begin())]);
    }
    c.series.push_back(std::move(seed));
  }
  if (s.majority_rate && a.metric == "accuracy") c.references.push_back({"majority class", *s.majority_rate, false});
  for (const BaselineScore& b : s.baselines)
    if (std::isfinite(b.score) && (b.kind != Baseline::kMajority || c.references.empty())) c.references.push_back({b.name(), b.score, false});
  return c;
}

}  // namespace

Section variants_section(const Analysis& a, const AnalysisSummary& s) {
  Section out{.id = "variants-section", .heading = "Variants", .blocks = {}};
  out.blocks.push_back(scores_chart(a, s));
  out.blocks.push_back(variants_table(a, s));
  if (!s.baselines.empty()) out.blocks.push_back(baselines_table(a, s));
  return out;
}

}  // namespace attune::report
