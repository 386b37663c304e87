#include "app/stored_base.h"

#include <fmt/format.h>

#include "base/error.h"

namespace attune {
namespace {

QuantizationConfig as_folder_stores(QuantizationConfig asked, const OpenedModel& opened) {
  const QuantizationConfig& stored = opened.stored;
  const auto conflict = [&](const char* key, std::string what) {
    fail(ErrorCode::kUsage, {.id = "config.conflict",
                             .where = std::string("quantization.") + key,
                             .what = fmt::format("{}, but {} is stored as {}", what, opened.folder.string(), describe(stored.type, stored.double_quant)),
                             .hint = "leave the section out, or give the folder the base was quantised from"});
  };
  if ((asked.given || asked.on()) && asked.type != stored.type) conflict("type", fmt::format("is {}", name_of(asked.type)));
  if (asked.double_quant && !stored.double_quant) conflict("double_quant", "is set");
  asked.type = stored.type;
  asked.double_quant = stored.double_quant;
  return asked;
}

}  // namespace

QuantizationConfig storage_of(const QuantizationConfig& asked, const OpenedModel& opened, bool saves_base) {
  if (opened.stored.on()) return as_folder_stores(asked, opened);
  if (!opened.gguf || !opened.gguf->in_blocks() || asked.given || asked.on() || saves_base) return asked;
  QuantizationConfig q = asked;
  q.type = StoredForm::kInt8;
  for (std::string& layer : opened.gguf->layers_not_in_blocks()) q.skip_modules.push_back(std::move(layer));
  return q;
}

RunConfig settled_on(RunConfig config, const OpenedModel& opened) {
  const QuantizationConfig asked = config.quantization;
  config.quantization = storage_of(asked, opened, saves_base(config));
  if (config.quantization.on() && (opened.stored.on() || !asked.on())) settle_run_config(config, {});
  return config;
}

bool has_no_f32(const OpenedModel& opened) { return opened.stored.on() || (opened.gguf && opened.gguf->in_blocks()); }

void add_hold_base(FieldList& f, HoldBase& quantization) {
  f.add_enum("quantization", quantization, {{"auto", HoldBase::kAuto}, {"none", HoldBase::kF32}, {"int8", HoldBase::kInt8}, {"nf4", HoldBase::kNf4}},
             {.help = "how the frozen base is held; auto: as its folder stores it, and int8 for a GGUF file stored in blocks"});
}

std::string describe_base(const OpenedModel& opened, const QuantizationConfig& held) {
  if (!opened.gguf || opened.from_scratch) return describe(held.type, held.double_quant);
  return fmt::format("GGUF {}, held as {}{}", opened.gguf->layer_type(), held.on() ? name_of(held.type) : "f32", held.double_quant ? ", double quantisation" : "");
}

}  // namespace attune
