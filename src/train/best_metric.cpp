#include "train/best_metric.h"

#include <algorithm>

#include "base/error.h"
#include "base/suggest.h"
#include "train/epoch_plan.h"
#include "train/schedules.h"

namespace attune {

std::string metric_name(const TrainingConfig& config) {
  std::string name = config.metric_for_best_model.empty() ? "loss" : config.metric_for_best_model;
  return name.starts_with("eval_") ? name.substr(5) : name;
}

bool is_greater_better(const TrainingConfig& config) { return config.greater_is_better.value_or(!metric_name(config).ends_with("loss")); }

BestBy best_by(const TrainingConfig& config, const Task& task) {
  if (const std::string name = metric_name(config); name != "loss") return {name, is_greater_better(config)};
  const auto greater = task.metric_names();
  for (const std::string& name : task.headline())
    if (std::find(greater.begin(), greater.end(), name) != greater.end()) return {name, true};
  return {};
}

void check_training_config(const TrainingConfig& config, const Task& task) {
  RateSchedule(config, 1);
  const bool regression = task.settings().problem_type == ProblemType::kRegression;
  check_sampling(config, task);
  if (config.focal_gamma > 0 && (!task.kind().labels || regression))
    fail(ErrorCode::kUsage, {.id = "train.focal_gamma",
                             .where = "training.focal_gamma",
                             .what = "focal loss is for classes, and this task has none",
                             .expected = "text classification or token classification",
                             .got = task.settings().task + (regression ? " (regression)" : ""),
                             .hint = "leave it out"});
  auto known = task.metric_names();
  known.push_back("loss");
  const std::string name = metric_name(config);
  if (std::find(known.begin(), known.end(), name) == known.end())
    fail(ErrorCode::kUsage, {.id = "train.metric",
                             .where = "training.metric_for_best_model",
                             .what = "this task has no metric '" + name + "'",
                             .hint = suggestion(name, known)});
}

}  // namespace attune
