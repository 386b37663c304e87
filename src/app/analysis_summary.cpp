#include "app/analysis_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "app/analysis_baselines.h"
#include "app/analysis_words.h"
#include "app/compare.h"
#include "app/compared_metric.h"
#include "app/fingerprints.h"
#include "app/seed_predictions.h"
#include "base/error.h"
#include "base/utf8.h"
#include "metrics/multiple.h"

namespace attune {
namespace {

double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double v : values) sum += v;
  return values.empty() ? std::nan("") : sum / static_cast<double>(values.size());
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

/// The settings of a variant that differ from the common ones, for people.
std::string describe(const Variant& v, const Json& first) {
  if (v.untrained) return "before training, head=" + first.value("head_origin", std::string("?"));
  std::string text;
  for (const auto& [path, value] : v.settings) {
    const std::string shown = v.selective && path == "peft.target_modules" ? "by analysis" : value;
    text += (text.empty() ? "" : ", ") + path + "=" + shown;
  }
  return text;
}

std::vector<std::string> degenerate_seeds(const VariantSummary& v, const Analysis& a) {
  std::vector<SeedRun> runs;
  for (size_t i = 0; i < v.cells.size(); ++i) {
    SeedRun run{.score = v.scores[i], .accuracy = a.value(v.cells[i], a.split + "_accuracy"), .majority_rate = a.value(v.cells[i], a.split + "_majority_rate"),
                .matthews = a.value(v.cells[i], a.split + "_mcc"), .classes_predicted = {}, .classes_in_gold = {}};
    if (v.predictions.kind == StoredKind::kSingleLabel) {
      const size_t rows = v.predictions.rows() / v.cells.size();
      const auto distinct = [&](const std::vector<int32_t>& labels) {
        return static_cast<int64_t>(std::set<int32_t>(labels.begin() + static_cast<std::ptrdiff_t>(i * rows), labels.begin() + static_cast<std::ptrdiff_t>((i + 1) * rows)).size());
      };
      run.classes_predicted = distinct(v.predictions.predicted);
      run.classes_in_gold = distinct(v.predictions.gold);
    }
    runs.push_back(run);
  }
  std::vector<std::string> remarks;
  const auto found = degenerate_runs(runs, is_percent(v.predictions) ? 5 : 0.05);
  for (size_t i = 0; i < found.size(); ++i)
    if (!found[i].empty()) remarks.push_back(fmt::format("seed {}: {}", v.seeds[i], found[i]));
  return remarks;
}

VariantSummary summarise_variant(const Analysis& a, size_t index, bool lower_is_better) {
  VariantSummary v;
  v.variant = index;
  v.name = a.plan.variants[index].name;
  v.untrained = a.plan.variants[index].untrained;
  std::vector<StoredPredictions> predictions;
  for (size_t s = 0; s < a.plan.seeds.size(); ++s) {
    const size_t cell = a.cell(index, s);
    const auto score = a.value(cell, a.split + "_" + a.metric);
    if (a.results[cell].state == CellResult::State::kFailed || !score) {
      const std::string why = a.results[cell].error.empty() ? "has no " + a.metric : first_line(a.results[cell].error);
      if (!v.failures.empty() && v.failures.back().ends_with(": " + why))
        v.failures.back().insert(v.failures.back().find(':'), fmt::format(", {}", a.plan.seeds[s]));  // "seed 0, 1: why"
      else
        v.failures.push_back(fmt::format("seed {}: {}", a.plan.seeds[s], why));
      continue;
    }
    v.seeds.push_back(a.plan.seeds[s]);
    v.cells.push_back(cell);
    v.scores.push_back(*score);
    if (a.split == "test")
      if (const auto validation = a.value(cell, "eval_" + a.metric)) v.validation.push_back(*validation);
    predictions.push_back(read_stored_predictions(a.cells[cell].config.output_dir, {}));
    if (v.first.is_null()) v.first = a.results[cell].results;
  }
  if (v.validation.size() != v.scores.size()) v.validation.clear();
  v.over_seeds = summarise_seeds(v.scores, !lower_is_better);
  if (v.cells.empty()) return v;
  v.description = describe(a.plan.variants[index], v.first);
  v.predictions = predictions_of_seeds(v.name, predictions, v.seeds);
  v.degenerate = degenerate_seeds(v, a);
  if (problem_of(a.metric, v.predictions, v.predictions).empty()) v.interval = score_of_rows(a.metric, v.predictions, a.config.analysis.draws).interval;
  return v;
}

/// Scores and predictions of the seeds that both have.
struct Shared {
  std::vector<double> a, b;
  StoredPredictions all_a, all_b, first_a, first_b;
};
StoredPredictions rows_of_seeds(const VariantSummary& v, const std::vector<int64_t>& seeds, const Analysis& a) {
  if (seeds == v.seeds) return v.predictions;
  std::vector<StoredPredictions> kept;
  for (size_t i = 0; i < v.seeds.size(); ++i)
    if (std::find(seeds.begin(), seeds.end(), v.seeds[i]) != seeds.end()) kept.push_back(read_stored_predictions(a.cells[v.cells[i]].config.output_dir, {}));
  return predictions_of_seeds(v.name, kept, seeds);
}
std::optional<Shared> shared_seeds(const VariantSummary& a, const VariantSummary& b, const Analysis& analysis) {
  Shared out;
  std::vector<int64_t> seeds;
  for (size_t i = 0; i < a.seeds.size(); ++i)
    for (size_t j = 0; j < b.seeds.size(); ++j)
      if (a.seeds[i] == b.seeds[j]) {
        if (seeds.empty()) {
          out.first_a = read_stored_predictions(analysis.cells[a.cells[i]].config.output_dir, {});
          out.first_b = read_stored_predictions(analysis.cells[b.cells[j]].config.output_dir, {});
          out.first_a.name = a.name;
          out.first_b.name = b.name;
        }
        seeds.push_back(a.seeds[i]);
        out.a.push_back(a.scores[i]);
        out.b.push_back(b.scores[j]);
      }
  if (seeds.empty()) return std::nullopt;
  out.all_a = rows_of_seeds(a, seeds, analysis);
  out.all_b = rows_of_seeds(b, seeds, analysis);
  return out;
}

/// The margin in the metric's own unit; SQuAD's figures are in percent.
double margin_of(const AnalysisSummary& s, const Analysis& a) { return a.config.analysis.margin * (is_percent(s.variants.front().predictions) ? 100 : 1); }

bool same_answers(const VariantComparison& c) {
  const Json& agreement = c.all_seeds["agreement"];
  return agreement.is_object() && result_number(agreement, "share") == 1 && c.difference == 0;
}

/// Better or worse where the rows say so after Holm's correction and every shared seed points the same way; equivalent where both the rows' and the
/// seeds' interval lie within the margin, so that neither other rows nor other seeds would be expected to show a gap that matters.
void find(VariantComparison& c, const Shared& shared, const Analysis& a, const AnalysisSummary& s) {
  const double sign = s.lower_is_better ? -1 : 1;
  bool same_way = true;
  for (size_t i = 0; i < shared.a.size(); ++i) same_way = same_way && (shared.b[i] - shared.a[i]) * c.difference > 0;
  if (c.holm < kAlpha && same_way)
    c.finding = sign * c.difference > 0 ? Finding::kBetter : Finding::kWorse;
  else if (same_answers(c) || (c.equivalence && c.equivalence->equivalent && std::max(std::fabs(c.low), std::fabs(c.high)) < margin_of(s, a)))
    c.finding = Finding::kEquivalent;
  const std::string &left = s.variants[c.a].name, &right = s.variants[c.b].name;
  const std::string range = fmt::format("{}, {} after Holm", range_text(c, c.finding == Finding::kBetter || c.finding == Finding::kWorse, s), p_text(c.holm));
  const std::string seeds = c.over_seeds ? fmt::format("; over {} seeds {}", shared.a.size(), p_text(c.over_seeds->p)) : "";
  switch (c.finding) {
    case Finding::kBetter:
    case Finding::kWorse:
      c.sentence = fmt::format("**{}** is {} than **{}** by {} ({}{}).", right, c.finding == Finding::kBetter ? "better" : "worse", left, told(std::fabs(c.difference), s, a.metric), range, seeds);
      break;
    case Finding::kEquivalent:
      if (same_answers(c))
        c.sentence = fmt::format("**{}** and **{}** give the same answer on every row.", right, left);
      else
        c.sentence = fmt::format("**{}** and **{}** are equivalent within {}: the difference is {} ({}{}).", right, left, s.margin_text, told(c.difference, s, a.metric), range, seeds);
      break;
    case Finding::kUnclear:
      c.sentence = fmt::format("**{}** cannot be told from **{}**: the difference is {} ({}{}).", right, left, told(c.difference, s, a.metric), range, seeds);
      break;
  }
}

std::vector<VariantComparison> compare_with(size_t reference, const AnalysisSummary& s, const Analysis& a) {
  std::vector<VariantComparison> out;
  std::vector<Shared> shares;
  for (size_t i = 0; i < s.scored; ++i) {
    if (i == reference) continue;
    auto shared = shared_seeds(s.variants[reference], s.variants[i], a);
    if (!shared) continue;
    VariantComparison c;
    c.a = reference;
    c.b = i;
    CompareOptions options;
    options.metrics = {a.metric};
    options.draws = a.config.analysis.draws;
    options.margin = a.config.analysis.margin;
    const StoredPredictions all[] = {shared->all_a, shared->all_b}, first[] = {shared->first_a, shared->first_b};
    c.all_seeds = compare(all, options);
    c.first_seed = compare(first, options);
    static_cast<PairedDifference&>(c) = difference_in(c.all_seeds, a.metric);
    c.over_seeds = paired_t_test(shared->a, shared->b);
    c.signed_rank = signed_rank_test(shared->a, shared->b);
    c.equivalence = equivalent_paired_seeds(shared->a, shared->b, margin_of(s, a));
    out.push_back(std::move(c));
    shares.push_back(std::move(*shared));
  }
  std::vector<double> p;
  for (const VariantComparison& c : out) p.push_back(std::isfinite(c.p) ? c.p : 1.0);
  const std::vector<double> adjusted = holm(p);
  for (size_t i = 0; i < out.size(); ++i) {
    out[i].holm = adjusted[i];
    find(out[i], shares[i], a, s);
  }
  return out;
}

void recommend(AnalysisSummary& s, const Analysis& a) {
  const double sign = s.lower_is_better ? -1 : 1;
  const auto selection = [&](const VariantSummary& v) { return sign * (v.validation.empty() ? v.mean() : v.validation_mean()); };
  for (size_t i = 0; i < s.scored; ++i)
    if (!s.variants[i].untrained && (!s.best || selection(s.variants[i]) > selection(s.variants[*s.best]))) s.best = i;
  if (!s.best) return;
  s.against_best = compare_with(*s.best, s, a);
  s.ship = s.best;
  const auto trained = [&](size_t i) { return result_number(s.variants[i].first, "trainable_parameters"); };
  const auto weights = [&](size_t i) { return grouped(static_cast<uint64_t>(trained(i))); };
  for (const VariantComparison& c : s.against_best) {
    const VariantSummary& v = s.variants[c.b];
    const double margin = margin_of(s, a);
    const bool as_good = c.finding != Finding::kWorse && sign * c.difference > -margin;
    if (!v.untrained && as_good && trained(c.b) < trained(*s.ship)) s.ship = c.b;
  }
  const VariantSummary &ship = s.variants[*s.ship], &best = s.variants[*s.best];
  s.answer = fmt::format("Ship {}: {} {} on the {} rows", ship.name, a.metric, score_text(ship.mean(), s), a.split == "test" ? "test" : "validation");
  if (ship.interval) s.answer += fmt::format(", 95 % interval over rows {} to {}", score_text(ship.interval->low, s), score_text(ship.interval->high, s));
  if (ship.over_seeds && ship.over_seeds->sd) s.answer += fmt::format(", standard deviation over {} seeds {:.3g}", ship.seeds.size(), s.scale * *ship.over_seeds->sd);
  s.answer += ".";

  const std::string chosen = best.validation.empty() ? "the rows it is reported on, so its own figure is a little flattered" : "the validation rows";
  if (*s.ship == *s.best) {
    s.reasons.push_back(fmt::format("It is the best of {} trained variants by {}.", std::count_if(s.variants.begin(), s.variants.begin() + static_cast<std::ptrdiff_t>(s.scored), [](const auto& v) { return !v.untrained; }), chosen));
  } else {
    const VariantComparison* c = against(s.against_best, *s.ship);
    s.reasons.push_back(fmt::format("The best by {} is **{}** ({} {}). {} trains {} weights instead of {}, and {}", chosen, best.name, a.metric, score_text(best.mean(), s), ship.name, weights(*s.ship), weights(*s.best),
                                    c->sentence));
    s.reasons.push_back(fmt::format("That it is as good was seen on the {} rows themselves, so its own figure there may be a little flattered.", a.split == "test" ? "test" : "validation"));
  }
  std::string worse, unclear;
  for (const VariantComparison& c : s.against_best) {
    if (c.b == *s.ship || s.variants[c.b].untrained) continue;
    std::string& list = c.finding == Finding::kWorse ? worse : unclear;
    list += (list.empty() ? "" : ", ") + s.variants[c.b].name;
  }
  if (!worse.empty()) s.reasons.push_back(fmt::format("Significantly worse than {}: {}.", best.name, worse));
  if (!unclear.empty()) s.reasons.push_back(fmt::format("Not to be told from {} with these rows and seeds: {}.", best.name, unclear));
  for (size_t i = 0; i < s.scored; ++i)
    if (s.variants[i].untrained) {
      const VariantComparison* c = against(s.against_best, i);
      std::string text = fmt::format("Before training ({}) {} is {}", s.variants[i].description.substr(s.variants[i].description.find("head=")), a.metric, score_text(s.variants[i].mean(), s));
      if (s.majority_rate) text += fmt::format("; always saying the most frequent class would give {}", score_text(*s.majority_rate, s));
      if (c) text += fmt::format(". {}", c->sentence);
      s.reasons.push_back(std::move(text));
    }
  for (const VariantSummary& v : s.variants) {
    for (const std::string& f : v.failures) s.reasons.push_back(fmt::format("**{}** failed: {}", v.name, f));
    if (!v.untrained)
      for (const std::string& d : v.degenerate) s.reasons.push_back(fmt::format("**{}** has a degenerate run: {}", v.name, d));
  }
}

/// Every setting that the trained variants do not share is a knob.
Sensitivity sensitivity_of(const AnalysisSummary& s, const Analysis& a) {
  std::vector<std::string> knobs;
  std::vector<Json> settings;
  std::vector<SweepCell> cells;
  for (size_t i = 0; i < s.scored; ++i) {
    const VariantSummary& v = s.variants[i];
    if (v.untrained) continue;
    for (size_t k = 0; k < v.cells.size(); ++k) {
      Json matter = settings_that_matter(a.cells[v.cells[k]].config);
      matter.erase("training.seed");
      if (a.plan.variants[v.variant].selective) matter["peft.target_modules"] = "by analysis";
      settings.push_back(std::move(matter));
      cells.push_back({{}, v.seeds[k], v.scores[k]});
    }
  }
  if (settings.empty()) return {};
  for (const auto& [path, value] : settings.front().items())
    if (std::any_of(settings.begin(), settings.end(), [&](const Json& other) { return other.value(path, Json()) != value; })) knobs.push_back(path);
  for (size_t i = 0; i < cells.size(); ++i)
    for (const std::string& path : knobs) cells[i].levels.push_back(settings[i].value(path, std::string()));
  return sensitivity(knobs, cells);
}

void add_cost(AnalysisSummary& s, const Analysis& a) {
  for (size_t i = 0; i < a.cells.size(); ++i) {
    const CellResult& r = a.results[i];
    if (r.state == CellResult::State::kFailed || !r.results.contains("phase_seconds")) continue;
    for (const auto& [phase, seconds] : r.results["phase_seconds"].items()) (phase == "evaluation" ? s.evaluation_seconds : s.step_seconds) += seconds.get<double>();
  }
  const double work = s.step_seconds + s.evaluation_seconds;
  if (work > 0 && a.wall_seconds > 0) s.overhead = a.wall_seconds * static_cast<double>(a.choice.plan.jobs) / work;
}

}  // namespace

