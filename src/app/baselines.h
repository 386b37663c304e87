// What a model of texts has to beat: always the most frequent class (majority), and a logistic regression on weighted word counts without
// their order (bow: scikit-learn's TfidfVectorizer and LogisticRegression with their defaults). For text classification with single labels.
#pragma once

#include "app/training_data.h"
#include "io/artifacts.h"
#include "tasks/task.h"

namespace attune {

enum class Baseline { kMajority, kBow };
const char* baseline_name(Baseline baseline);  ///< "majority", "bow"
const char* baseline_description(Baseline baseline);  ///< for people: "always the most frequent class"
std::string baseline_key(Baseline baseline, const std::string& rest);  ///< "baseline_bow_accuracy": of results and files
/// In the order given, each once. Error(kUsage) "baselines.unknown".
std::vector<Baseline> baselines_from_names(const std::vector<std::string>& names);
/// Error(kUsage) "baselines.task" unless rows have one label each.
void require_baselines_fit(const TaskSettings& settings);

/// What a baseline says of `test` rows after seeing `train` rows: (test rows x labels), the logarithm of each probability, as a model's
/// logits, so that a task's metrics, reports and predictions are made of them in the same way. A class that no training row has is never
/// predicted. Pairs are read as one text. Pure; the labels of `test` are not looked at. Error(kInput) of encode_labels for `train`.
Outputs baseline_predictions(Baseline baseline, std::span<const Row> train, std::span<const Row> test, const LabelSet& labels, const std::string& where);

/// One baseline on one split.
struct BaselineResult {
  Baseline baseline;
  Outputs outputs;
  Json metrics;  ///< of Task::metrics; its loss is the log loss
};
/// `split.examples` hold its labels.
std::vector<BaselineResult> baseline_results(std::span<const Baseline> baselines, const SplitData& train, const SplitData& split, const Task& task);

/// Numbers, with intervals, as "baseline_bow_accuracy"... into `results`.
void put_baselines(std::span<const BaselineResult> baselines, Json& results);
/// One line a baseline: the headline metrics with intervals.
std::string baselines_text(std::span<const BaselineResult> baselines, const Task& task);
/// baseline_bow_predictions.jsonl..., in the form of predictions.jsonl. Task and split must outlive them.
std::vector<Artifact> baseline_artifacts(std::span<const BaselineResult> baselines, const Task& task, const SplitData& split);
/// All three for a run: its test split, or validation where there is none. Nothing where no baseline is asked for or neither split is there.
void report_baselines(const std::vector<std::string>& names, const TrainingData& data, const Task& task, Json& results, std::vector<Artifact>& artifacts);

}  // namespace attune
