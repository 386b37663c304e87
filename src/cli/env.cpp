// attune env: what to paste into a bug report.
#include "app/env.h"

#include <fmt/format.h>

#include "cli/common.h"

namespace attune {
namespace {

constexpr CommandText kEnvText = {"env [--json]", "Versions, processor features, threads and memory, for bug reports.",
                                  "attune env\nattune env --json"};

struct EnvOptions {
  void fields(FieldList&) {}
};

}  // namespace

int run_env(const std::vector<std::string>& args) {
  EnvOptions options;
  CommonFlags common;
  if (!read_command(args, kEnvText, options, common)) return 0;
  Json e = environment();
  if (common.json) {
    print_json(e);
    return 0;
  }
  for (const auto& [key, value] : e.items())
    print(fmt::format("{:<14} {}\n", key,
                      value.is_string() ? value.get<std::string>() : json_line(value).substr(0, json_line(value).size() - 1)));
  return 0;
}

}  // namespace attune
