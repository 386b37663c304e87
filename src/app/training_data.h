// The rows of a run: files read, subsets and splits taken, labels settled, texts encoded.
#pragma once

#include "app/open_model.h"
#include "app/run_config.h"

namespace attune {

/// Rows of one split, where they came from, and what they became.
struct SplitData {
  std::string file;  ///< of the rows; the training file for a part split off
  std::vector<Row> rows;
  std::vector<Example> examples;
  static std::string id(const Row& row) { return row.id.empty() ? std::to_string(row.index) : row.id; }
};

struct TrainingData {
  SplitData train, validation, test, retain;
  LabelSet labels;
};

/// Reads the files of config.data and settles the labels with those of the model. Error(kInput) of the readers and data.*;
/// Error(kUsage) "data.num_labels".
TrainingData read_training_data(const RunConfig& config, const OpenedModel& opened);
/// What the task must know: labels, lengths, side.
TaskSettings training_settings(const RunConfig& config, const OpenedModel& opened, const LabelSet& labels);
/// Where rows are chats: the form of the model's folder, unless one is given or remembered. Error(kInput) of find_chat_form.
void settle_chat_form(std::span<const Row> rows, const OpenedModel& opened, TaskSettings& settings);
/// Fills `examples` of every split, refuses training rows that teach nothing, and warns of what may surprise.
void encode_training_data(TrainingData& data, const Task& task, const Tokenizer& tokenizer, const RunConfig& config);

/// By label id, as training.class_weights says. Error(kUsage) "train.class_weights".
std::vector<float> class_weights_of(const WordOrNumbers& setting, const Task& task, std::span<const Example> train);

}  // namespace attune
