// One training run as the user describes it: config.yaml, then key=value, then flags (docs/design.md, section 1).
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/json.h"
#include "data/data_config.h"
#include "nn/quantization.h"
#include "peft/peft_config.h"
#include "train/training_config.h"

namespace attune {

struct RunConfig {
  std::string model;                         ///< Hugging Face folder, .gguf file, run folder, adapter folder (goes on training it) or hub name
  std::string base_model;                    ///< base of an adapter, instead of what its adapter_config.json says
  std::string task = "text-classification";  ///< a name of the task registry
  std::string problem_type;                  ///< "", single_label_classification, multi_label_classification, regression
  std::optional<int64_t> num_labels;         ///< unset: from the data
  bool from_scratch = false;                 ///< all weights are drawn; the folder needs config.json and a tokenizer only
  DataConfig data;
  PeftConfig peft;
  QuantizationConfig quantization;
  TrainingConfig training;
  std::vector<std::string> baselines;  ///< majority, bow: reported beside the model on the test split (app/baselines.h)
  Json model_config = Json::object();  ///< overrides values of config.json (dropouts...)
  Compute compute = Compute::kAuto;  ///< auto: int8 for a quantised base where the processor multiplies bytes fast, else f32
  int64_t threads = 0;               ///< 0: all cores
  std::vector<int64_t> latency_batch_sizes = {1, 8, 32};  ///< after training, on the run's own rows; empty: not measured
  int64_t sample_predictions = 3;    ///< rows told right and told wrong that README.md shows; 0: no text of the data stands there
  std::string memory_limit;          ///< of the process, "2GB"; "" or 0: none (memory_limit_bytes)
  std::string output_dir;
  bool overwrite = false;              ///< replace what is in output_dir
  bool resume = false;                 ///< from the newest valid checkpoint in output_dir; from the beginning when there is none
  std::string resume_from_checkpoint;  ///< from this checkpoint folder
  bool strict = false;                 ///< warnings about the base model's identity are errors

  void fields(FieldList& f);
};

/// Reads `yaml_file` ("" = none), then `overrides` ("training.learning_rate=1e-4", bare names where unique), then `flags` (the command's
/// remaining arguments). Throws Error(kUsage) "config.*" listing every problem at once. `given`: the paths that were set, when wanted.
RunConfig load_run_config(const std::string& yaml_file, const std::vector<std::string>& overrides, const std::vector<std::string>& flags,
                          std::set<std::string>* given = nullptr);
/// The run saves the base's weights, not an adapter alone.
bool saves_base(const RunConfig& config);
/// 0: none.
int64_t memory_limit_bytes(const RunConfig& config);
/// Settles what depends on several values (peft.method) and checks them together; load_run_config has done it.
void settle_run_config(RunConfig& config, const std::set<std::string>& given);
/// config.yaml of a run folder: every value as resolved, in the order of the fields. Reads back as the same config.
std::string dump_run_config(const RunConfig& config);
/// The config a run folder was made with.
RunConfig read_run_config(const fs::path& file);

}  // namespace attune
