// Learning rates over a run, as transformers' schedules define them: update k (from 0) uses learning_rate * factor(k).
#pragma once

#include <cstdint>

#include "train/training_config.h"

namespace attune {

/// Steps over which the rate rises: warmup_steps from 1 on, truncated; else ceil(share * total), the share being warmup_steps or warmup_ratio.
int64_t warmup_steps_of(const TrainingConfig& config, int64_t total_steps);

/// A setting in steps: below 1 a share of all steps, rounded up; at least 1.
int64_t interval_of(double setting, int64_t total_steps);

class RateSchedule {
 public:
  /// Error(kUsage) "schedule.option" for a name in lr_scheduler_kwargs that this schedule does not take.
  RateSchedule(const TrainingConfig& config, int64_t total_steps);
  double factor(int64_t update) const;
  double rate(int64_t update) const { return peak_ * factor(update); }

 private:
  double decay(double progress, double update) const;

  Schedule kind_;
  double peak_;
  int64_t warmup_, total_;
  double cycles_ = 0.5, power_ = 1, end_ = 0, timescale_ = 0, floor_ = 0;
};

}  // namespace attune
