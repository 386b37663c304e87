// Fine-tuning: one run folder from one config.
#pragma once

#include "app/open_model.h"
#include "app/run_config.h"
#include "app/training_data.h"
#include "train/loop.h"

namespace attune {

/// What several runs have in common, read once: an opened model with its tokenizer and weights, and encoded rows.
struct SharedInputs {
  RunConfig config;  ///< what it was read for
  OpenedModel opened;
  TrainingData data;
  /// `other` differs in what is done with them only: method, quantization, training, order of rows.
  bool serves(const RunConfig& other) const;
};
SharedInputs read_shared_inputs(const RunConfig& config);

struct TrainOptions {
  const SharedInputs* shared = nullptr;  ///< null: everything is read anew. Full fine-tuning changes its weights: one run a process
  bool untrained = false;                ///< evaluate the model as it is before its first step, and save none
};

struct TrainResult {
  fs::path output_dir;
  int64_t steps = 0;
  double epochs = 0;
  Json results;  ///< what all_results.json holds: train_loss, train_runtime, eval_*, test_*
};

/// Trains as `config` says and fills config.output_dir (docs/design.md, section 1). Notes and progress go to stderr through base/log.h.
/// Throws Error; Interrupted after a checkpoint was written on SIGINT or SIGTERM.
TrainResult train(const RunConfig& config, const TrainOptions& how = {});

/// The first `steps` steps of a run with their times; nothing is evaluated or written.
std::vector<StepTime> time_steps(const RunConfig& config, const SharedInputs& shared, int64_t steps);

}  // namespace attune
