#include "app/latency.h"

#include <chrono>

#include "app/compare_logits.h"
#include "base/signals.h"
#include "metrics/percentile.h"
#include "train/evaluation.h"

namespace attune {
namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point t) { return std::chrono::duration<double>(Clock::now() - t).count(); }

/// The `count` rows from `next` on, numbered anew, since a row may come twice.
std::vector<Row> take(std::span<const Row> rows, int64_t count, size_t& next) {
  std::vector<Row> batch;
  for (int64_t i = 0; i < count; ++i, next = (next + 1) % rows.size()) {
    batch.push_back(rows[next]);
    batch.back().index = static_cast<uint64_t>(i);
  }
  return batch;
}

void answer(const LoadedModel& m, const Context& context, std::span<const Row> rows, const EvaluationOptions& how) {
  const std::vector<Example> examples = encode_rows(m, rows);
  const Outputs outputs = *outputs_of(context, *m.model, examples, how);
  for (const RowOutputs& row : by_row(rows, examples, outputs)) m.task->answer(row, false);
}

Json number_or_null(std::optional<double> value) { return value ? Json(*value) : Json(); }

Json measure(const LoadedModel& m, const Context& context, std::span<const Row> rows, int64_t batch_size, const LatencyOptions& options) {
  EvaluationOptions how;
  how.max_sequences = batch_size;
  how.max_tokens = options.max_tokens;
  size_t next = 0;
  std::vector<double> times;
  double sum = 0;
  const auto begin = Clock::now();
  answer(m, context, take(rows, batch_size, next), how);
  const auto enough = [&] {
    const auto n = static_cast<int64_t>(times.size());
    return n > 0 && (n >= options.most || (n >= options.least && sum >= options.seconds) || seconds_since(begin) >= options.most_seconds);
  };
  while (!enough()) {
    throw_if_interrupted();
    const std::vector<Row> batch = take(rows, batch_size, next);
    const auto start = Clock::now();
    answer(m, context, batch, how);
    times.push_back(seconds_since(start));
    sum += times.back();
  }
  const auto n = static_cast<int64_t>(times.size());
  const auto tail = [&](double share) { return n >= options.least ? percentile(times, share) : std::nullopt; };
  return {{"batch_size", batch_size},
          {"repetitions", n},
          {"p50", number_or_null(percentile(times, 0.5))},
          {"p95", number_or_null(tail(0.95))},
          {"p99", number_or_null(tail(0.99))},
          {"predictions_per_second", static_cast<double>(batch_size * n) / std::max(1e-9, sum)}};
}

}  // namespace

Json measure_latency(const LoadedModel& m, const Context& context, std::span<const Row> rows, const LatencyOptions& options) {
  Json list = Json::array();
  if (rows.empty() || !m.task->answers_rows()) return list;
  for (const int64_t batch_size : options.batch_sizes) list.push_back(measure(m, context, rows, batch_size, options));
  return list;
}

}  // namespace attune
