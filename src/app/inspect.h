// What a model or a planned run has and needs: parameters, trainable share, memory. Needs config.json only, no weights.
#pragma once

#include "app/run_config.h"

namespace attune {

struct Inspection {
  std::string model_type, architecture, task;
  int64_t num_labels = 0;
  int64_t adapter_parameters = 0, head_parameters = 0, trainable_parameters = 0;
  int64_t all_parameters = 0;  ///< counted as PEFT counts: a head kept beside its copy counts twice
  double trainable_percent = 0;
  std::string line;  ///< "trainable params: ... || all params: ... || trainable%: ...", as PEFT prints it
  std::vector<std::string> adapted_modules;
  int64_t weights_bytes = 0, gradients_bytes = 0, optimizer_bytes = 0, activations_bytes = 0;  ///< of training with this config
  int64_t total_bytes() const { return weights_bytes + gradients_bytes + optimizer_bytes + activations_bytes; }
  Json to_json() const;  ///< keys as the members, memory under `memory_estimate`
};

/// `config.model` may also be a folder with nothing but config.json.
Inspection inspect(const RunConfig& config);

}  // namespace attune
