// Results: the table of runs, the main score, all figures.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "app/baselines.h"
#include "app/report_sections.h"
#include "report/names.h"

namespace attune::report {

namespace {

struct FigureName {
  const char *key, *label;
};
constexpr FigureName kFigures[] = {
    {"accuracy", "accuracy"}, {"balanced_accuracy", "balanced accuracy"}, {"f1_macro", "F1, macro"}, {"f1_micro", "F1, micro"}, {"f1_weighted", "F1, weighted"},
    {"precision_macro", "precision, macro"}, {"recall_macro", "recall, macro"}, {"mcc", "Matthews correlation"}, {"roc_auc", "ROC-AUC"}, {"average_precision", "average precision"},
    {"overall_f1", "F1 of entities"}, {"overall_precision", "precision of entities"}, {"overall_recall", "recall of entities"}, {"overall_accuracy", "accuracy of tags"},
    {"exact", "exact match (%)"}, {"f1", "F1"}, {"start_accuracy", "start accuracy"}, {"end_accuracy", "end accuracy"}, {"span_accuracy", "span accuracy"},
    {"pearson", "Pearson correlation"}, {"spearman", "Spearman correlation"}, {"mse", "mean squared error"}, {"mae", "mean absolute error"}, {"r2", "R²"},
    {"loss", "loss"}, {"log_loss", "log loss"}, {"perplexity", "perplexity"}, {"bits_per_byte", "bits per byte"}, {"brier", "Brier score (0 to 2)"}, {"ece", "expected calibration error"},
    {"majority_rate", "majority rate"}, {"rows", "rows"}};

bool any_has(const Runs& runs, const char* key) {
  return std::any_of(runs.begin(), runs.end(), [&](const StoredRun& r) { return r.metric(key).has_value() || (r.metrics.contains("undefined") && r.metrics["undefined"].contains(key)); });
}

/// By values, which point the best has; none of one run alone.
void mark_best(Table& table, size_t column, bool higher) {
  double best = higher ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
  for (const auto& row : table.rows)
    if (row[column].value) best = higher ? std::max(best, *row[column].value) : std::min(best, *row[column].value);
  if (table.rows.size() < 2) return;
  for (auto& row : table.rows)
    if (row[column].value == best) row[column].emphasis = Emphasis::kBest;
}

Cell scaled(std::optional<double> value, double scale, int decimals, const char* reason) { return value ? number(*value * scale, decimals) : missing(reason); }

std::optional<double> peak_bytes(const StoredRun& run) {
  const auto it = run.results.find("memory_peak_bytes");
  if (it == run.results.end() || !it->is_object() || !it->contains("process") || !(*it)["process"].is_number()) return std::nullopt;
  return (*it)["process"].get<double>();
}

Cell trainable_cell(const StoredRun& run) {
  const auto n = run.number("trainable_parameters");
  return n ? count(std::llround(*n)) : missing("not in all_results.json");
}

/// What the runs have to beat, each once: baselines of other rows are other baselines.
struct KnownBaseline {
  Baseline kind;
  const StoredRun* run;  ///< that measured it
  std::string name;      ///< "bow"; where runs differ "bow, rows of lora"
  std::optional<double> value(const std::string& figure) const { return run->number(baseline_key(kind, figure)); }
};
std::vector<KnownBaseline> baselines_of(const Runs& runs) {
  std::vector<KnownBaseline> found;
  for (const Baseline kind : {Baseline::kMajority, Baseline::kBow}) {
    const size_t first = found.size();
    for (const StoredRun& run : runs) {
      const auto figures = [&](const StoredRun& r) { return std::pair(r.number(baseline_key(kind, "accuracy")), r.number(baseline_key(kind, "f1_macro"))); };
      if (!figures(run).first || std::any_of(found.begin() + static_cast<std::ptrdiff_t>(first), found.end(), [&](const KnownBaseline& b) { return figures(*b.run) == figures(run); })) continue;
      found.push_back({kind, &run, baseline_name(kind)});
    }
    for (size_t i = first; found.size() > first + 1 && i < found.size(); ++i) found[i].name += fmt::format(", rows of {}", found[i].run->name);
  }
  return found;
}

Cell baseline_cell(const KnownBaseline& b, const std::string& figure) {
  const auto value = b.value(figure);
  if (!value) return missing("not measured of a baseline");
  const auto it = b.run->results.find(baseline_key(b.kind, figure + "_interval"));
  const bool interval = it != b.run->results.end() && it->is_array() && it->size() == 2 && (*it)[0].is_number() && (*it)[1].is_number();
  return interval ? with_interval(*value, (*it)[0].get<double>(), (*it)[1].get<double>()) : number(*value);
}

Table runs_table(const Runs& runs, const std::optional<Score>& score) {
  Table t{.id = "runs", .title = "All runs"};
  t.columns = {{"run"}, {"method"}, {"head"}, {"rows of"}};
  if (score) t.columns.push_back({score->label, "", true});
  const bool f1 = score && score->key == "accuracy" && any_has(runs, "f1_macro");
  if (f1) t.columns.push_back({"F1, macro", "", true});
  for (const Column& c : {Column{"trainable parameters", "", true}, {"training time", "s", true}, {"memory peak", "MB", true}}) t.columns.push_back(c);
  for (const StoredRun& run : runs) {
    std::vector<Cell> row = {words(run.name), words(run.method()), words(run.results.value("head_origin", "")), words(run.split)};
    row[0].hint = run.folder.string();
    if (score) row.push_back(metric_cell(run, score->key));
    if (f1) row.push_back(metric_cell(run, "f1_macro"));
    row.push_back(trainable_cell(run));
    row.push_back(scaled(run.number("train_runtime"), 1, 1, "not in all_results.json"));
    row.push_back(scaled(peak_bytes(run), 1e-6, 0, "not in all_results.json"));
    t.rows.push_back(std::move(row));
  }
  for (const KnownBaseline& b : baselines_of(runs)) {
    std::vector<Cell> row = {words(b.name), words(std::string("baseline: ") + baseline_description(b.kind)), words(""), words(b.run->split)};
    row[0].emphasis = Emphasis::kMuted;
    if (score) row.push_back(baseline_cell(b, score->key));
    if (f1) row.push_back(baseline_cell(b, "f1_macro"));
    row.resize(t.columns.size(), missing("a baseline trains no weights of a model"));
    t.rows.push_back(std::move(row));
  }
  if (score) mark_best(t, 4, score->higher_is_better);
  if (f1) mark_best(t, 5, true);
  t.note = "In brackets: the 95 % interval the run's evaluation gives. Bold: the best value, which need not be significantly better.";
  return t;
}

Chart score_chart(const Runs& runs, const Score& score) {
  Chart c{.id = "score", .title = "Main score: " + score.label + " with 95 % interval", .kind = ChartKind::kDots, .x = {"run", ""}, .y = {score.label, ""}, .horizontal = true};
  Series s{.name = score.label};
  for (const StoredRun& run : runs) {
    const auto interval = run.interval(score.key);
    c.categories.push_back(run.name);
    s.y.push_back(run.metric(score.key).value_or(kNoValue));
    s.low.push_back(interval ? interval->first : kNoValue);
    s.high.push_back(interval ? interval->second : kNoValue);
  }
  c.series = {std::move(s)};
  std::vector<double> rates;
  for (const StoredRun& run : runs)
    if (const auto rate = run.metric("majority_rate"); rate && score.key == "accuracy" && std::find(rates.begin(), rates.end(), *rate) == rates.end()) rates.push_back(*rate);
  if (rates.size() == 1) c.references = {{.name = "majority rate", .value = rates[0]}};
  for (const KnownBaseline& b : baselines_of(runs))
    if (const auto value = b.value(score.key); value && (b.kind != Baseline::kMajority || rates.empty())) c.references.push_back({.name = b.name, .value = *value});
  return c;
}

Table figures_table(const Runs& runs) {
  Table t{.id = "figures", .title = "Figures of the evaluations", .columns = {{"figure"}}, .note = "Names and conventions as scikit-learn and seqeval: a division by zero counts as 0; – is not defined or not measured.", .sortable = false};
  for (const StoredRun& run : runs) t.columns.push_back({run.name, "", true});
  for (const FigureName& f : kFigures) {
    if (!any_has(runs, f.key)) continue;
    std::vector<Cell> row = {words(f.label)};
    for (const StoredRun& run : runs) {
      const auto value = run.metric(f.key);
      row.push_back(value && std::string_view(f.key) == "rows" ? count(std::llround(*value)) : metric_cell(run, f.key));
    }
    t.rows.push_back(std::move(row));
  }
  return t;
}

std::string score_text(const StoredRun& run, const Score& score) {
  const Cell cell = metric_cell(run, score.key);
  return fmt::format("{} {}", score.label, cell.text);
}

}  // namespace

Cell metric_cell(const StoredRun& run, const std::string& key) {
  const auto value = run.metric(key);
  if (!value) {
    const auto undefined = run.metrics.find("undefined");
    const bool said = undefined != run.metrics.end() && undefined->is_object() && undefined->contains(key) && (*undefined)[key].is_string();
    return missing(said ? (*undefined)[key].get<std::string>() : "not measured in this run");
  }
  const auto interval = run.interval(key);
  return interval ? with_interval(*value, interval->first, interval->second) : number(*value);
}

std::string run_id(const std::string& what, const StoredRun& run, const Runs& runs) {
  if (runs.size() == 1) return what;
  // Two names may differ only in what an id cannot hold.
  const size_t i = static_cast<size_t>(&run - runs.data());
  const std::string id = id_of(what + "-" + run.name);
  const bool alone = std::none_of(runs.begin(), runs.end(), [&](const StoredRun& r) { return &r != &run && id_of(what + "-" + r.name) == id; });
  return alone ? id : id_of(fmt::format("{}-{}-{}", what, i + 1, run.name));
}

Section results_section(const Runs& runs) {
  Section s{.id = "results", .heading = "Results"};
  const auto score = main_score(runs);
  if (score) s.blocks.push_back(score_chart(runs, *score));
  s.blocks.push_back(runs_table(runs, score));
  if (const Table figures = figures_table(runs); !figures.rows.empty()) s.blocks.push_back(figures);
  return s;
}

Verdict runs_verdict(const Runs& runs) {
  const auto score = main_score(runs);
  if (!score) return {};
  std::vector<const StoredRun*> order;
  for (const StoredRun& run : runs)
    if (run.metric(score->key)) order.push_back(&run);
  const auto value = [&](const StoredRun* r) { return *r->metric(score->key); };
  std::stable_sort(order.begin(), order.end(), [&](auto* a, auto* b) { return score->higher_is_better ? value(a) > value(b) : value(a) < value(b); });
  const StoredRun& best = *order.front();
  Verdict v;
  if (runs.size() == 1) v.question = "How good is it, and how sure am I?";
  v.answer = runs.size() == 1 ? fmt::format("{}: {}.", best.name, score_text(best, *score)) : fmt::format("{} has the best {}: {}.", best.name, score->label, metric_cell(best, score->key).text);
  std::string measured = fmt::format("Measured on the {} rows", best.split);
  if (const auto rows = best.metric("rows")) measured = fmt::format("Measured on {} {} rows", count(std::llround(*rows)).text, best.split);
  v.reasons.push_back({measured + (best.interval(score->key) ? "; in brackets the 95 % interval." : ".")});
  if (const auto rate = best.metric("majority_rate"); rate && score->key == "accuracy") v.reasons.push_back({fmt::format("Always naming the most frequent class would reach {:.4f}.", *rate)});
  for (const KnownBaseline& b : baselines_of(runs))
    if (b.kind == Baseline::kBow && b.value(score->key)) v.reasons.push_back({fmt::format("**{}** ({}) reaches {}.", b.name, baseline_description(b.kind), baseline_cell(b, score->key).text)});
  if (order.size() < 2) return v;
  const StoredRun& second = *order[1];
  const auto a = best.interval(score->key), b = second.interval(score->key);
  if (a && b) {
    const bool apart = score->higher_is_better ? a->first > b->second : a->second < b->first;
    v.reasons.push_back({fmt::format("Next is {} with {}: {}", second.name, metric_cell(second, score->key).text,
                                     apart ? "the intervals do not overlap." : "the intervals overlap, so they alone do not say which of the two is better.")});
  }
  return v;
}

}  // namespace attune::report
