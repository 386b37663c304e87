// How the base of a run is held in memory: as the user asks, else as its folder stores it, else as its GGUF file allows.
#pragma once

#include "app/open_model.h"
#include "app/run_config.h"

namespace attune {

/// What is asked, settled on this base. A folder stored quantised: its type; Error(kUsage) "config.conflict" when another is asked for. A
/// GGUF file whose linear layers are stored in blocks: int8 for those layers, unless a type is given or the base is saved (`saves_base`)
/// and so needs its own values. Any other base: as asked.
QuantizationConfig storage_of(const QuantizationConfig& asked, const OpenedModel& opened, bool saves_base = false);

/// `config` with its `quantization` section settled.
RunConfig settled_on(RunConfig config, const OpenedModel& opened);

/// Its values are in few bits where it stands, so that there is no F32 base to compare with.
bool has_no_f32(const OpenedModel& opened);

/// --quantization of a command that only answers.
void add_hold_base(FieldList& f, HoldBase& quantization);

/// For people: "GGUF Q4_1, held as int8", or describe() of what is held.
std::string describe_base(const OpenedModel& opened, const QuantizationConfig& held);

}  // namespace attune
