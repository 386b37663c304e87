// What a better score costs: weights, memory, time, latency, and which variants nobody beats.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "app/analysis_sections.h"
#include "metrics/pareto.h"

namespace attune::report {
namespace {

double mean_over(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size()); }

/// What a variant costs, each a mean over its seeds; "latency": of one row in seconds, measured after the cells (run_analysis).
constexpr const char* kCosts[] = {"trainable_parameters", "memory_peak_bytes.total", "step_seconds_p50", "latency"};
double cost_of(const VariantSummary& v, const std::string& path, const Analysis& a) {
  if (path != "latency") return result_number(v, a, path);
  const auto it = a.latency.find(v.name);
  return it == a.latency.end() ? kNoValue : it->second;
}

Table costs_table(const Analysis& a, const AnalysisSummary& s) {
  Table t{.id = "variant-costs", .title = "What they take, mean over seeds", .columns = {}, .rows = {}, .note = {}};
  t.columns = {{"variant", "", false}, {"trained", "weights", true}, {"adapter", "weights", true}, {"saved", "MB", true}, {"peak memory", "MB of tensors", true}, {"step", "ms, median", true},
               {"speed", "tokens/s", true}, {"whole cell", "s", true}, {"latency", "ms, 1 row", true}, {"front", "score, weights, memory, step, latency", false}};
  const std::vector<uint8_t> front = cost_front(a, s);
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
    row.push_back(number_or_missing(1e3 * cost_of(v, "latency", a), 2, "not measured"));
    row.push_back(v.untrained ? missing("nothing was trained") : words(front[i] ? "on it" : "beaten"));
    row.back().emphasis = front[i] ? Emphasis::kBest : Emphasis::kMuted;
    t.rows.push_back(std::move(row));
  }
  t.note = fmt::format("Times were taken with {} at once; latencies alone, on all threads. Beaten: another variant is at least as good in all five, and better in one.", a.choice.plan.jobs == 1 ? "one cell" : fmt::format("{} cells", a.choice.plan.jobs));
  return t;
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
    const double x = scale * cost_of(v, path, a);
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

}  // namespace

std::vector<uint8_t> cost_front(const Analysis& a, const AnalysisSummary& s) {
  std::vector<const char*> measured;
  const auto of_trained = [&](const auto& test) {
    return std::any_of(s.variants.begin(), s.variants.begin() + static_cast<std::ptrdiff_t>(s.scored), [&](const VariantSummary& v) { return !v.untrained && test(v); });
  };
  for (const char* cost : kCosts)
    if (of_trained([&](const VariantSummary& v) { return std::isfinite(cost_of(v, cost, a)); })) measured.push_back(cost);
  std::vector<double> values;
  for (size_t i = 0; i < s.scored; ++i) {
    const VariantSummary& v = s.variants[i];
    values.push_back(v.untrained ? kNoValue : v.mean());
    for (const char* cost : measured) values.push_back(cost_of(v, cost, a));
  }
  std::vector<Better> better(measured.size() + 1, Better::kLower);
  if (!s.lower_is_better) better[0] = Better::kHigher;
  return pareto_front(values, better);
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
  out.blocks.push_back(costs_table(a, s));
  return out;
}

}  // namespace attune::report
