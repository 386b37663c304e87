// A trained model as files: a PEFT adapter folder or a Hugging Face model folder, each with tokenizer, labels and attune.json.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "app/load_model.h"
#include "io/artifacts.h"

namespace attune {

/// What stands beside the weights, names with texts: attune.json, tokenizer files, and beside whole language models the base's
/// generation_config.json. `merged_onto`: attune.json's word on the base an adapter was merged into; "" says nothing.
std::vector<std::pair<std::string, std::string>> side_files(const LoadedModel&, bool adapter, const std::string& merged_onto = "");
/// adapter_config.json, adapter_model.safetensors and side files.
std::vector<Artifact> adapter_artifacts(const LoadedModel&);
/// config.json, model.safetensors and side files. `weights`: checkpoint keys to tensors (weights_of, or a method's merged()).
std::vector<Artifact> model_artifacts(const LoadedModel&, const TensorMap& weights, const std::string& merged_onto = "");
/// What the run's method makes: an adapter or a whole model.
std::vector<Artifact> trained_artifacts(const LoadedModel&);

/// Error(kState) "output_is_input" when `output` is one of the folders that are read.
void require_other_folder(const fs::path& output, const std::vector<fs::path>& inputs);

/// config.json of a model trained for a task: architecture, labels, problem type; unknown keys of the base kept.
Json trained_config(const LoadedModel&);

}  // namespace attune
