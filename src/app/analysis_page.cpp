#include "app/analysis_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "app/baselines.h"
#include "app/report_sections.h"
#include "app/run_report.h"
#include "base/utf8.h"
#include "metrics/null.h"
#include "metrics/pareto.h"

namespace attune::report {
namespace {

using Entry = report::Cell;  // of a table; a cell of the sweep is attune::Cell

double mean_over(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size()); }

Entry number_or_missing(double value, int decimals, const std::string& why) { return std::isfinite(value) ? number(value, decimals) : missing(why); }
Entry p_or_missing(double p, const std::string& why) { return std::isfinite(p) ? p_value(p) : missing(why); }
Entry count_or_missing(double value, const std::string& why) { return std::isfinite(value) ? count(static_cast<int64_t>(std::llround(value))) : missing(why); }

const char* plural(size_t n) { return n == 1 ? "" : "s"; }

/// Of one row, in seconds, measured after the cells (run_analysis).
double latency_of(const VariantSummary& v, const Analysis& a) {
  const auto it = a.latency.find(v.name);
  return it == a.latency.end() ? kNoValue : it->second;
}

std::string split_words(const Analysis& a) { return a.split == "test" ? "test" : "validation"; }

Entry name_entry(const AnalysisSummary& s, size_t i) {
  Entry name = words(s.variants[i].name);
  if (s.ship && *s.ship == i) name.emphasis = Emphasis::kBest;
  if (i >= s.scored) name.emphasis = Emphasis::kBad;
  if (s.variants[i].untrained) name.emphasis = Emphasis::kMuted;
  return name;
}

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
      "Intervals: BCa bootstrap over rows, the predictions of all seeds of a row drawn together. sd: standard deviation over seeds. A variant is called better or worse where the "
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
    std::vector<Entry> row{words(b.name)};
    row.push_back(b.interval ? with_interval(b.score, b.interval->low, b.interval->high) : number_or_missing(b.score, 4, "not defined"));
    row.push_back(std::isfinite(b.difference) ? with_interval(s.scale * b.difference, s.scale * b.low, s.scale * b.high, 2) : missing("no variant is trained"));
    row.push_back(p_or_missing(b.p, "no variant is trained"));
    row.push_back(words(baseline_description(baselines_from_names({b.name}).front())));
    t.rows.push_back(std::move(row));
  }
  return t;
}

Table costs_table(const Analysis& a, const AnalysisSummary& s) {
  Table t{.id = "variant-costs", .title = "What they take, mean over seeds", .columns = {}, .rows = {}, .note = {}};
  t.columns = {{"variant", "", false}, {"trained", "weights", true}, {"adapter", "weights", true}, {"saved", "MB", true}, {"peak memory", "MB of tensors", true}, {"step", "ms, median", true},
               {"speed", "tokens/s", true}, {"whole cell", "s", true}, {"latency", "ms, 1 row", true}};
  for (size_t i = 0; i < s.scored; ++i) {
    const VariantSummary& v = s.variants[i];
    std::vector<Entry> row{name_entry(s, i)};
    row.push_back(v.untrained ? count(0) : count_or_missing(result_number(v, a, "trainable_parameters"), "not recorded"));
    row.push_back(v.untrained ? count(0) : count_or_missing(result_number(v, a, "adapter_parameters"), "not recorded"));
    const double adapter = result_number(v, a, "adapter_file_bytes"), model = result_number(v, a, "model_file_bytes");
    row.push_back(number_or_missing((std::isfinite(adapter) ? adapter : model) / 1e6, 2, "nothing was saved"));
    row.push_back(number_or_missing(result_number(v, a, "memory_peak_bytes.total") / 1e6, 1, "not recorded"));
    row.push_back(number_or_missing(1e3 * result_number(v, a, "step_seconds_p50"), 1, "nothing was trained"));
    row.push_back(number_or_missing(result_number(v, a, "train_tokens_per_second"), 0, "nothing was trained"));
    std::vector<double> seconds;
    for (const size_t cell : v.cells) seconds.push_back(a.results[cell].seconds);
    row.push_back(number(mean_over(seconds), 1));
    row.push_back(number_or_missing(1e3 * latency_of(v, a), 2, "not measured"));
    t.rows.push_back(std::move(row));
  }
  t.note = fmt::format("Times were taken with {} at once; latencies alone, on all threads.", a.choice.plan.jobs == 1 ? "one cell" : fmt::format("{} cells", a.choice.plan.jobs));
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
    if (std::isfinite(b.score) && (b.name != "majority" || c.references.empty())) c.references.push_back({b.name, b.score, false});
  return c;
}

