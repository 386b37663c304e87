// Which examples an epoch's micro-batches hold, and how many steps that makes.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "tasks/task.h"
#include "train/training_config.h"

namespace attune {

/// Example indices of each micro-batch of an epoch.
using EpochPlan = std::function<std::vector<std::vector<uint64_t>>(uint64_t epoch)>;
/// As the configuration says; `shuffle` false: file order. Error(kUsage) "train.sampling": rows without one label each for weighted sampling.
EpochPlan make_epoch_plan(const TrainingConfig& config, std::span<const Example> examples, uint64_t data_seed, bool shuffle);
/// Optimizer steps of a run without early stopping.
int64_t steps_of(const TrainingConfig& config, int64_t batches_per_epoch);
/// Error(kUsage) "train.sampling" where the task's rows have no single label to draw by.
void check_sampling(const TrainingConfig& config, const Task& task);

}  // namespace attune
