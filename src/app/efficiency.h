// What a run cost and how it went, as all_results.json says it.
#pragma once

#include "base/json.h"
#include "io/artifacts.h"
#include "tasks/task.h"
#include "train/loop.h"

namespace attune {

/// phase_seconds {data, forward, backward, optimizer, evaluation, checkpoint}, step_seconds_p50, step_seconds_p95 (null without steps): of this
/// process, where a run was resumed.
void report_times(const FitResult& fitted, Json& results);
/// overfitting {found, since_step, evaluations, ...} with `reason` where nothing could be found; best_by_loss {step, epoch, value} and
/// best_by_metric {metric, step, epoch, value}, null where no evaluation has the number. All from one log history.
void report_course(const Json& log_history, const TrainingConfig& config, const Task& task, Json& results);
/// adapter_file_bytes or model_file_bytes: the weights among the artifacts.
void report_file_bytes(const std::vector<Artifact>& artifacts, Json& results);

}  // namespace attune