Chart differences_chart(const std::string& id, const std::vector<VariantComparison>& list, const AnalysisSummary& s, const Analysis& a) {
  const std::string& reference = s.variants[list.front().a].name;
  Chart c{.id = id, .title = fmt::format("Difference to {}", reference), .note = "Whiskers: 95 % interval over rows, paired. Left of 0: worse.", .kind = ChartKind::kDots};
  c.x.label = "variant";
  c.y = {.label = fmt::format("{} less {}'s", a.metric, reference), .unit = s.scale == 100 ? "points" : ""};
  c.horizontal = true;
  Series d{.name = "difference"};
  for (const VariantComparison& x : list) {
    if (s.variants[x.b].untrained) continue;  // tens of points away: it would flatten the others
    c.categories.push_back(s.variants[x.b].name);
    d.y.push_back(s.scale * x.difference);
    d.low.push_back(s.scale * x.low);
    d.high.push_back(s.scale * x.high);
  }
  c.series.push_back(std::move(d));
  c.references.push_back({"no difference", 0, false});
  return c;
}

Table comparison_table(const std::string& id, const std::vector<VariantComparison>& list, const AnalysisSummary& s, const Analysis& a) {
  Table t{.id = id, .title = fmt::format("Against {}: all rows and seeds", s.variants[list.front().a].name), .columns = {}, .rows = {}, .note = {}};
  t.columns = {{"variant", "", false}, {"finding", "", false}, {"difference", fmt::format("points of {}, 95 %", a.metric), true}, {"p", "randomisation", true}, {"p", "after Holm", true},
               {"p over seeds", "paired t", true}, {"p over seeds", "signed rank", true}};
  for (const VariantComparison& c : list) {
    std::vector<Entry> row{words(s.variants[c.b].name), words(name_of(c.finding)), with_interval(s.scale * c.difference, s.scale * c.low, s.scale * c.high, 2), p_or_missing(c.p, "not defined"), p_value(c.holm)};
    row[1].emphasis = c.finding == Finding::kBetter ? Emphasis::kBest : c.finding == Finding::kWorse ? Emphasis::kBad : Emphasis::kMuted;
    row.push_back(c.over_seeds ? p_value(c.over_seeds->p) : missing("fewer than two shared seeds, or equal differences"));
    row.push_back(c.signed_rank ? p_value(c.signed_rank->p) : missing("no pairs"));
    t.rows.push_back(std::move(row));
  }
  return t;
}

Table first_seed_table(const std::string& id, const std::vector<VariantComparison>& list, const AnalysisSummary& s) {
  const std::string& reference = s.variants[list.front().a].name;
  Table t{.id = id + "-first-seed", .title = fmt::format("Against {}: the first shared seed, row by row", reference), .columns = {}, .rows = {}, .note = {}};
  t.columns = {{"variant", "", false}, {"p", "McNemar", true}, {"only " + reference + " right", "rows", true}, {"only the variant right", "rows", true}, {"p", "DeLong", true}, {"same answer", "share", true},
               {"rows needed", "80 % power", true}};
  for (const VariantComparison& c : list) {
    const auto at = [&](const std::string& path) { return result_number(c.first_seed, path); };
    const char* no_rightness = "rows are not simply right or wrong";
    t.rows.push_back({words(s.variants[c.b].name), p_or_missing(at("mcnemar.p"), no_rightness), count_or_missing(at("mcnemar.only_a_right"), no_rightness), count_or_missing(at("mcnemar.only_b_right"), no_rightness),
                      p_or_missing(at("delong.p"), "for two classes with scores"), number_or_missing(at("agreement.share"), 4, "not defined"),
                      count_or_missing(at("rows_needed"), "no difference, or not defined")});
  }
  return t;
}

Section variants_section(const Analysis& a, const AnalysisSummary& s) {
  Section out{.id = "variants-section", .heading = "Variants", .blocks = {}};
  out.blocks.push_back(scores_chart(a, s));
  out.blocks.push_back(variants_table(a, s));
  if (!s.baselines.empty()) out.blocks.push_back(baselines_table(a, s));
  out.blocks.push_back(costs_table(a, s));
  return out;
}

