// attune analyze: variants x seeds of one configuration, and the report on them.
#include "app/analysis_page.h"

#include <fmt/format.h>

#include "cli/common.h"
#include "config/write.h"

namespace attune {
namespace {

constexpr CommandText kAnalyzeText = {
    "analyze CONFIG.yaml [key=value ...] [flags]",
    "Trains and evaluates variants of one configuration (the block `variants:`) with several seeds on the same rows, compares them with paired\n"
    "statistics and writes one report. Cells that are complete are kept: the same command after a kill goes on where it was.",
    "attune analyze examples/reviews/analysis.yaml\n"
    "attune analyze config.yaml --output-dir runs/analysis --epochs 5\n"
    "attune analyze config.yaml 'variants={list: [base, lora, full], seeds: 3}'"};

struct AnalyzeCommand {
  std::string target, config;
  AnalyzeConfig analyze;
  CommonFlags common;

  void fields(FieldList& f) {
    f.add("target", target, {.help = "YAML file", .value = "CONFIG.yaml", .position = 1});
    f.add("config", config, {.help = "YAML file", .aliases = {"-c"}, .value = "FILE"});
    analyze.fields(f);
    common.fields(f);
  }
};

}  // namespace

int run_analyze(const std::vector<std::string>& args) {
  AnalyzeCommand c;
  const FieldList list = fields_of(c);
  if (wants_help(args)) {
    print_help(kAnalyzeText, list);
    print("\nPresets of variants.list\n");
    for (const VariantPreset& p : variant_presets()) print(fmt::format("  {:<16} {}\n", p.name, p.help));
    return 0;
  }
  ConfigReader reader(list);
  const char* example = "attune analyze examples/reviews/analysis.yaml";
  read_run_arguments(reader, list, args, c.target, c.config, [&](const std::string&) { require_argument(false, "CONFIG.yaml, a file that ends in .yaml", example); });
  settle_analyze_config(c.analyze, reader.given());
  require_argument(!c.analyze.run.model.empty(), "model, what the variants start from", example);
  require_argument(!c.analyze.run.data.train.empty(), "data.train, the rows to train on", example);
  require_argument(!c.analyze.run.output_dir.empty(), "output_dir, the folder of the analysis", example);
  apply(c.common, c.analyze.run.threads);
  const Analysis a = run_analysis(c.analyze);
  const AnalysisSummary summary = summarise(a);
  std::string command = "attune analyze";
  for (const std::string& arg : args) command += " " + (arg.find_first_of(" {}[]'\"*?&|;<>()$`\\") == std::string::npos ? arg : "'" + arg + "'");
  write_analysis(a, summary, command);
  if (c.common.json) {
    print_json(to_json(a, summary));
    return 0;
  }
  print(analysis_text(a, summary));
  print(fmt::format("\nreport: {}\n", (fs::path(a.config.run.output_dir) / "report.html").string()));
  return 0;
}

}  // namespace attune
