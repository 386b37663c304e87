// What MODEL on a command line turns out to be: folders, configuration, and what it remembers of its task. No weights are read.
#pragma once

#include <optional>
#include <string>

#include "app/gguf_model.h"
#include "data/data_config.h"
#include "io/base_weights.h"
#include "io/model_folder.h"
#include "models/registry.h"
#include "nn/bitsandbytes.h"
#include "tasks/task.h"

namespace attune {

inline constexpr const char* kSideFile = "attune.json";

struct OpenedModel {
  std::string given;                     ///< as typed
  fs::path folder;                       ///< the base: config.json, weights; a GGUF file stands for its folder
  std::shared_ptr<const GgufModel> gguf;  ///< the base when it is such a file
  TextFiles files;                       ///< of the base
  TextFiles tokenizer_files;             ///< the adapter's own when it has some, else the base's
  std::optional<fs::path> adapter;       ///< adapter folder
  std::string base_name;                 ///< what adapter_config.json says, or should say, of the base
  std::string commit;                    ///< of the base, when it came from the hub cache
  ModelConfig config;                    ///< overrides applied
  const Architecture* architecture = nullptr;
  std::optional<TaskSettings> settings;  ///< nullopt: nothing says that there is a trained head
  std::shared_ptr<const Tokenizer> tokenizer;  ///< where it has been read already
  std::shared_ptr<const BaseWeights> weights;  ///< of the base, where they have been read already
  QuantizationConfig stored;             ///< how the base's folder holds its linear layers: type and double_quant
  bool from_scratch = false;             ///< weights are drawn, not read
  std::string base_fingerprint;          ///< attune.json's word on the base's tensors; "" unknown
};

/// `base_model`: instead of what the adapter names. `overrides`: values put over config.json's (an object of scalars).
/// Error(kInput): "model.not_found", "model.no_config", "adapter.no_base", "config.labels", and those of the readers.
OpenedModel open_model(const std::string& name, const std::string& base_model = "", const Json& overrides = Json::object());

/// The small files of a model, adapter or run folder, or those a GGUF file stands for (`gguf` is set then, where it is wanted).
TextFiles files_of(const ResolvedModel& resolved, std::shared_ptr<const GgufModel>* gguf = nullptr);

/// attune.json of a run, model or adapter folder; nothing where there is none. The base is not looked for.
std::optional<TaskSettings> side_settings(const fs::path& folder);
/// What the folder remembers of this task; null when it was trained for another one, or for none.
const TaskSettings* remembered(const OpenedModel&, const std::string& task);
/// Tokens the model takes at once.
int64_t max_positions(const OpenedModel&);

/// id2label of a config.json in order of ids; empty when it has none. Error(kInput) "config.labels": ids that are not 0 ... n-1.
std::vector<std::string> labels_of_config(const ModelConfig&);
/// LABEL_0, LABEL_1, ... as Hugging Face names labels nobody named.
std::vector<std::string> default_labels(int64_t n);

/// What the user asks for instead of what the folder remembers: lengths, side, strategy.
void apply_reading(const DataConfig&, TaskSettings&);

/// attune.json: task, labels, lengths, and the base's identity.
Json side_file(const TaskSettings&, const std::string& base_name, const std::string& base_fingerprint);

}  // namespace attune
