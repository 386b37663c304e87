// How long a model takes to answer: rows as they stand in a file, tokenised, through the model, to the answers of `attune predict`.
#pragma once

#include <span>

#include "app/load_model.h"

namespace attune {

struct LatencyOptions {
  std::vector<int64_t> batch_sizes;
  int64_t max_tokens = 2048;  ///< at once, as in an evaluation
  double seconds = 0.5;       ///< of measuring a batch size
  double most_seconds = 5;    ///< after which it ends, with fewer repetitions than `least` if need be
  int64_t least = 5, most = 200;  ///< repetitions
};

/// A list of {batch_size, repetitions, p50, p95, p99, predictions_per_second}, times in seconds; p95 and p99 are null where there were fewer
/// than `least` repetitions. A first answer, not counted, warms caches up. Batches take the rows in turn, again from the first one when
/// they are through. Empty for language models, which have no answers for rows (attune generate says their speed), and without rows.
/// Interrupted on a signal.
Json measure_latency(const LoadedModel& model, const Context& context, std::span<const Row> rows, const LatencyOptions& options);

}  // namespace attune
