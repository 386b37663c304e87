// The training loop: epochs, micro-batches, accumulation, schedule, clipping, evaluation, checkpoints, early stopping, resume.
//
// Invariants. A step's loss is the sum over its micro-batches divided once by the total count, so accumulation equals the large batch.
// Everything a run does is a function of TrainerState, the weights, the moments and the job: a run that is stopped anywhere and resumed
// from its checkpoint gives the same bits as one that was not. A checkpoint always stands between two optimizer steps; micro-batches of
// an unfinished group are repeated.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "io/checkpoint.h"
#include "train/best_metric.h"
#include "train/callbacks.h"
#include "train/epoch_plan.h"
#include "train/evaluation.h"
#include "train/optimizer.h"
#include "train/training_config.h"

namespace attune {

/// How much is computed at once. Results do not depend on it beyond the rounding of sums.
struct ComputePlan {
  int64_t train_tokens = 0;    ///< a micro-batch of more tokens goes through the model in parts; 0: never
  bool recompute = false;      ///< also without activation_checkpointing in the configuration
  int64_t eval_tokens = EvaluationOptions{}.max_tokens;
};

struct FitJob {
  Model* model = nullptr;
  const Task* task = nullptr;
  std::vector<NamedParameter> parameters;  ///< all trainable ones, under stable names: the model's and the adapter's
  std::span<const Example> train, validation;
  std::span<const Row> validation_rows;  ///< those `validation` was made of
  TrainingConfig config;
  LossOptions loss;
  uint64_t data_seed = 42;
  EpochPlan plan;   ///< as make_epoch_plan gives it; every epoch has as many micro-batches
  Context context;  ///< kernels and threads
  ComputePlan compute;

  /// Checkpoints go to `folder`/checkpoint-N; "": none are written.
  fs::path folder;
  /// Adds the weights being trained to a checkpoint, as a model or adapter folder.
  std::function<void(CheckpointContent&)> add_model;
  /// Puts the weights of a checkpoint back, bit for bit.
  std::function<void(const fs::path& checkpoint)> load_model;
  /// What must be the same on resume (resume.h); made at the first checkpoint, since hashing takes time.
  std::function<Json()> fingerprints;
  std::set<std::string> may_differ;

  std::vector<Callback*> callbacks;
  /// Between backward and clipping: where several processes add up gradients and counts.
  std::function<void(std::span<const NamedParameter>, LossSum& total)> reduce;
  std::function<int()> pending_signal;  ///< unset: base/signals.h
  /// Looks at the first micro-batch of every `inspect_every`-th step before it is trained on; leaves gradients at zero and changes nothing.
  std::function<void(const Batch&, uint64_t epoch, int64_t step)> inspect;
  int64_t inspect_every = 0;
};

/// One optimizer step as a stopwatch saw it: batch, forward, backward, clipping, update.
struct StepTime {
  double seconds = 0;
  int64_t tokens = 0;
};

/// Where the loop's time went; together its runtime, but for writing logs.
struct PhaseSeconds {
  double data = 0;        ///< order of an epoch, making batches
  double forward = 0;     ///< to the loss, what frozen_prefix_cache computes included
  double backward = 0;
  double optimizer = 0;   ///< norm, clipping, update, zeroing of gradients
  double evaluation = 0;  ///< of the validation rows, during training
  double checkpoint = 0;
};

struct FitResult {
  TrainerState state;
  Json metrics;                          ///< train_loss, train_runtime, train_samples_per_second, train_steps_per_second, ...
  std::optional<Evaluation> evaluation;  ///< of the validation rows with exactly the weights the run ends with, when it was made
  bool best_loaded = false;
  double start_runtime = 0;          ///< from the start of the process to the first step
  std::vector<StepTime> step_times;  ///< of this process
  PhaseSeconds phases;               ///< of this process
};

/// Trains in place. `resume_from`: a checkpoint of this job. Error(kNumerical) "train.not_finite"; Interrupted after a checkpoint was
/// written when a signal came.
FitResult fit(const FitJob& job, const std::optional<fs::path>& resume_from = std::nullopt);

}  // namespace attune
