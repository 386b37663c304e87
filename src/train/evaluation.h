// Outputs, loss and metrics of a model on examples: batches by length, no tape, no dropout, outputs in input order.
#pragma once

#include <functional>
#include <optional>
#include <span>

#include "tasks/task.h"

namespace attune {

struct Evaluation {
  Outputs outputs;  ///< no rows where metrics read only the loss
  double loss = 0;  ///< mean over what the loss counts; without class weights and label smoothing, so that commands agree
  Json metrics;     ///< Task::metrics
  double runtime = 0;
  int64_t batches = 0;
};

struct EvaluationOptions {
  int64_t max_sequences = 32;
  int64_t max_tokens = 2048;  ///< 4096 is 2 % faster and takes twice the memory
  /// Called between batches with the examples done; false stops the evaluation.
  std::function<bool(int64_t done)> go_on;
};

/// Logits and losses of examples, before anything is made of them.
struct Computed {
  Outputs outputs;  ///< no rows where metrics read only the loss
  double loss_sum = 0, loss_count = 0;
  int64_t batches = 0;
};
/// Nothing when stopped.
std::optional<Computed> compute_examples(const Context& ctx, Model& model, const Task& task, std::span<const Example> examples,
                                         const EvaluationOptions& options = {});
/// The same with the metrics. Nothing when stopped.
std::optional<Evaluation> evaluate_examples(const Context& ctx, Model& model, const Task& task, std::span<const Row> rows,
                                            std::span<const Example> examples, const EvaluationOptions& options = {});
/// The logits of the model's head alone, for examples with or without labels.
std::optional<Outputs> outputs_of(const Context& ctx, Model& model, std::span<const Example> examples, const EvaluationOptions& options = {});
/// The tensor that holds such outputs of examples, for a head that is read in this way.
Outputs blank_outputs(std::span<const Example> examples, ReadRows read, int64_t columns);

}  // namespace attune
