#include "peft/peft_config.h"

namespace attune {

void PeftConfig::fields(FieldList& f) {
  f.add("method", method,
        {.help = "what is trained: full, lora, bitfit, freeze, none (head only); unset: lora where a LoRA option is given, else full",
         .aliases = {"finetuning_type", "peft_method", "peft_type"},
         .value = "NAME"});
  f.add("init_from", init_from, {.help = "go on training this adapter", .aliases = {"adapter_name_or_path"}, .value = "DIR"});
  f.add("r", r, {.help = "rank of the low-rank pair", .aliases = {"lora_r", "lora_rank", "rank"}, .least = 1, .most = 65536});
  f.add("lora_alpha", lora_alpha, {.help = "the pair is scaled by lora_alpha / r", .aliases = {"alpha"}, .least = 0, .above = true});
  f.add("lora_dropout", lora_dropout, {.help = "dropout on the pair's input", .least = 0, .most = 0.999});
  f.add("target_modules", target_modules,
        {.help = "layers that get a pair: names by suffix, one regular expression, or all-linear; unset: the architecture's usual ones",
         .aliases = {"lora_target", "lora_target_modules"}});
  f.add("exclude_modules", exclude_modules, {.help = "layers left out, written as target_modules"});
  f.add("layers_to_transform", layers_to_transform, {.help = "layer numbers that get a pair; unset: all", .least = 0});
  f.add("layers_pattern", layers_pattern, {.help = "name of the list of layers, for layers_to_transform"});
  f.add("rank_pattern", rank_pattern, {.help = "rank by module name or regular expression", .least = 1, .most = 65536});
  f.add("alpha_pattern", alpha_pattern, {.help = "lora_alpha by module name or regular expression", .least = 0, .above = true});
  f.add_enum("bias", bias, {{"none", LoraBias::kNone}, {"all", LoraBias::kAll}, {"lora_only", LoraBias::kLoraOnly}},
             {.help = "which biases are trained too", .aliases = {"lora_bias_mode"}});
  f.add("use_rslora", use_rslora, {.help = "scale by lora_alpha / sqrt(r)"});
  f.add("modules_to_save", modules_to_save, {.help = "further modules trained in full and saved with the adapter; the head always is"});
  f.add("init_lora_weights", init_lora_weights, {.help = "true (Kaiming and zeros), false (both random) or gaussian", .value = "NAME"});
  f.add("freeze_layers", freeze_layers, {.help = "layer numbers that stay as they are (full and freeze); -1 is the last"});
  f.add("freeze_first_layers", freeze_first_layers, {.help = "the lowest N layers stay as they are", .least = 0});
  f.add("freeze_embeddings", freeze_embeddings, {.help = "the embeddings stay as they are"});
}

}  // namespace attune
