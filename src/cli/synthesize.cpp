// attune synthesize: labelled data made by rules.
#include "app/synthesize.h"

#include <fmt/format.h>

#include "cli/common.h"

namespace attune {
namespace {

constexpr CommandText kSynthesizeText = {
    "synthesize --task sentiment|ner|qa --output FILE [flags]",
    "Writes labelled English texts made by rules, the same bytes for the same seed, and prints what a simple baseline reaches on\n"
    "them. Single words do not tell the label unless asked for: negation, contrast and context do.",
    "attune synthesize --task sentiment --rows 3000 --seed 7 --output reviews.csv\n"
    "attune synthesize --task ner --rows 2000 --label-noise 0.02 --output news.conll\n"
    "attune synthesize --task qa --rows 2000 --no-answer-share 0.3 --output questions.json"};

void print_result(const Json& r) {
  print(fmt::format("{:<24} {} rows, {:.1f} words a text, {} wrong labels\n", r["output"].get<std::string>(), r["rows"].get<int64_t>(), r["words_mean"].get<double>(), r["changed_labels"].get<int64_t>()));
  const Json& b = r["baseline"];
  print(fmt::format("baseline: {}, on {} rows\n", b["name"].get<std::string>(), b["rows"].get<int64_t>()));
  for (const auto& [key, value] : b.items()) {
    if (!value.is_number_float()) continue;
    print(fmt::format("  {:<22} {:.4f}", key, value.get<double>()));
    if (const auto it = b.find(key + "_interval"); it != b.end()) print(fmt::format("  (95% interval {:.4f} to {:.4f})", (*it)[0].get<double>(), (*it)[1].get<double>()));
    print("\n");
  }
}

}  // namespace

int run_synthesize(const std::vector<std::string>& args) {
  SynthesizeOptions options;
  CommonFlags common;
  if (!read_command(args, kSynthesizeText, options, common)) return 0;
  const char* example = "attune synthesize --task sentiment --output reviews.csv";
  require_argument(!options.task.empty(), "--task, what to write: sentiment, ner or qa", example);
  require_argument(!options.output.empty(), "--output FILE", example);
  apply(common);
  const Json result = synthesize(options);
  if (common.json)
    print_json(result);
  else
    print_result(result);
  return 0;
}

}  // namespace attune
