// attune evaluate: metrics of a model on a file.
#include "app/evaluate.h"

#include <fmt/format.h>

#include "cli/common.h"

namespace attune {
namespace {

constexpr CommandText kEvaluateText = {
    "evaluate MODEL --data FILE [flags]\n       attune evaluate --predictions FILE [--data FILE] [flags]",
    "Metrics of a model, adapter or run folder over all rows of a file, with a 95% interval of accuracy and the rate of\n"
    "the majority class beside it. Without MODEL: of predictions that are stored, with the gold in that file or in --data, joined by id.",
    "attune evaluate runs/mine --data test.csv\n"
    "attune evaluate runs/mine --data test.csv --json\n"
    "attune evaluate runs/mine --data test.csv --group-by source\n"
    "attune evaluate adapter --base-model models/all-MiniLM-L6-v2 --data test.jsonl --predictions predictions.jsonl\n"
    "attune evaluate --predictions predictions.jsonl --json\n"
    "attune evaluate --task question-answering --predictions predictions.json --null-odds null_odds.json --data dev-v2.0.json"};

std::string metric_text(const Json& r, const char* key) {
  return r.contains(key) && r[key].is_number() ? fmt::format("{:.4f}", r[key].get<double>()) : "";
}

void print_metrics(const Json& r) {
  if (r.value("base_description", "f32") != "f32" || r.value("compute", "f32") != "f32")
    print(fmt::format("{:<18} {}, products in {}\n", "base", r.value("base_description", "f32"), r.value("compute", "f32")));
  for (const char* key : {"accuracy", "f1_macro", "f1_weighted", "overall_f1", "overall_precision", "overall_recall", "overall_accuracy", "exact", "f1", "HasAns_exact", "HasAns_f1",
                          "NoAns_exact", "NoAns_f1", "start_accuracy", "end_accuracy", "span_accuracy", "loss", "perplexity", "bits_per_byte", "mse", "mae", "pearson", "spearman", "mcc", "roc_auc",
                          "average_precision", "brier", "ece", "majority_rate"}) {
    std::string value = metric_text(r, key);
    if (value.empty()) continue;
    print(fmt::format("{:<18} {}", key, value));
    std::string interval = std::string(key) + "_interval";
    if (r.contains(interval) && r[interval].is_array() && r[interval].size() == 2)
      print(fmt::format("  (95% interval {:.4f} to {:.4f})", r[interval][0].get<double>(), r[interval][1].get<double>()));
    print("\n");
  }
  print_baselines(r);
  if (r.contains("undefined"))
    for (const auto& [key, reason] : r["undefined"].items()) print(fmt::format("{:<18} not defined: {}\n", key, reason.get<std::string>()));
  if (r.contains("rows") && r["rows"].is_number_integer()) print(fmt::format("{:<18} {}\n", "rows", r["rows"].get<int64_t>()));
  print_latency(r, 18);
  if (r.contains("tokens") && r["tokens"].is_number_integer()) print(fmt::format("{:<18} {}\n", "tokens", r["tokens"].get<int64_t>()));
  if (r.contains("coverage") && r.contains("words"))
    print(fmt::format("coverage: {:.0f} % of {} words\n", 100 * r["coverage"].get<double>(), r["words"].get<int64_t>()));
  if (r.contains("report") && r["report"].is_string()) print("\n" + r["report"].get<std::string>());
  if (!r.contains("per_class") || !r["per_class"].is_object()) return;
  print(fmt::format("\n{:<24} {:>9} {:>9} {:>9} {:>9}\n", "label", "precision", "recall", "f1", "support"));
  for (const auto& [label, c] : r["per_class"].items())
    print(fmt::format("{:<24} {:>9} {:>9} {:>9} {:>9}\n", label, metric_text(c, "precision"), metric_text(c, "recall"),
                      metric_text(c, "f1"), c.contains("support") ? c["support"].dump() : ""));
}

}  // namespace

int run_evaluate(const std::vector<std::string>& args) {
  EvaluateOptions options;
  CommonFlags common;
  if (!read_command(args, kEvaluateText, options, common)) return 0;
  require_argument(!options.model.empty() || !options.predictions.empty(), "MODEL, a model, adapter or run folder, or --predictions FILE without one", "attune evaluate runs/mine --data test.csv");
  require_argument(options.model.empty() || !options.file.empty(), "--data FILE, rows with labels", "attune evaluate runs/mine --data test.csv");
  apply(common, options.threads);
  Json result = evaluate(options);
  if (common.json)
    print_json(result);
  else
    print_metrics(result);
  if (const std::string groups = groups_table(result); !common.json && !groups.empty()) print("\n" + groups);
  return 0;
}

}  // namespace attune