List tests_list() {
  List list;
  for (const TestKind t : {TestKind::kRandomisation, TestKind::kPairedBootstrap, TestKind::kHolm, TestKind::kPairedT, TestKind::kSignedRank, TestKind::kMcNemar, TestKind::kDeLong, TestKind::kEquivalence})
    list.items.push_back({fmt::format("**{}**. Null: {}. Assumes: {}.", name_of(t), null_of(t), assumption_of(t))});
  return list;
}

Section comparisons_section(const Analysis& a, const AnalysisSummary& s) {
  Section out{.id = "how-sure", .heading = "How sure", .blocks = {}};
  const auto add = [&](const std::string& id, const std::vector<VariantComparison>& list) {
    if (list.empty()) return;
    out.blocks.push_back(Heading{"Against " + s.variants[list.front().a].name});
    List sentences;
    for (const VariantComparison& c : list) sentences.items.push_back({c.sentence});
    out.blocks.push_back(std::move(sentences));
    if (std::any_of(list.begin(), list.end(), [&](const auto& c) { return !s.variants[c.b].untrained; })) out.blocks.push_back(differences_chart("differences-" + id, list, s, a));
    out.blocks.push_back(comparison_table("comparison-" + id, list, s, a));
    out.blocks.push_back(first_seed_table("comparison-" + id, list, s));
  };
  add("reference", s.against_reference);
  if (s.best && *s.best != s.reference) add("best", s.against_best);
  out.blocks.push_back(Heading{"What each test asks"});
  out.blocks.push_back(tests_list());
  return out;
}

/// Points of the trained variants: a cost and the score.
Chart trade_off(const std::string& id, const std::string& label, const std::string& unit, bool logarithmic, const std::string& path, double scale, const Analysis& a, const AnalysisSummary& s) {
  Chart c{.id = id, .title = fmt::format("{} against {}", a.metric, label), .note = "Ringed: no other variant is at least as good in both. Whiskers: 95 % interval over rows.", .kind = ChartKind::kScatter};
  c.x = {.label = label, .unit = unit, .logarithmic = logarithmic};
  c.y.label = a.metric;
  Series points{.name = "variants"};
  std::vector<double> values;
  for (size_t i = 0; i < s.scored; ++i) {
    const VariantSummary& v = s.variants[i];
    const double x = scale * (path == "latency" ? latency_of(v, a) : result_number(v, a, path));
    if (v.untrained || !std::isfinite(x)) continue;
    points.x.push_back(x);
    points.y.push_back(v.mean());
    points.low.push_back(v.interval ? v.interval->low : kNoValue);
    points.high.push_back(v.interval ? v.interval->high : kNoValue);
    points.labels.push_back(v.name);
    values.insert(values.end(), {x, points.y.back()});
  }
  const Better better[] = {Better::kLower, s.lower_is_better ? Better::kLower : Better::kHigher};
  const std::vector<uint8_t> front = pareto_front(values, better);
  std::vector<std::pair<double, double>> line;
  for (size_t i = 0; i < front.size(); ++i)
    if (front[i]) {
      points.marked.push_back(i);
      line.emplace_back(points.x[i], points.y[i]);
    }
  points.mark = "on the front";
  std::sort(line.begin(), line.end());
  Series joined{.name = "Pareto front"};
  joined.dashed = true;
  for (const auto& [x, y] : line) {
    joined.x.push_back(x);
    joined.y.push_back(y);
  }
  c.series.push_back(std::move(points));
  if (line.size() > 1) c.series.push_back(std::move(joined));
  return c;
}

Section trade_off_section(const Analysis& a, const AnalysisSummary& s) {
  Section out{.id = "what-it-costs", .heading = "What a better score costs", .blocks = {}};
  const auto add = [&](Chart c) {
    if (!c.series.front().x.empty()) out.blocks.push_back(std::move(c));
  };
  add(trade_off("front-parameters", "trained weights", "", true, "trainable_parameters", 1, a, s));
  add(trade_off("front-memory", "peak memory of tensors", "MB", false, "memory_peak_bytes.total", 1e-6, a, s));
  add(trade_off("front-step", "median step", "ms", false, "step_seconds_p50", 1e3, a, s));
  add(trade_off("front-latency", "latency of one row", "ms", false, "latency", 1e3, a, s));
  return out;
}

