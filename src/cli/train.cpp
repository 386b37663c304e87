// attune train: config.yaml, key=value and flags into one RunConfig, then app/train.
#include "app/train.h"
#include "app/repeat.h"

#include <fmt/format.h>

#include "cli/common.h"
#include "config/scalar.h"
#include "config/write.h"

namespace attune {
namespace {

constexpr CommandText kTrainText = {
    "train [CONFIG.yaml] [key=value ...] [flags]",
    "Fine-tunes a model on labelled rows and writes a run folder: adapter or model, config.yaml, trainer_state.json,\n"
    "all_results.json, predictions of the evaluated rows, checkpoints. Flags win over key=value, key=value over the file.\n"
    "Columns are found by their usual names (text, sentence, review, content; label, labels, sentiment).",
    "attune train config.yaml\n"
    "attune train config.yaml training.learning_rate=1e-4 --epochs 5 --output-dir runs/second\n"
    "attune train --model models/all-MiniLM-L6-v2 --train-file train.csv --test-file test.csv --method lora --r 8 --output-dir runs/mine\n"
    "attune train config.yaml --resume\n"
    "attune train config.yaml --seeds 5\n"
    "attune train config.yaml --folds 10 --stratify\n"
    "attune train config.yaml --print-config"};

struct TrainCommand {
  std::string config;
  bool print_config = false, print_schema = false;
  int64_t seeds = 1;
  RunConfig run;
  CommonFlags common;

