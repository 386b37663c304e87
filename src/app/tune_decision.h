// After training: temperature and thresholds from the validation rows, and what they change there and on the test rows.
#pragma once

#include "app/load_model.h"
#include "app/training_data.h"
#include "train/evaluation.h"

namespace attune {

/// What training.temperature_scaling and training.tune_threshold need, looked at before anything is loaded. Error(kUsage) "decision.task":
/// no such labels; "decision.no_validation"; Error(kInput) "decision.one_class": no row of one of the two labels.
void check_decision_tuning(const TrainingConfig& config, const Task& task, const SplitData& validation, const LabelSet& labels);

/// Fits what is asked to `e`, the evaluation of the validation rows; from then on m.task decides with it, and e.metrics are what it gives.
/// Temperature comes first, thresholds are of its probabilities. What cannot be fitted stays as it was, with a warning. For results:
/// {"decision": {temperature, decision_thresholds, tuned_for, undefined {name: reason}, validation: effect}}; empty where nothing is asked.
Json tune_decision(const TrainingConfig& config, LoadedModel& m, const SplitData& validation, Evaluation& e);

/// Adds to `results` what the decision changes on another split: {"decision": {`split`: {metric: {before, after}}}}; also a note.
void add_decision_effect(const LoadedModel& m, const std::string& split, const SplitData& data, const Outputs& outputs, Json& results);

}  // namespace attune
