// attune compare: runs on the same rows, from stored predictions.
#include "app/compare.h"

#include "cli/common.h"

namespace attune {
namespace {

constexpr CommandText kCompareText = {
    "compare RUN RUN ... [flags]",
    "Two or more runs on the same test rows, paired by row id: McNemar, paired bootstrap, approximate randomisation, DeLong,\n"
    "agreement, the rows that turned wrong or right, equivalence and the rows needed. No model is loaded. A RUN is a run folder\n"
    "(its predictions.jsonl) or a predictions file; the first is the baseline. A gate that fails is exit status 8.",
    "attune compare runs/base runs/lora\n"
    "attune compare runs/base runs/r4 runs/r16 --json\n"
    "attune compare runs/shipped runs/new --fail-if \"f1 < baseline - 0.01 @ 95%\"\n"
    "attune compare a.jsonl b.jsonl --data test.csv --metric f1_macro --metric mcc"};

}  // namespace

int run_compare(const std::vector<std::string>& args) {
  CompareOptions options;
  CommonFlags common;
  if (!read_command(args, kCompareText, options, common)) return 0;
  require_argument(options.runs.size() > 1, "RUN RUN, two run folders or predictions files", "attune compare runs/base runs/new");
  apply(common);
  const Json result = compare(options);
  if (common.json)
    print_json(result);
  else
    print(comparison_text(result));
  require_gates(result);
  return 0;
}

}  // namespace attune