Section sensitivity_section(const Analysis& a, const AnalysisSummary& s) {
  Section out{.id = "what-matters", .heading = "What matters", .blocks = {}};
  if (s.sensitivity.knobs.empty()) {
    out.blocks.push_back(Paragraph{"The trained variants do not differ in any setting, or all have the same score: there is nothing to attribute."});
    return out;
  }
  Chart c{.id = "effects", .title = "Effect of each setting", .note = "Mean difference of cells that differ in this setting alone, against its most frequent value. Whiskers: 95 % interval (Student's t over seeds and settings).", .kind = ChartKind::kDots};
  c.x.label = "setting";
  c.y = {.label = "effect on " + a.metric, .unit = s.scale == 100 ? "points" : ""};
  c.horizontal = true;
  Series effects{.name = "effect"};
  Table t{.id = "sensitivity-effects", .title = "Settings", .columns = {{"setting", "", false}, {"value", "", false}, {"cells", "", true}, {"mean " + a.metric, "", true}, {"effect", "points, 95 %", true}, {"pairs", "", true}, {"share of variance", "", true}}, .rows = {}, .note = {}};
  for (const KnobEffect& k : s.sensitivity.knobs)
    for (const KnobLevel& l : k.levels) {
      Entry effect = missing(l.effect ? "one pair has no interval" : &l == &k.levels.front() ? "the value others are compared with" : "no cells alike in all else");
      if (l.effect && l.interval)
        effect = with_interval(s.scale * *l.effect, s.scale * l.interval->low, s.scale * l.interval->high, 2);
      else if (l.effect)
        effect = number(s.scale * *l.effect, 2);
      t.rows.push_back({words(k.knob), words(l.level), count(l.cells), number(l.mean), effect, count(l.pairs), percent(k.share, 1)});
      if (!l.effect) continue;
      c.categories.push_back(k.knob + " = " + l.level);
      effects.y.push_back(s.scale * *l.effect);
      effects.low.push_back(l.interval ? s.scale * l.interval->low : kNoValue);
      effects.high.push_back(l.interval ? s.scale * l.interval->high : kNoValue);
    }
  t.note = fmt::format("Share of variance: eta squared of the setting alone over all trained cells. Left to the seeds: {:.1f} %.", 100 * s.sensitivity.seed_share);
  if (!effects.y.empty()) {
    c.series.push_back(std::move(effects));
    c.references.push_back({"no effect", 0, false});
    out.blocks.push_back(std::move(c));
  }
  Chart shares{.id = "variance-shares", .title = "Share of the scores' variance", .kind = ChartKind::kBars};
  shares.x.label = "setting";
  shares.y = {.label = "share of variance", .unit = "%"};
  shares.horizontal = true;
  Series bar{.name = "share"};
  for (const KnobEffect& k : s.sensitivity.knobs) {
    shares.categories.push_back(k.knob);
    bar.y.push_back(100 * k.share);
  }
  shares.categories.push_back("seed");
  bar.y.push_back(100 * s.sensitivity.seed_share);
  shares.series.push_back(std::move(bar));
  out.blocks.push_back(std::move(shares));
  out.blocks.push_back(std::move(t));
  return out;
}

Section ranking_section(const Analysis& a) {
  Section out{.id = "ranking", .heading = "Layers by gradient norm x weight norm", .blocks = {}};
  Chart c{.id = "module-ranking", .title = "Layers the task asks to change most", .note = fmt::format("Before training, over {} batches; `selective` takes the first.", a.config.analysis.ranking_batches), .kind = ChartKind::kBars};
  c.x.label = "layer";
  c.y.label = "gradient norm x weight norm";
  c.horizontal = true;
  Series score{.name = "score"};
  Table t{.id = "module-ranking-table", .title = "Layers", .columns = {{"layer", "", false}, {"gradient norm", "", true}, {"weight norm", "", true}, {"score", "", true}}, .rows = {}, .note = {}};
  for (const RankedModule& r : a.ranking) {
    if (c.categories.size() < 20) {
      c.categories.push_back(r.module);
      score.y.push_back(r.score);
    }
    t.rows.push_back({words(r.module), number(r.gradient), number(r.weight), number(r.score, 2)});
  }
  c.series.push_back(std::move(score));
  out.blocks.push_back(std::move(c));
  out.blocks.push_back(std::move(t));
  return out;
}

