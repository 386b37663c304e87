// attune quantize: a model folder in few bits, with what that changed.
#include "app/quantize.h"

#include <fmt/format.h>

#include "cli/common.h"
#include "config/scalar.h"

namespace attune {
namespace {

constexpr CommandText kQuantizeText = {
    "quantize MODEL --output DIR [--type nf4|int8] [flags]",
    "Stores the linear layers of a model in few bits and writes a folder that attune trains on and predicts with as it is, and that\n"
    "transformers loads with bitsandbytes. nf4 is QLoRA's 4-bit type, int8 is LLM.int8's. A model with a head is compared with itself\n"
    "before and after on real rows: the difference of the logits and the labels that flipped. Heads and poolers stay in F32.",
    "attune quantize models/all-MiniLM-L6-v2 --output models/minilm-nf4 --double-quant\n"
    "attune quantize merged --output merged-int8 --type int8 --verify test.csv\n"
    "attune train config.yaml --model models/minilm-nf4"};

Json json_of(const QuantizeOptions& options, const QuantizeResult& r) {
  Json out{{"output_dir", r.output_dir.string()},
           {"type", name_of(options.type)},
           {"double_quant", options.double_quant},
           {"quantized_layers", r.layers},
           {"bytes_before", r.bytes_before},
           {"bytes_after", r.bytes_after},
           {"weight_error", r.weight_error},
           {"worst_layer", r.worst_layer},
           {"worst_layer_error", r.worst_error}};
  if (!r.compared) return out;
  out["verified_on"] = r.verified_on;
  out["rows"] = r.compared->rows;
  out["max_logit_difference"] = r.compared->max_difference;
  out["mean_logit_difference"] = r.compared->mean_difference;
  out["flipped_labels"] = r.compared->flipped_labels;
  return out;
}

void print_result(const QuantizeOptions& options, const QuantizeResult& r) {
  print(fmt::format("{} linear layers stored as {}\n", r.layers, describe(options.type, options.double_quant)));
  print(fmt::format("{:<16} {} before, {} after\n", "weight files", bytes_text(r.bytes_before), bytes_text(r.bytes_after)));
  print(fmt::format("{:<16} {:.2f}% of the weights' size; largest {:.2f}% in {}\n", "weight error", 100 * r.weight_error, 100 * r.worst_error,
                    r.worst_layer));
  if (r.compared)
    print(fmt::format("{:<16} on {} rows of {}: greatest difference {:.2e}, mean {:.2e}, flipped labels {}\n", "logits", r.compared->rows,
                      r.verified_on, r.compared->max_difference, r.compared->mean_difference, r.compared->flipped_labels));
  else
    print(fmt::format("{:<16} the model has no head, so there are none to compare\n", "logits"));
  print(fmt::format("quantised model: {}\n", r.output_dir.string()));
}

}  // namespace

int run_quantize(const std::vector<std::string>& args) {
  QuantizeOptions options;
  CommonFlags common;
  if (!read_command(args, kQuantizeText, options, common)) return 0;
  const char* example = "attune quantize models/all-MiniLM-L6-v2 --output models/minilm-nf4";
  require_argument(!options.model.empty(), "MODEL, a model folder", example);
  require_argument(!options.output_dir.empty(), "--output DIR, the folder of the quantised model", example);
  if (options.double_quant && options.type != StoredForm::kNf4)
    fail(ErrorCode::kUsage, {.id = "config.conflict", .where = "--double-quant", .what = "is for --type nf4; int8 has one scale a row and nothing more to save"});
  apply(common, options.threads);
  const QuantizeResult r = quantize(options);
  if (common.json)
    print_json(json_of(options, r));
  else
    print_result(options, r);
  return 0;
}

}  // namespace attune
