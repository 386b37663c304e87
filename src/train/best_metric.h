// What the best evaluation of a run is judged by, and whether a configuration fits its task.
#pragma once

#include <string>

#include "tasks/task.h"
#include "train/training_config.h"

namespace attune {

/// metric_for_best_model without eval_; loss where it is unset.
std::string metric_name(const TrainingConfig& config);
/// As greater_is_better says; unset: everything but losses.
bool is_greater_better(const TrainingConfig& config);

/// What names a run's best evaluation beside loss: metric_for_best_model, or else the first of the task's headline where larger is better;
/// "" where there is none.
struct BestBy {
  std::string metric;
  bool greater = true;
};
BestBy best_by(const TrainingConfig& config, const Task& task);

/// Settings that contradict each other or the task, found before anything is loaded: Error(kUsage) "train.metric" (metric_for_best_model),
/// "train.sampling", "train.focal_gamma", "schedule.option".
void check_training_config(const TrainingConfig& config, const Task& task);

}  // namespace attune