/// Rows that the reference has right and the shipped variant wrong, and the other way round, of the first shared seed.
Section flips_section(const Analysis&, const AnalysisSummary& s) {
  Section out{.id = "flips", .heading = "Rows that change", .blocks = {}};
  if (!s.ship) return out;
  const size_t ship = *s.ship;
  const VariantComparison* c = ship == s.reference ? nullptr : against(s.against_reference, ship);
  if (!c && s.best) c = against(s.against_best, ship == *s.best ? s.reference : ship);
  if (!c) return out;
  for (const auto& [key, title] : {std::pair{"right_to_wrong", "right with {} and wrong with {}"}, std::pair{"wrong_to_right", "wrong with {} and right with {}"}}) {
    const auto flips = c->first_seed.find("flips");
    if (flips == c->first_seed.end() || !flips->is_object() || !flips->contains(key)) continue;
    Table t{.id = std::string("flips-") + (std::string(key) == "right_to_wrong" ? "lost" : "won"), .title = "Rows " + fmt::format(fmt::runtime(title), s.variants[c->a].name, s.variants[c->b].name),
            .columns = {{"id", "", false}, {"text", "", false}, {"gold", "", false}, {s.variants[c->a].name, "", false}, {s.variants[c->b].name, "", false}}, .rows = {}, .note = "Of the first seed; at most 50 rows."};
    const auto text = [](const Json& j, const char* k) { return !j.contains(k) || j[k].is_null() ? std::string() : j[k].is_string() ? j[k].get<std::string>() : dump_json(j[k], {.indent = -1, .ascii = false}); };
    for (const Json& f : (*flips)[key]) {
      if (t.rows.size() == 50) break;
      t.rows.push_back({words(text(f, "id")), words(text(f, "text")), words(text(f, "gold")), words(text(f, "a")), words(text(f, "b"))});
    }
    out.blocks.push_back(std::move(t));
  }
  return out;
}

Section cells_section(const Analysis& a, const AnalysisSummary& s) {
  Section out{.id = "cells", .heading = "Every cell", .blocks = {}};
  Table t{.id = "cells-table", .title = "Cells", .columns = {{"cell", "", false}, {a.metric, a.split, true}, {"loss", a.split, true}, {"steps", "s", true}, {"evaluation", "s", true}, {"whole cell", "s", true}, {"folder", "", false}}, .rows = {}, .note = {}};
  for (size_t i = 0; i < a.cells.size(); ++i) {
    const CellResult& r = a.results[i];
    if (r.state == CellResult::State::kFailed) {
      std::vector<Entry> row(t.columns.size(), missing("failed"));
      row[0] = words(a.cells[i].name);
      row[0].emphasis = Emphasis::kBad;
      row.back() = words("failed: " + r.error.substr(0, r.error.find('\n')));
      t.rows.push_back(std::move(row));
      continue;
    }
    double steps = 0;
    for (const char* phase : {"data", "forward", "backward", "optimizer"}) steps += result_number(r.results, std::string("phase_seconds.") + phase);
    t.rows.push_back({words(a.cells[i].name), number_or_missing(result_number(r.results, a.split + "_" + a.metric), 4, "not there"), number_or_missing(result_number(r.results, a.split + "_loss"), 4, "not there"),
                      number_or_missing(steps, 1, "not recorded"), number_or_missing(result_number(r.results, "phase_seconds.evaluation"), 1, "not recorded"), number(r.seconds, 1), words("cells/" + a.cells[i].hash)});
  }
  out.blocks.push_back(std::move(t));
  std::string how = fmt::format("{}; {} thread{} a cell.", a.choice.reason, a.choice.plan.threads, plural(static_cast<size_t>(a.choice.plan.threads)));
  if (s.overhead > 0) how += fmt::format(" The analysis took {:.1f} s on {} lane{}: {:.2f} x the sum of its training steps and evaluations ({:.1f} s).", a.wall_seconds, a.choice.plan.jobs, plural(static_cast<size_t>(a.choice.plan.jobs)), s.overhead, s.step_seconds + s.evaluation_seconds);
  out.blocks.push_back(Paragraph{how});
  return out;
}

