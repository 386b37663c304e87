// A base whose folder stores it quantised decides the `quantization` section of a run on it.
#pragma once

#include "app/open_model.h"
#include "app/run_config.h"

namespace attune {

/// `config` with the type the folder has. Error(kUsage) "config.conflict" when the section asks for another, or the method saves the whole
/// model. Unchanged for a base in full precision.
RunConfig settled_on(RunConfig config, const OpenedModel& opened);

}  // namespace attune
