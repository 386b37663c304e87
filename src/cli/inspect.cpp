// attune inspect: what a model or a planned run has and needs.
#include "app/inspect.h"

#include <fmt/format.h>

#include "base/utf8.h"
#include "cli/common.h"

namespace attune {
namespace {

constexpr CommandText kInspectText = {
    "inspect MODEL | CONFIG.yaml [key=value ...] [flags]",
    "Counts parameters as PEFT counts them and estimates the memory of training. Needs only config.json; nothing is loaded.",
    "attune inspect models/all-MiniLM-L6-v2\n"
    "attune inspect config.yaml --r 16\n"
    "attune inspect --model models/all-MiniLM-L6-v2 --num-labels 2 --method lora --r 8 --target-modules query,value --json"};

struct InspectCommand {
  std::string target, config;
  RunConfig run;
  CommonFlags common;

  void fields(FieldList& f) {
    f.add("target", target, {.help = "model folder or YAML file", .value = "MODEL|CONFIG", .position = 1});
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
  print(fmt::format("memory of training, estimated: {} (weights {}, gradients {}, optimizer {}, activations {})\n",
                    bytes_text(r.total_bytes()), bytes_text(r.weights_bytes), bytes_text(r.gradients_bytes), bytes_text(r.optimizer_bytes),
                    bytes_text(r.activations_bytes)));
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
