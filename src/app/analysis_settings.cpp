// What matters: effects of settings, and the layers a task asks to change.
#include <fmt/format.h>

#include "app/analysis_sections.h"

namespace attune::report {

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

}  // namespace attune::report
