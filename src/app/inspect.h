// What a model or a planned run has and needs: parameters, trainable share, memory (dry_run.h). Needs config.json only, no weights.
#pragma once

#include "app/memory_plan.h"

namespace attune {

struct Inspection {
  std::string model_type, architecture, task;
  int64_t num_labels = 0;
  int64_t adapter_parameters = 0, head_parameters = 0, trainable_parameters = 0;
  int64_t all_parameters = 0;  ///< counted as PEFT counts: a head kept beside its copy counts twice
  double trainable_percent = 0;
  std::string line;  ///< "trainable params: ... || all params: ... || trainable%: ...", as PEFT prints it
  std::vector<std::string> adapted_modules;
  MemoryNeed memory;     ///< of training with this config
  int64_t frozen_prefix = 0;  ///< bytes of frozen_prefix_cache, in both peaks
  int64_t process = 0;   ///< with program, libraries and data
  std::string lengths;   ///< what the row lengths are taken from
  Json to_json() const;  ///< keys as the members, memory under `memory_estimate`
};

/// `config.model` may also be a folder with nothing but config.json. Memory is that of the rows of config.data where the files and the
/// tokenizer are there, else of rows of max_length. Error(kMemory) "memory.limit".
Inspection inspect(const RunConfig& config);

}  // namespace attune
