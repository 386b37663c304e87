// LoRA's keys of adapter_config.json (LoraConfig of PEFT 0.21), and the values of init_lora_weights.
#pragma once

#include "peft/adapter_config.h"

namespace attune {

void read_lora_config(AdapterFields& f, PeftConfig& options);
/// The keys of release 0.10, sorted lists; later keys only where they are not at their default.
Json write_lora_config(const PeftConfig& options);
/// Error unless a new adapter can be started with options.init_lora_weights.
void check_lora_init(const PeftConfig& options, const Origin& origin);

}  // namespace attune
