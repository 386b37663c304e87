// Training: curves of the log history, and what it says of overfitting.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "app/report_sections.h"

namespace attune::report {

namespace {

struct Curve {
  std::vector<double> steps, values;
  bool empty() const { return steps.empty(); }
};

/// Of the log entries that have this number; not finite ones as gaps.
Curve curve_of(const StoredRun& run, const std::string& key) {
  Curve c;
  for (const Json& entry : run.log_history) {
    const auto it = entry.find(key);
    if (it == entry.end() || !it->is_number() || !entry.contains("step")) continue;
    const double v = it->get<double>();
    c.steps.push_back(entry["step"].get<double>());
    c.values.push_back(std::isfinite(v) ? v : kNoValue);
  }
  return c;
}

Series series_of(std::string name, Curve curve) { return {.name = std::move(name), .x = std::move(curve.steps), .y = std::move(curve.values)}; }

void mark_step(Series& s, int64_t step, const std::string& what) {
  for (size_t i = 0; i < s.x.size(); ++i)
    if (s.x[i] == static_cast<double>(step)) s.marked = {i}, s.mark = what;
}

Chart loss_chart(const StoredRun& run, const Runs& runs) {
  Chart c{.id = run_id("loss", run, runs), .title = runs.size() == 1 ? "Loss and learning rate" : "Loss and learning rate of " + run.name, .kind = ChartKind::kLine, .x = {"step", ""}, .y = {"loss", "nats"}};
  if (Curve loss = curve_of(run, "loss"); !loss.empty()) c.series.push_back(series_of("training loss", std::move(loss)));
  if (Curve loss = curve_of(run, "eval_loss"); !loss.empty()) {
    c.series.push_back(series_of("validation loss", std::move(loss)));
    mark_step(c.series.back(), run.best_step, "best checkpoint");
  }
  if (Curve rate = curve_of(run, "learning_rate"); !rate.empty()) {
    c.second_y = Axis{.label = "learning rate"};
    c.series.push_back(series_of("learning rate", std::move(rate)));
    c.series.back().second_axis = true;
  }
  return c;
}

/// One line a run; nothing where no run has the number.
std::optional<Chart> chart_of_all(const Runs& runs, const char* id, const char* title, const std::string& key, Axis y) {
  Chart c{.id = id, .title = title, .kind = ChartKind::kLine, .x = {"step", ""}, .y = std::move(y)};
  for (const StoredRun& run : runs)
    if (Curve curve = curve_of(run, key); !curve.empty()) c.series.push_back(series_of(run.name, std::move(curve)));
  return c.series.empty() ? std::nullopt : std::optional(std::move(c));
}

void add(Section& s, std::optional<Chart> chart) {
  if (chart) s.blocks.push_back(std::move(*chart));
}

std::string best_text(const StoredRun& run, const char* key, const char* by) {
  const auto best = run.results.find(key);
  if (best == run.results.end() || !best->is_object() || !best->contains("step") || !best->contains("value") || !(*best)["value"].is_number()) return "";
  const std::string metric = by ? by : get_string(*best, "metric", "metric", "all_results.json");
  return fmt::format("Best by {}: {:.4f} at step {}. ", metric, (*best)["value"].get<double>(), get_int(*best, "step", 0, "all_results.json"));
}

/// What the run itself found in its history; a run that looked for nothing says nothing.
std::string course_sentence(const StoredRun& run, const Runs& runs) {
  std::string text;
  const auto o = run.results.find("overfitting");
  if (o != run.results.end() && o->is_object() && get_bool(*o, "found", false, "all_results.json"))
    text = fmt::format("**overfitting** since step {}: validation loss rose for {} evaluations while training loss fell. ", get_int(*o, "since_step", 0, "all_results.json"),
                       get_int(*o, "evaluations", 0, "all_results.json"));
  else if (o != run.results.end() && o->is_object())
    text = o->contains("reason") ? "overfitting cannot be judged: " + get_string(*o, "reason", "", "all_results.json") + ". " : "no overfitting was found. ";
  text += best_text(run, "best_by_loss", "validation loss") + best_text(run, "best_by_metric", nullptr);
  return text.empty() || runs.size() == 1 ? text : run.name + ": " + text;
}

}  // namespace

Section training_section(const Runs& runs) {
  Section s{.id = "training", .heading = "Training"};
  if (std::all_of(runs.begin(), runs.end(), [](const StoredRun& r) { return r.log_history.empty(); })) {
    s.blocks.push_back(Paragraph{"No run has a log history."});
    return s;
  }
  List remarks;
  for (const StoredRun& run : runs)
    if (const std::string text = course_sentence(run, runs); !text.empty()) remarks.items.push_back({text});
  if (!remarks.items.empty()) s.blocks.push_back(std::move(remarks));
  if (runs.size() <= kMostRunsApart) {
    for (const StoredRun& run : runs)
      if (!run.log_history.empty()) s.blocks.push_back(loss_chart(run, runs));
  } else {
    add(s, chart_of_all(runs, "training-loss", "Training loss", "loss", {"loss", "nats"}));
    add(s, chart_of_all(runs, "learning-rate", "Learning rate", "learning_rate", {"learning rate"}));
  }
  if (runs.size() > 1) add(s, chart_of_all(runs, "validation-loss", "Validation loss", "eval_loss", {"loss", "nats"}));
  add(s, chart_of_all(runs, "gradient-norm", "Gradient norm before clipping", "grad_norm", {"gradient norm"}));
  return s;
}

}  // namespace attune::report
