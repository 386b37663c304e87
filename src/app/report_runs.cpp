// Runs and environment: what is missing, how each run is made again, and where the report was written.
#include <fmt/format.h>

#include "app/env.h"
#include "app/report_sections.h"

namespace attune::report {
namespace {

Table environment_table() {
  Table t{.id = "environment", .title = "Environment of this report", .columns = {{"what"}, {"value"}}, .sortable = false};
  const Json all = environment();
  for (const auto& [key, value] : all.items()) {
    if (value.is_object() && value.empty()) continue;
    t.rows.push_back({words(key), words(value.is_string() ? value.get<std::string>() : dump_json(value, {.indent = -1, .sort_keys = false, .ascii = false}))});
  }
  t.note = "Of the program that wrote the report; a run may have been trained elsewhere.";
  return t;
}

}  // namespace

Section runs_section(const Runs& runs) {
  Section s{.id = "environment-and-runs", .heading = "Runs and environment"};
  List missing_files;
  for (const StoredRun& run : runs)
    for (const std::string& sentence : run.missing) missing_files.items.push_back({run.name + ": " + sentence});
  if (!missing_files.items.empty()) {
    s.blocks.push_back(Heading{"What is missing"});
    s.blocks.push_back(std::move(missing_files));
  }
  for (const StoredRun& run : runs) {
    if (run.config.empty()) continue;
    const std::string again = fmt::format("# attune train {} output_dir=ANOTHER\n{}", (run.folder / "config.yaml").string(), run.config);
    s.blocks.push_back(Code{.title = "Command and configuration of " + run.name, .text = again, .folded = true});
  }
  s.blocks.push_back(environment_table());
  return s;
}

}  // namespace attune::report
