// attune merge: an adapter into its base; fails when the merged model answers differently.
#include "app/merge.h"

#include <fmt/format.h>

#include "cli/common.h"

namespace attune {
namespace {

constexpr CommandText kMergeText = {
    "merge ADAPTER --output DIR [flags]",
    "Puts an adapter into its base model and writes a folder that needs no adapter any more. The merged model is compared\n"
    "with base + adapter on real rows: the greatest difference of a logit and the labels that flipped are shown, and above the\n"
    "tolerance nothing is written and the exit status is 8. An adapter trained on a quantised base (QLoRA) goes onto the original base\n"
    "or, with --onto dequantized, onto the values it was trained on; attune.json of the merged folder says which.",
    "attune merge runs/mine --output merged\n"
    "attune merge runs/qlora --output merged --onto dequantized\n"
    "attune merge adapter --base-model models/all-MiniLM-L6-v2 --output merged --verify test.csv"};

}  // namespace

int run_merge(const std::vector<std::string>& args) {
  MergeOptions options;
  CommonFlags common;
  if (!read_command(args, kMergeText, options, common)) return 0;
  require_argument(!options.adapter.empty(), "ADAPTER, an adapter or run folder", "attune merge runs/mine --output merged");
  require_argument(!options.output_dir.empty(), "--output DIR, the folder of the merged model", "attune merge runs/mine --output merged");
  apply(common, options.threads);
  MergeResult r = merge(options);
  if (common.json) {
    Json out{{"output_dir", r.output_dir.string()},
             {"merged_onto", r.merged_onto},
             {"verified_on", r.verified_on},
             {"rows", r.rows},
             {"max_logit_difference", r.max_logit_difference},
             {"flipped_labels", r.flipped_labels},
             {"tolerance", options.tolerance},
             {"passed", r.passed}};
    print_json(out);
  } else {
    print(fmt::format("verified on {} rows of {}: greatest logit difference {:.2e}, flipped labels {}\n", r.rows, r.verified_on,
                      r.max_logit_difference, r.flipped_labels));
    if (r.passed) print(fmt::format("merged model: {} (onto the {} base)\n", r.output_dir.string(), r.merged_onto));
  }
  if (!r.passed)
    fail(ErrorCode::kGate, {.id = "merge.tolerance",
                            .where = options.adapter,
                            .what = "the merged model answers differently, nothing was written",
                            .expected = fmt::format("logits within {:g}", options.tolerance),
                            .got = fmt::format("{:.2e}", r.max_logit_difference),
                            .hint = "--tolerance sets another limit"});
  return 0;
}

}  // namespace attune
