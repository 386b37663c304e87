// attune inspect: what a model or a planned run has and needs.
#include "app/inspect.h"

#include <fmt/format.h>

#include "base/utf8.h"
#include "cli/common.h"
#include "config/scalar.h"

namespace attune {
namespace {

constexpr CommandText kInspectText = {
    "inspect MODEL | CONFIG.yaml [key=value ...] [flags]",
    "Counts parameters as PEFT counts them and predicts the memory of training, for the rows of the data files or, without them, for rows of\n"
    "max_length. Needs only config.json; no weights are read.",
    "attune inspect models/all-MiniLM-L6-v2\n"
    "attune inspect config.yaml --r 16\n"
    "attune inspect config.yaml --memory-limit 1GB\n"
    "attune inspect --model models/all-MiniLM-L6-v2 --num-labels 2 --method lora --r 8 --target-modules query,value --json"};

struct InspectCommand {
  std::string target, config;
  RunConfig run;
  CommonFlags common;

  void fields(FieldList& f) {
    f.add("target", target, {.help = "model folder, GGUF file or YAML file", .value = "MODEL|CONFIG", .position = 1});
    f.add("config", config, {.help = "YAML file", .aliases = {"-c"}, .value = "FILE"});
    run.fields(f);
    common.fields(f);
  }
};

void print_inspection(const Inspection& r) {
  print(fmt::format("{} ({}), task {}, {} labels\n{}\n", r.architecture, r.model_type, r.task, r.num_labels, r.line));
  auto row = [](const char* name, int64_t n) { print(fmt::format("  {:<10} {:>14}\n", name, grouped(static_cast<uint64_t>(n)))); };
  row("adapter", r.adapter_parameters);
  row("head", r.head_parameters);
  row("trainable", r.trainable_parameters);
  row("all", r.all_parameters);
  if (!r.adapted_modules.empty())
    print(fmt::format("adapted modules: {} ({}, ...)\n", r.adapted_modules.size(), r.adapted_modules.front()));
  const auto peaks = [](const char* phase, const Ledger& l, int64_t tokens) {
    std::string parts;
    for (int c = 0; c < kMemoryClasses; ++c)
      if (const int64_t n = l.peak[static_cast<size_t>(c)]) parts += fmt::format(", {} {}", name_of(static_cast<MemoryClass>(c)), bytes_text(n));
    if (tokens > 0) print(fmt::format("  {:<10} {:>14}  ({} tokens at once: {})\n", phase, bytes_text(l.total_peak), tokens, parts.substr(2)));
  };
  print(fmt::format("memory of training, predicted for {}:\n", r.lengths));
  peaks("training", r.memory.train, r.memory.train_tokens);
  peaks("evaluation", r.memory.evaluate, r.memory.eval_tokens);
  if (r.frozen_prefix > 0) print(fmt::format("  {:<10} {:>14}  (counted in both: frozen_prefix_cache)\n", "cache", bytes_text(r.frozen_prefix)));
  print(fmt::format("  {:<10} {:>14}  (with program, libraries and data)\n", "process", bytes_text(r.process)));
}

}  // namespace

int run_inspect(const std::vector<std::string>& args) {
  InspectCommand c;
  FieldList list = fields_of(c);
  if (wants_help(args)) {
    print_help(kInspectText, list);
    return 0;
  }
  ConfigReader reader(list);
  read_run_arguments(reader, list, args, c.target, c.config, [&](const std::string& model) { c.run.model = model; });
  settle_run_config(c.run, reader.given());
  require_argument(!c.run.model.empty(), "MODEL or CONFIG.yaml", "attune inspect models/all-MiniLM-L6-v2");
  apply(c.common, c.run.threads);
  Inspection result = inspect(c.run);
  if (c.common.json)
    print_json(result.to_json());
  else
    print_inspection(result);
  return 0;
}

}  // namespace attune
