// The `peft` section: what is trained. Names and defaults are PEFT's; reading and writing adapter_config.json is peft/'s business.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/field.h"

namespace attune {

enum class LoraBias { kNone, kAll, kLoraOnly };

struct PeftConfig {
  /// A name of the registry: full, lora, bitfit, freeze, none (head only)... "": lora where any LoRA option is given, the adapter's own
  /// method with init_from (then it stays ""), else full. load_run_config settles it.
  std::string method;
  std::string init_from;  ///< adapter folder to go on training; its adapter_config.json gives every option below

  int64_t r = 8;
  double lora_alpha = 8;
  double lora_dropout = 0;
  NameSelection target_modules;  ///< empty: the architecture's default
  NameSelection exclude_modules;
  std::vector<int64_t> layers_to_transform;  ///< empty: all
  std::vector<std::string> layers_pattern;
  std::map<std::string, int64_t> rank_pattern;
  std::map<std::string, double> alpha_pattern;
  LoraBias bias = LoraBias::kNone;
  bool use_rslora = false;
  std::vector<std::string> modules_to_save;  ///< beside the task's head, which is always trained
  std::string init_lora_weights = "true";    ///< as PEFT spells it: true, false, gaussian, ...
  bool fan_in_fan_out = false;               ///< of an adapter's file: its layers are Conv1D (GPT-2). No option: the model says so

  std::vector<int64_t> freeze_layers;  ///< layer numbers that stay as they are (freeze, full); negative counts from the top
  int64_t freeze_first_layers = 0;     ///< the lowest N layers stay as they are
  bool freeze_embeddings = false;

  void fields(FieldList& f);
};

}  // namespace attune
