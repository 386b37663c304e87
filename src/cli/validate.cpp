// attune validate: what is wrong with the data, before any training.
#include "app/validate.h"

#include <fmt/format.h>

#include "cli/common.h"

namespace attune {
namespace {

constexpr CommandText kValidateText = {
    "validate CONFIG.yaml | DATA [key=value ...] [flags]",
    "Reads the data as training would and reports class counts, empty texts, duplicates, overlap of train and test, rows that\n"
    "cannot be used, and with a model the token lengths against max_length. Exit status 3 when rows cannot be used.",
    "attune validate config.yaml\n"
    "attune validate train.csv --task text-classification\n"
    "attune validate train.csv --test-file test.csv --model models/all-MiniLM-L6-v2 --max-length 128"};

struct ValidateCommand {
  std::string target, config;
  RunConfig run;
  CommonFlags common;

  void fields(FieldList& f) {
    f.add("target", target, {.help = "data file or YAML file", .value = "DATA|CONFIG", .position = 1});
    f.add("config", config, {.help = "YAML file", .aliases = {"-c"}, .value = "FILE"});
    run.fields(f);
    common.fields(f);
  }
};

}  // namespace

int run_validate(const std::vector<std::string>& args) {
  ValidateCommand c;
  FieldList list = fields_of(c);
  if (wants_help(args)) {
    print_help(kValidateText, list);
    return 0;
  }
  ConfigReader reader(list);
  read_run_arguments(reader, list, args, c.target, c.config, [&](const std::string& file) { c.run.data.train = file; });
  settle_run_config(c.run, reader.given());
  bool any = !c.run.data.train.empty() || !c.run.data.validation.empty() || !c.run.data.test.empty();
  require_argument(any, "DATA or CONFIG.yaml", "attune validate train.csv --task text-classification");
  apply(c.common, c.run.threads);
  Validation result = validate(c.run);
  if (c.common.json)
    print_json(to_json(result));
  else
    print(to_text(result));
  return result.usable ? 0 : static_cast<int>(ErrorCode::kInput);
}

}  // namespace attune