/// The first seed of each variant, as runs of a report.
Runs first_runs(const Analysis& a, const AnalysisSummary& s) {
  std::vector<std::string> folders;
  for (size_t i = 0; i < s.scored; ++i) folders.push_back(a.cells[s.variants[i].cells.front()].config.output_dir);
  std::sort(folders.begin(), folders.end());
  folders.erase(std::unique(folders.begin(), folders.end()), folders.end());
  const Runs read = read_runs(folders);
  Runs runs;
  for (size_t i = 0; i < s.scored; ++i)
    for (const StoredRun& r : read)
      if (fs::path(r.folder) == fs::path(a.cells[s.variants[i].cells.front()].config.output_dir)) {
        runs.push_back(r);
        runs.back().name = s.variants[i].name;
        break;
      }
  return runs;
}

/// Those drawn one by one: what is shipped, the best, the reference and the base.
Runs chosen_runs(const Runs& runs, const AnalysisSummary& s) {
  Runs out;
  const auto add = [&](size_t i) {
    if (std::none_of(out.begin(), out.end(), [&](const StoredRun& r) { return r.name == runs[i].name; })) out.push_back(runs[i]);
  };
  if (s.ship) add(*s.ship);
  if (s.best) add(*s.best);
  add(s.reference);
  for (size_t i = 0; i < s.scored; ++i)
    if (s.variants[i].untrained) add(i);
  return out;
}

std::string slug(const std::string& name) {
  std::string out;
  for (const char ch : name) out += (std::isalnum(static_cast<unsigned char>(ch)) || ch == '_' || ch == '-' || ch == '.') ? ch : '_';
  return out;
}

}  // namespace
}  // namespace attune::report

namespace attune {

report::Page analysis_page(const Analysis& a, const AnalysisSummary& s, const std::string& command) {
  using namespace report;
  Page page;
  const RunConfig& run = a.config.run;
  page.title = fmt::format("Analysis of {} on {}", fs::path(run.model).filename().string(), fs::path(run.data.train).filename().string());
  page.subtitle = fmt::format("{} variants, {} seed{}, compared by {} on the {} rows of {}", a.plan.variants.size(), a.plan.seeds.size(), plural(a.plan.seeds.size()), a.metric, split_words(a),
                              fs::path(a.split == "test" && !run.data.test.empty() ? run.data.test : run.data.validation.empty() ? run.data.train : run.data.validation).filename().string());
  page.verdict.answer = s.answer;
  for (const std::string& r : s.reasons) page.verdict.reasons.push_back({r});
  page.sections = {variants_section(a, s), comparisons_section(a, s), trade_off_section(a, s), sensitivity_section(a, s)};
  if (!a.ranking.empty()) page.sections.push_back(ranking_section(a));
  const Runs runs = first_runs(a, s), chosen = chosen_runs(runs, s);
  page.sections.push_back(training_section(runs));
  page.sections.push_back(errors_section(chosen));
  if (Section flips = flips_section(a, s); !flips.blocks.empty()) page.sections.push_back(std::move(flips));
  page.sections.push_back(curves_section(chosen));
  Section cost = cost_section(runs);
  std::erase_if(cost.blocks, [](const Block& b) { return std::holds_alternative<Chart>(b) && std::get<Chart>(b).id.starts_with("trade-off"); });  // shown above, over all seeds
  page.sections.push_back(std::move(cost));
  page.sections.push_back(cells_section(a, s));
  page.command = command;
  return page;
}

void write_analysis(const Analysis& a, const AnalysisSummary& s, const std::string& command) {
  const fs::path folder = a.config.run.output_dir;
  write_report(analysis_page(a, s, command), folder);
  write_run_numbers(report::first_runs(a, s), folder);
  write_file_atomically(folder / "results/metrics/analysis.json", dump_json(to_json(a, s), {.sort_keys = false, .ascii = false, .nan_as_null = true}) + "\n");
  file_system().make_folder(folder / "results/models");
  for (const VariantSummary& v : s.variants)
    for (size_t i = 0; i < v.cells.size(); ++i) {
      const fs::path link = folder / "results/models" / fmt::format("{}-seed-{}", report::slug(v.name), v.seeds[i]);
      std::error_code ignored;
      fs::remove(link, ignored);
      fs::create_directory_symlink(fs::path("../../cells") / a.cells[v.cells[i]].hash, link, ignored);  // a convenience: file systems without links go without
    }
}

}  // namespace attune