double VariantSummary::mean() const { return mean_of(scores); }
double VariantSummary::validation_mean() const { return mean_of(validation); }

const VariantComparison* against(const std::vector<VariantComparison>& list, size_t variant) {
  const auto it = std::find_if(list.begin(), list.end(), [&](const VariantComparison& c) { return c.b == variant; });
  return it == list.end() ? nullptr : &*it;
}

double result_number(const Json& results, const std::string& path) {
  const Json* at = &results;
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('.', begin), path.size());
    const auto it = at->find(path.substr(begin, end - begin));
    if (it == at->end()) return std::nan("");
    at = &*it;
    begin = end + 1;
  }
  return at->is_number() ? at->get<double>() : std::nan("");
}

double result_number(const VariantSummary& v, const Analysis& a, const std::string& path) {
  std::vector<double> values;
  for (const size_t cell : v.cells) values.push_back(result_number(a.results[cell].results, path));
  return mean_of(values);
}

const char* name_of(Finding finding) {
  switch (finding) {
    case Finding::kBetter: return "better";
    case Finding::kWorse: return "worse";
    case Finding::kEquivalent: return "equivalent";
    case Finding::kUnclear: return "not told apart";
  }
  return "";
}

AnalysisSummary summarise(const Analysis& a) {
  AnalysisSummary s;
  s.lower_is_better = is_lower_better(a.metric);
  std::vector<VariantSummary> failed;
  for (size_t i = 0; i < a.plan.variants.size(); ++i) {
    VariantSummary v = summarise_variant(a, i, s.lower_is_better);
    (v.cells.empty() ? failed : s.variants).push_back(std::move(v));
  }
  s.scored = s.variants.size();
  s.variants.insert(s.variants.end(), failed.begin(), failed.end());
  if (s.scored == 0)
    fail(ErrorCode::kInput, {.id = "analyze.all_failed", .where = a.config.run.output_dir, .what = "every cell failed: " + (failed.empty() || failed.front().failures.empty() ? std::string() : failed.front().failures.front()), .hint = "the log of each is in its folder under cells/"});
  static const std::set<std::string> no_shares = {"loss", "mse", "rmse", "mae", "r2", "pearson", "spearman", "mcc", "matthews_correlation", "brier", "log_loss"};
  const bool percent = is_percent(s.variants.front().predictions), share = !percent && !no_shares.contains(a.metric);
  s.scale = share ? 100 : 1;
  s.unit = share || percent ? "points of " : "of ";
  const double margin = s.scale * margin_of(s, a);
  s.margin_text = fmt::format("{:.4g} {}{}", margin, margin == 1 && (share || percent) ? "point of " : s.unit, a.metric);
  for (size_t i = 0; i < s.scored; ++i)
    if (const auto rate = a.value(s.variants[i].cells.front(), a.split + "_majority_rate")) s.majority_rate = rate;
  const auto named = [&](const std::string& name) {
    for (size_t i = 0; i < s.scored; ++i)
      if (name.empty() ? !s.variants[i].untrained : s.variants[i].name == name) return i;
    return size_t{0};
  };
  s.reference = named(a.config.analysis.reference);
  if (s.scored > 1) s.against_reference = compare_with(s.reference, s, a);
  recommend(s, a);
  s.baselines = score_baselines(a, s);
  const auto strongest = std::max_element(s.baselines.begin(), s.baselines.end(), [&](const BaselineScore& x, const BaselineScore& y) { return s.lower_is_better ? y.score < x.score : x.score < y.score; });
  if (strongest != s.baselines.end()) s.reasons.push_back(strongest->sentence);
  s.sensitivity = sensitivity_of(s, a);
  add_cost(s, a);
  return s;
}

}  // namespace attune
