#include "app/stored_base.h"

#include <fmt/format.h>

#include "base/error.h"

namespace attune {

RunConfig settled_on(RunConfig config, const OpenedModel& opened) {
  const QuantizationConfig& stored = opened.stored;
  if (!stored.on()) return config;
  const QuantizationConfig asked = config.quantization;
  const auto conflict = [&](const char* key, std::string what) {
    fail(ErrorCode::kUsage, {.id = "config.conflict",
                             .where = std::string("quantization.") + key,
                             .what = fmt::format("{}, but {} is stored as {}", what, opened.folder.string(), describe(stored.type, stored.double_quant)),
                             .hint = "leave the section out, or give the folder the base was quantised from"});
  };
  if (asked.on() && asked.type != stored.type) conflict("type", fmt::format("is {}", name_of(asked.type)));
  if (asked.double_quant && !stored.double_quant) conflict("double_quant", "is set");
  config.quantization.type = stored.type;
  config.quantization.double_quant = stored.double_quant;
  settle_run_config(config, {});
  return config;
}

}  // namespace attune