  void fields(FieldList& f) {
    f.add("config", config, {.help = "YAML file", .aliases = {"-c"}, .value = "FILE", .position = 1});
    run.fields(f);
    f.add("seeds", seeds, {.help = "runs with so many seeds, from training.seed on, and their mean and spread", .aliases = {"num_seeds"}, .least = 1, .most = 1000});
    f.add("print_config", print_config, {.help = "show the configuration as resolved and stop"});
    f.add("print_schema", print_schema, {.help = "show the JSON schema of the configuration and stop"});
    common.fields(f);
  }
};

/// How the base was held, and what that cost and saved: the lines that differ between LoRA and QLoRA.
void print_resources(const Json& results) {
  const auto number = [&](const char* key) { return results.contains(key) && results[key].is_number(); };
  const std::string compute = results.value("compute", "f32");
  print(fmt::format("{:<16} {}, products in {}", "base", results.value("base_description", "f32"), compute));
  if (number("int8_least_cosine")) print(fmt::format(" (least cosine of gradients with f32 products {:.4f})", results["int8_least_cosine"].get<double>()));
  print("\n");
  if (number("train_tokens_per_second")) print(fmt::format("{:<16} {:.0f} tokens/s\n", "speed", results["train_tokens_per_second"].get<double>()));
  if (number("step_seconds_p50") && number("step_seconds_p95"))
    print(fmt::format("{:<16} {:.4g} s (95% below {:.4g} s)\n", "step", results["step_seconds_p50"].get<double>(), results["step_seconds_p95"].get<double>()));
  if (const auto peak = results.find("memory_peak_bytes"); peak != results.end() && peak->contains("process"))
    print(fmt::format("{:<16} {} (whole process; {} in weights)\n", "memory peak", bytes_text((*peak)["process"].get<int64_t>()),
                      bytes_text(peak->value("weights", int64_t{0}) + peak->value("quantized", int64_t{0}))));
}

/// The few numbers people look for first; all of them are in all_results.json.
void print_summary(const TrainResult& r) {
  print(fmt::format("{} steps, {:.4g} epochs\n", r.steps, r.epochs));
  auto number = [&](const std::string& key) { return r.results.contains(key) && r.results[key].is_number(); };
  print_resources(r.results);
  if (number("train_loss")) print(fmt::format("{:<16} {:.4f}\n", "train_loss", r.results["train_loss"].get<double>()));
  for (const char* split : {"eval", "test"})
    for (const char* name : {"loss", "accuracy", "f1_macro", "f1_micro", "overall_f1", "overall_precision", "overall_recall", "overall_accuracy", "exact", "f1",
                             "perplexity", "bits_per_byte", "mse", "pearson", "spearman"}) {
      std::string key = fmt::format("{}_{}", split, name);
      bool repeats = std::string(name) == "f1_micro" && number(fmt::format("{}_accuracy", split));  // equal for single labels
      if (!number(key) || repeats) continue;
      print(fmt::format("{:<16} {:.4f}", key, r.results[key].get<double>()));
      const std::string interval = key + "_interval";
      if (r.results.contains(interval) && r.results[interval].is_array() && r.results[interval].size() == 2)
        print(fmt::format("  (95% interval {:.4f} to {:.4f})", r.results[interval][0].get<double>(), r.results[interval][1].get<double>()));
      if (const std::string other = key + "_on_f32_base"; number(other)) print(fmt::format("  on the f32 base {:.4f}", r.results[other].get<double>()));
      print("\n");
    }
  print_baselines(r.results);
  print_latency(r.results, 16);
  print(fmt::format("run folder: {}\n", r.output_dir.string()));
}

/// Mean and spread of the headline figures over runs.
void print_repeated(const Json& summary, const std::string& folder) {
  print(fmt::format("{} runs\n", summary["runs"].size()));
  for (const auto& [key, s] : summary["metrics"].items()) {
    const std::string name = key.substr(key.find('_') + 1);
    if (key != "train_loss" && name != "loss" && name != "accuracy" && name != "f1_macro" && name != "overall_f1" && name != "exact" && name != "f1" && name != "perplexity" && name != "pearson") continue;
    print(fmt::format("{:<16} {:.4f}", key, s["mean"].get<double>()));
    if (s["sd"].is_number()) print(fmt::format("  sd {:.4f}", s["sd"].get<double>()));
    if (s["low"].is_number()) print(fmt::format("  (95% interval of the mean {:.4f} to {:.4f})", s["low"].get<double>(), s["high"].get<double>()));
    print(fmt::format("  best {}, worst {}\n", s["best"].get<std::string>(), s["worst"].get<std::string>()));
  }
  if (const auto all = summary.find("out_of_fold"); all != summary.end() && all->contains("accuracy"))
    print(fmt::format("{:<16} {:.4f}  (all {} rows, each predicted by a run that did not see it)\n", "out of fold", (*all)["accuracy"].get<double>(), (*all)["rows"].dump()));
  for (const Json& d : summary["degenerate"]) print(fmt::format("degenerate       {}: {}\n", d["name"].get<std::string>(), d["reason"].get<std::string>()));
  for (const Json& f : summary["failed"]) print(fmt::format("failed           {}: {}\n", f["name"].get<std::string>(), f["error"].get<std::string>()));
  print(fmt::format("summary: {}/summary.json\n", folder));
}

}  // namespace

int run_train(const std::vector<std::string>& args) {
  TrainCommand c;
  FieldList list = fields_of(c);
  if (wants_help(args)) {
    print_help(kTrainText, list);
    return 0;
  }
  ConfigReader reader(list);
  Arguments arguments = reader.parse(args);
  std::vector<std::string> overrides = reader.read_positionals(arguments, true);
  for (const auto& flag : arguments.flags)
    if (list.all()[flag.field].path == "config") c.config = flag.value;
  if (!c.config.empty()) reader.read_yaml(c.config);
  for (const auto& text : overrides) reader.read_override(text);
  reader.read_flags(arguments);
  reader.finish();
  if (c.print_schema) {
    RunConfig defaults;
    print_json(json_schema(fields_of(defaults)));
    return 0;
  }
  settle_run_config(c.run, reader.given());
  if (c.print_config) {
    print(dump_run_config(c.run));
    return 0;
  }
  const char* example = "attune train --model models/all-MiniLM-L6-v2 --train-file train.csv --method lora --output-dir runs/mine";
  require_argument(!c.run.model.empty(), "model, what to fine-tune (--model or `model:` in the YAML file)", example);
  require_argument(!c.run.data.train.empty(), "data.train, the rows to train on (--train-file or `data: {train: ...}`)", example);
  require_argument(!c.run.output_dir.empty(), "output_dir, the folder of the run (--output-dir or `output_dir:`)", example);
  apply(c.common, c.run.threads);
  if (c.seeds > 1 || (c.run.data.folds > 1 && c.run.data.fold == 0)) {
    const Json summary = train_repeatedly(c.run, c.seeds);
    if (c.common.json)
      print_json(summary);
    else
      print_repeated(summary, c.run.output_dir);
    return 0;
  }
  TrainResult result = train(c.run);
  if (c.common.json)
    print_json(result.results);
  else
    print_summary(result);
  return 0;
}

}  // namespace attune
