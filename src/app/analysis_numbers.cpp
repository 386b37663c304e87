// An analysis as numbers for programs and as a table for a terminal.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "app/analysis_page.h"
#include "app/analysis_sections.h"
#include "base/utf8.h"

namespace attune {

Json to_json(const Analysis& a, const AnalysisSummary& s) {
  const auto number = [](double v) { return std::isfinite(v) ? Json(v) : Json(); };
  Json variants = Json::array(), comparisons = Json::array(), knobs = Json::array();
  for (const VariantSummary& v : s.variants) {
    Json j = {{"name", v.name}, {"untrained", v.untrained}, {"description", v.description}, {"seeds", v.seeds}, {"scores", v.scores}, {"validation_scores", v.validation}, {"failures", v.failures}, {"degenerate", v.degenerate}};
    j["mean"] = v.scores.empty() ? Json() : number(v.mean());
    j["sd"] = v.over_seeds && v.over_seeds->sd ? Json(*v.over_seeds->sd) : Json();
    j["interval"] = v.interval ? Json::array({v.interval->low, v.interval->high}) : Json();
    for (const char* key : {"trainable_parameters", "adapter_parameters", "head_parameters", "step_seconds_p50", "memory_peak_bytes.total"}) j[key] = v.cells.empty() ? Json() : number(result_number(v, a, key));
    Json cells = Json::array();
    for (const size_t c : v.cells) cells.push_back("cells/" + a.cells[c].hash);
    j["cells"] = cells;
    variants.push_back(std::move(j));
  }
  const auto add = [&](const std::vector<VariantComparison>& list) {
    for (const VariantComparison& c : list)
      comparisons.push_back({{"a", s.variants[c.a].name}, {"b", s.variants[c.b].name}, {"difference", number(c.difference)}, {"low", number(c.low)}, {"high", number(c.high)}, {"p", number(c.p)}, {"holm", number(c.holm)},
                             {"p_over_seeds", c.over_seeds ? Json(c.over_seeds->p) : Json()}, {"equivalent", c.equivalence ? Json(c.equivalence->equivalent) : Json()}, {"finding", name_of(c.finding)}, {"sentence", c.sentence},
                             {"mcnemar", c.first_seed.value("mcnemar", Json())}, {"delong", c.first_seed.value("delong", Json())}});
  };
  add(s.against_reference);
  if (s.best && *s.best != s.reference) add(s.against_best);
  Json baselines = Json::array();
  for (const BaselineScore& b : s.baselines)
    baselines.push_back({{"name", b.name()}, {"score", number(b.score)}, {"interval", b.interval ? Json::array({b.interval->low, b.interval->high}) : Json()},
                         {"difference", number(b.shipped.difference)}, {"low", number(b.shipped.low)}, {"high", number(b.shipped.high)}, {"p", number(b.shipped.p)}, {"sentence", b.sentence}});
  for (const KnobEffect& k : s.sensitivity.knobs) {
    Json levels = Json::array();
    for (const KnobLevel& l : k.levels)
      levels.push_back({{"level", l.level}, {"cells", l.cells}, {"mean", l.mean}, {"effect", l.effect ? Json(*l.effect) : Json()}, {"interval", l.interval ? Json::array({l.interval->low, l.interval->high}) : Json()}, {"pairs", l.pairs}});
    knobs.push_back({{"knob", k.knob}, {"share", k.share}, {"levels", levels}});
  }
  Json front = Json::array();
  const std::vector<uint8_t> unbeaten = report::cost_front(a, s);
  for (size_t i = 0; i < s.scored; ++i)
    if (unbeaten[i]) front.push_back(s.variants[i].name);
  return {{"metric", a.metric}, {"split", a.split}, {"seeds", a.plan.seeds}, {"reference", s.variants[s.reference].name}, {"best", s.best ? Json(s.variants[*s.best].name) : Json()},
          {"ship", s.ship ? Json(s.variants[*s.ship].name) : Json()}, {"answer", s.answer}, {"reasons", s.reasons}, {"majority_rate", s.majority_rate ? Json(*s.majority_rate) : Json()},
          {"variants", variants}, {"baselines", baselines}, {"comparisons", comparisons}, {"sensitivity", {{"knobs", knobs}, {"seed_share", s.sensitivity.seed_share}}},
          {"plan", {{"jobs", a.choice.plan.jobs}, {"threads", a.choice.plan.threads}, {"reason", a.choice.reason}}},
          {"cost", {{"front", front}, {"wall_seconds", a.wall_seconds}, {"step_seconds", s.step_seconds}, {"evaluation_seconds", s.evaluation_seconds}, {"ratio", s.overhead > 0 ? Json(s.overhead) : Json()}}}};
}

std::string analysis_text(const Analysis& a, const AnalysisSummary& s) {
  std::string out = fmt::format("{:<18} {:>9} {:>7} {:>19} {:>10} {:>12}  {}\n", "variant", a.metric.substr(0, 9), "sd", "95 % over rows", "validation", "trained", "against " + s.variants[s.reference].name);
  for (size_t i = 0; i < s.scored; ++i) {
    const VariantSummary& v = s.variants[i];
    const VariantComparison* c = against(s.against_reference, i);
    const double trained = result_number(v, a, "trainable_parameters");
    out += fmt::format("{:<18} {:>9.4f} {:>7} {:>19} {:>10} {:>12}  {}\n", v.name, v.mean(), v.over_seeds && v.over_seeds->sd ? fmt::format("{:.4f}", *v.over_seeds->sd) : "-",
                       v.interval ? fmt::format("{:.4f} to {:.4f}", v.interval->low, v.interval->high) : "-", v.validation.empty() ? "-" : fmt::format("{:.4f}", v.validation_mean()),
                       v.untrained ? "0" : std::isfinite(trained) ? grouped(static_cast<uint64_t>(trained)) : "-", i == s.reference ? "the reference" : c ? fmt::format("{} ({:+.2f} points, {:.3f} after Holm)", name_of(c->finding), s.scale * c->difference, c->holm) : "-");
  }
  for (const BaselineScore& b : s.baselines)
    out += fmt::format("{:<18} {:>9.4f} {:>7} {:>19} {:>10} {:>12}  a baseline\n", b.name(), b.score, "-", b.interval ? fmt::format("{:.4f} to {:.4f}", b.interval->low, b.interval->high) : "-", "-", "-");
  for (size_t i = s.scored; i < s.variants.size(); ++i) out += fmt::format("{:<18} failed: {}\n", s.variants[i].name, s.variants[i].failures.front());
  out += "\n" + s.answer + "\n";
  for (std::string r : s.reasons) {
    for (size_t at; (at = r.find("**")) != std::string::npos;) r.erase(at, 2);
    out += "  " + r + "\n";
  }
  return out;
}

}  // namespace attune
