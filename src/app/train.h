// Fine-tuning: one run folder from one config.
#pragma once

#include "app/run_config.h"

namespace attune {

struct TrainResult {
  fs::path output_dir;
  int64_t steps = 0;
  double epochs = 0;
  Json results;  ///< what all_results.json holds: train_loss, train_runtime, eval_*, test_*
};

/// Trains as `config` says and fills config.output_dir (docs/design.md, section 1). Notes and progress go to stderr through base/log.h.
/// Throws Error; Interrupted after a checkpoint was written on SIGINT or SIGTERM.
TrainResult train(const RunConfig& config);

}  // namespace attune
