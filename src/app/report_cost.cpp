// Cost: parameters, memory, time, latency, and what the score costs.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "app/report_sections.h"
#include "metrics/pareto.h"

namespace attune::report {
namespace {

constexpr double kMb = 1e-6, kMs = 1e3;

const Json* object_of(const StoredRun& run, const char* key) {
  const auto it = run.results.find(key);
  return it != run.results.end() && it->is_object() ? &*it : nullptr;
}
double number_in(const Json* object, const std::string& key) {
  if (!object) return kNoValue;
  const auto it = object->find(key);
  return it != object->end() && it->is_number() ? it->get<double>() : kNoValue;
}

Table parameters_table(const Runs& runs) {
  Table t{.id = "parameters", .title = "Parameters and files",
          .columns = {{"run"}, {"adapter", "", true}, {"head", "", true}, {"trainable", "", true}, {"all", "", true}, {"trainable share", "", true}, {"file", "MB", true}}};
  const auto cell = [](std::optional<double> v) { return v ? count(std::llround(*v)) : missing("not in all_results.json"); };
  for (const StoredRun& run : runs) {
    const auto trainable = run.number("trainable_parameters"), all = run.number("all_parameters");
    t.rows.push_back({words(run.name), cell(run.number("adapter_parameters")), cell(run.number("head_parameters")), cell(trainable), cell(all),
                      trainable && all && *all > 0 ? percent(*trainable / *all, 4) : missing("not in all_results.json"),
                      run.model_bytes > 0 ? number(static_cast<double>(run.model_bytes) * kMb, 2) : missing("no model file in the folder")});
  }
  t.note = "Adapter, head and their sum; the file is what the run saved: an adapter, or the whole model.";
  return t;
}

/// Stacked parts of an object of every run: bytes by class, seconds by phase. Nothing where no run has a part.
std::optional<Chart> parts_chart(const Runs& runs, Chart c, const char* key, const std::vector<const char*>& parts, double scale) {
  for (const StoredRun& run : runs) c.categories.push_back(run.name);
  for (const char* part : parts) {
    Series s{.name = part};
    for (const StoredRun& run : runs) s.y.push_back(number_in(object_of(run, key), part) * scale);
    if (std::any_of(s.y.begin(), s.y.end(), [](double v) { return std::isfinite(v) && v > 0; })) c.series.push_back(std::move(s));
  }
  c.kind = ChartKind::kBars;
  c.horizontal = c.stacked = true;
  return c.series.empty() ? std::nullopt : std::optional(std::move(c));
}

std::optional<Chart> memory_chart(const Runs& runs) {
  return parts_chart(runs, {.id = "memory", .title = "Memory at its peak, by class", .note = "The ledger of tensors; the whole process is in the table of runs.", .x = {"run", ""}, .y = {"memory", "MB"}},
                     "memory_peak_bytes", {"weights", "quantized", "gradients", "optimizer", "activations", "other"}, kMb);
}
std::optional<Chart> time_chart(const Runs& runs) {
  return parts_chart(runs, {.id = "time", .title = "Time by phase", .x = {"run", ""}, .y = {"time", "s"}}, "phase_seconds",
                     {"data", "forward", "backward", "optimizer", "evaluation", "checkpoint"}, 1);
}

Table speed_table(const Runs& runs) {
  Table t{.id = "speed", .title = "Speed",
          .columns = {{"run"}, {"training", "s", true}, {"rows", "rows/s", true}, {"tokens", "tokens/s", true}, {"step p50", "ms", true}, {"step p95", "ms", true}}};
  const auto cell = [](const StoredRun& run, const char* key, double scale, int decimals) {
    const auto v = run.number(key);
    return v ? number(*v * scale, decimals) : missing("not in all_results.json");
  };
  for (const StoredRun& run : runs)
    t.rows.push_back({words(run.name), cell(run, "train_runtime", 1, 1), cell(run, "train_samples_per_second", 1, 1), cell(run, "train_tokens_per_second", 1, 0),
                      cell(run, "step_seconds_p50", kMs, 1), cell(run, "step_seconds_p95", kMs, 1)});
  t.note = "Wall clock of this machine under the load it had. Tokens are real ones: there is no padding.";
  return t;
}

// ---- latency

/// Entries {batch_size, p50, p95, p99, predictions_per_second} of all_results.json.
std::vector<const Json*> latency_of(const StoredRun& run) {
  std::vector<const Json*> entries;
  const auto it = run.results.find("latency");
  if (it != run.results.end() && it->is_array())
    for (const Json& e : *it)
      if (e.is_object() && e.contains("batch_size")) entries.push_back(&e);
  return entries;
}

void add_latency(Section& section, const Runs& runs) {
  Chart c{.id = "latency", .title = "Latency of a batch", .note = "Median; the whisker ends at the 95th percentile.", .kind = ChartKind::kLine, .x = {"batch size", "rows"}, .y = {"latency", "ms"}};
  c.x.logarithmic = c.y.logarithmic = true;
  Table t{.id = "latency-table", .title = "Latency", .columns = {{"run"}, {"batch size", "", true}, {"p50", "ms", true}, {"p95", "ms", true}, {"p99", "ms", true}, {"predictions", "rows/s", true}}};
  for (const StoredRun& run : runs) {
    Series s{.name = run.name};
    for (const Json* e : latency_of(run)) {
      const double batch = number_in(e, "batch_size"), p50 = number_in(e, "p50") * kMs, p95 = number_in(e, "p95") * kMs;
      s.x.push_back(batch);
      s.y.push_back(p50);
      s.low.push_back(p50);
      s.high.push_back(p95);
      t.rows.push_back({words(run.name), count(std::llround(batch)), number(p50, 2), number(p95, 2), number(number_in(e, "p99") * kMs, 2), number(number_in(e, "predictions_per_second"), 1)});
    }
    if (!s.x.empty()) c.series.push_back(std::move(s));
  }
  if (c.series.empty()) return;
  section.blocks.push_back(std::move(c));
  section.blocks.push_back(std::move(t));
}

// ---- trade-offs

struct Cost {
  const char *id, *label, *unit;
  double scale;
  std::optional<double> (*of)(const StoredRun&);
};
const Cost kCosts[] = {
    {"trade-off-parameters", "trainable parameters", "", 1, [](const StoredRun& r) { return r.number("trainable_parameters"); }},
    {"trade-off-time", "training time", "s", 1, [](const StoredRun& r) { return r.number("train_runtime"); }},
    {"trade-off-memory", "memory peak", "MB", kMb, [](const StoredRun& r) -> std::optional<double> {
       const double v = number_in(object_of(r, "memory_peak_bytes"), "process");
       return std::isfinite(v) ? std::optional(v) : std::nullopt;
     }}};

/// The score over a cost, the front marked and joined. Nothing for fewer than two runs that have both.
std::optional<Chart> trade_off_chart(const Runs& runs, const Score& score, const Cost& cost) {
  Series s{.name = "runs"};
  std::vector<double> both;
  for (const StoredRun& run : runs) {
    const auto price = cost.of(run), value = run.metric(score.key);
    if (!price || !value || *price <= 0) continue;
    const auto interval = run.interval(score.key);
    s.x.push_back(*price * cost.scale);
    s.y.push_back(*value);
    s.low.push_back(interval ? interval->first : kNoValue);
    s.high.push_back(interval ? interval->second : kNoValue);
    s.labels.push_back(run.name);
    both.insert(both.end(), {*value, *price});
  }
  if (s.x.size() < 2) return std::nullopt;
  const auto front = pareto_front(both, std::vector{score.higher_is_better ? Better::kHigher : Better::kLower, Better::kLower});
  for (size_t i = 0; i < front.size(); ++i)
    if (front[i]) s.marked.push_back(i);
  s.mark = "Pareto front";
  Series line{.name = "front", .dashed = true};
  std::vector<size_t> order = s.marked;
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return s.x[a] < s.x[b]; });
  for (const size_t i : order) line.x.push_back(s.x[i]), line.y.push_back(s.y[i]);
  Chart c{.id = cost.id, .title = "Trade-off: " + score.label + " against " + cost.label, .note = "On the front: no other run is as good for less. By point estimates, without regard to the intervals.", .kind = ChartKind::kScatter, .x = {cost.label, cost.unit}, .y = {score.label, ""}};
  const auto [least, most] = std::minmax_element(s.x.begin(), s.x.end());
  c.x.logarithmic = *most > 20 * *least;
  c.series = {std::move(s), std::move(line)};
  return c;
}

}  // namespace

Section cost_section(const Runs& runs) {
  Section s{.id = "cost", .heading = "Cost", .blocks = {parameters_table(runs)}};
  for (auto& chart : {memory_chart(runs), time_chart(runs)})
    if (chart) s.blocks.push_back(*chart);
  s.blocks.push_back(speed_table(runs));
  add_latency(s, runs);
  if (const auto score = main_score(runs))
    for (const Cost& cost : kCosts)
      if (auto chart = trade_off_chart(runs, *score, cost)) s.blocks.push_back(std::move(*chart));
  return s;
}

}  // namespace attune::report
