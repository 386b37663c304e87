// How sure: every variant against the reference and against the best.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "app/analysis_sections.h"
#include "metrics/null.h"

namespace attune::report {
namespace {

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

List tests_list() {
  List list;
  for (const TestKind t : {TestKind::kRandomisation, TestKind::kPairedBootstrap, TestKind::kHolm, TestKind::kPairedT, TestKind::kSignedRank, TestKind::kMcNemar, TestKind::kDeLong, TestKind::kEquivalence})
    list.items.push_back({fmt::format("**{}**. Null: {}. Assumes: {}.", name_of(t), null_of(t), assumption_of(t))});
  return list;
}

}  // namespace

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

}  // namespace attune::report
