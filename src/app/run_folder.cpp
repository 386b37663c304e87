#include "app/run_folder.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.h"
#include "base/log.h"
#include "base/manifest.h"
#include "base/object_writer.h"
#include "io/checkpoint.h"

namespace attune {
namespace {

constexpr const char* kLock = ".lock";

/// What train writes at the top of a run folder.
bool is_ours(const std::string& name) {
  static const std::vector<std::string> names = {"config.yaml",         "trainer_state.json", "all_results.json",   "train_results.json", "eval_results.json",
                                                 "test_results.json",   "metrics.jsonl",      "predictions.jsonl",  "README.md",          "attune.json",
                                                 "adapter_config.json", "config.json",        "tokenizer.json",     "vocab.txt",          "tokenizer_config.json",
                                                 "tensorboard",         "special_tokens_map.json", "adapter_model.safetensors", "model.safetensors", "validation_predictions.jsonl", kManifestName};
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// A folder that is no run is left alone: what train ends with replaces files of the same name, no others.
void clear(const fs::path& folder) {
  if (!file_exists(folder / "config.yaml") && !file_exists(folder / "trainer_state.json")) return;
  for (const Checkpoint& c : find_checkpoints(folder, CheckpointTrust::kSizes).valid)
    if (foreign_files(c.folder).empty()) file_system().remove(c.folder);
  for (const std::string& name : list_folder(folder))
    if (is_ours(name)) file_system().remove(folder / name);
}

}  // namespace

RunFolder::RunFolder(const RunConfig& config, const std::vector<fs::path>& inputs) : path_(config.output_dir) {
  for (const fs::path& input : inputs)
    if (fs::weakly_canonical(input) == fs::weakly_canonical(path_) && !config.resume)
      fail(ErrorCode::kState, {.id = "run.output_is_input", .where = path_.string(), .what = "is a folder that is read from", .hint = "choose another output_dir"});
  file_system().make_folder(path_);
  lock_.emplace(path_);
  remove_stale_partials(path_);
  auto names = list_folder(path_);
  names.erase(std::remove(names.begin(), names.end(), kLock), names.end());
  const bool resume = config.resume || !config.resume_from_checkpoint.empty();
  if (!names.empty() && !config.overwrite && !resume)
    fail(ErrorCode::kState, {.id = "run.not_empty",
                             .where = path_.string(),
                             .what = fmt::format("the output folder is not empty ({}{})", names.front(), names.size() > 1 ? fmt::format(" and {} more", names.size() - 1) : ""),
                             .hint = "go on with --resume, replace it with --overwrite, or choose another output_dir"});
  if (config.overwrite) clear(path_);
  if (resume) find_checkpoint(config);
}

void RunFolder::find_checkpoint(const RunConfig& config) {
  if (!config.resume_from_checkpoint.empty()) {
    resume_from_ = open_checkpoint(config.resume_from_checkpoint).folder;
  } else {
    const CheckpointSearch found = find_checkpoints(path_);
    for (const auto& s : found.skipped) warning(fmt::format("{} is passed over: {}", s.name, s.why));
    if (const auto newest = found.newest()) resume_from_ = newest->folder;
  }
  note(resume_from_ ? "Resuming from " + resume_from_->string() : "Nothing to resume in " + path_.string() + ": starting from the beginning");
}

void write_predictions(OutputFile& out, const Task& task, std::span<const Row> rows, std::span<const Example> examples, const Outputs& outputs) {
  std::string text;
  for (const RowOutputs& row : by_row(rows, examples, outputs)) {
    Json line = {{"id", SplitData::id(*row.row)}};
    line.update(task.judged(row));
    line["text"] = row.row->text;
    if (row.row->pair) line["text_pair"] = *row.row->pair;
    if (!row.row->group.empty()) line["group"] = row.row->group;
    text += dump_json(line, {.indent = -1, .sort_keys = false, .ascii = false, .nan_as_null = true});
    text += '\n';
    if (text.size() > (size_t{1} << 20)) {
      out.write(text);
      text.clear();
    }
  }
  out.write(text);
}

Artifact predictions_artifact(std::string name, const Task& task, const SplitData& split, const Outputs& outputs) {
  return {std::move(name), [&task, &split, outputs](OutputFile& out) { write_predictions(out, task, split.rows, split.examples, outputs); }};
}

std::vector<Artifact> row_file_artifacts(const std::string& prefix, const Task& task, const SplitData& split, const Outputs& outputs) {
  std::vector<Artifact> artifacts;
  const std::vector<std::string> names = task.row_files();
  for (size_t i = 0; i < names.size(); ++i)
    artifacts.push_back({prefix + names[i], [i, &task, &split, outputs](OutputFile& out) {
                           ObjectWriter members(out);
                           for (const RowOutputs& row : by_row(split.rows, split.examples, outputs)) members.add(SplitData::id(*row.row), task.row_value(i, row));
                           members.end();
                         }});
  return artifacts;
}

}  // namespace attune
