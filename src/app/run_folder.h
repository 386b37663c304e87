// The folder of a run: who may write it, where a run goes on, and the files it ends with.
#pragma once

#include <optional>

#include "app/run_config.h"
#include "app/training_data.h"
#include "base/files.h"
#include "io/artifacts.h"
#include "tasks/task.h"
#include "train/evaluation.h"

namespace attune {

class RunFolder {
 public:
  /// Makes the folder, takes its lock, clears what a killed run left, and finds the checkpoint to go on from.
  /// Error(kState) "run.not_empty" without overwrite or resume, "run.output_is_input", "run.locked".
  /// `overwrite` removes what a run writes; other files stay.
  explicit RunFolder(const RunConfig& config, const std::vector<fs::path>& inputs);
  const fs::path& path() const { return path_; }
  const std::optional<fs::path>& resume_from() const { return resume_from_; }

 private:
  void find_checkpoint(const RunConfig& config);
  fs::path path_;
  std::optional<FolderLock> lock_;
  std::optional<fs::path> resume_from_;
};

/// Lines of predictions.jsonl.
void write_predictions(OutputFile& out, const Task& task, std::span<const Row> rows, std::span<const Example> examples, const Outputs& outputs);
/// predictions.jsonl: one object a row: id, gold, prediction and what else the task says of it, then text, text_pair of a pair and group of a
/// row that belongs to a document or context; app/stored_predictions.h reads it. Task and split must outlive the artifact.
Artifact predictions_artifact(std::string name, const Task& task, const SplitData& split, const Outputs& outputs);
/// Task::row_files under names that begin with `prefix`; task and split must outlive them.
std::vector<Artifact> row_file_artifacts(const std::string& prefix, const Task& task, const SplitData& split, const Outputs& outputs);

}  // namespace attune
