// What every command shares: a table entry, common flags, reading arguments, help, results on stdout.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/json.h"
#include "config/reader.h"

namespace attune {

/// One line of the table in main.cpp.
struct Command {
  const char* name;
  const char* summary;
  int (*run)(const std::vector<std::string>& args);  ///< the exit status
};

int run_train(const std::vector<std::string>& args);
int run_evaluate(const std::vector<std::string>& args);
int run_compare(const std::vector<std::string>& args);
int run_predict(const std::vector<std::string>& args);
int run_generate(const std::vector<std::string>& args);
int run_merge(const std::vector<std::string>& args);
int run_quantize(const std::vector<std::string>& args);
int run_convert(const std::vector<std::string>& args);
int run_report_command(const std::vector<std::string>& args);
int run_inspect(const std::vector<std::string>& args);
int run_validate(const std::vector<std::string>& args);
int run_tokenize(const std::vector<std::string>& args);
int run_analyze(const std::vector<std::string>& args);
int run_synthesize(const std::vector<std::string>& args);
int run_env(const std::vector<std::string>& args);

struct CommonFlags {
  bool help = false, quiet = false, json = false;
  void fields(FieldList& f);
};

/// `usage` without the program's name; `examples` one a line.
struct CommandText {
  const char* usage;
  const char* about;
  const char* examples;
};

/// A line a batch size of `latency`, where it was measured.
void print_latency(const Json& results, int width);

bool wants_help(const std::vector<std::string>& args);
void print_help(const CommandText& text, const FieldList& list);
/// --quiet and --threads take effect.
void apply(const CommonFlags& common, int64_t threads = 0);

/// For commands whose options all come from flags and positional arguments. False: help was printed, nothing is to be done.
template <typename Options>
bool read_command(const std::vector<std::string>& args, const CommandText& text, Options& options, CommonFlags& common) {
  FieldList list;
  options.fields(list);
  common.fields(list);
  if (wants_help(args)) {
    print_help(text, list);
    return false;
  }
  ConfigReader reader(list);
  Arguments arguments = reader.parse(args);
  reader.read_positionals(arguments);
  reader.read_flags(arguments);
  reader.finish();
  return true;
}

/// For commands about a run: a positional or --config YAML file, key=value, flags. A positional argument that is no YAML file goes to
/// `other`. `target` and `config` are the fields of that name in the list.
void read_run_arguments(ConfigReader& reader, const FieldList& list, const std::vector<std::string>& args, std::string& target,
                        std::string& config, const std::function<void(const std::string&)>& other);

/// Error(kUsage) "argument.missing" unless `value` is there; `what`: "MODEL, a model folder".
void require_argument(bool given, const std::string& what, const std::string& example);

/// Result text on stdout; Error(kIo) "stdout.failed" when it cannot be written.
void print(const std::string& text);
void flush_stdout();
/// A line for each baseline of the results (app/baselines.h).
void print_baselines(const Json& results);
void print_json(const Json& value);       ///< indented, keys in their own order
void print_json_line(const Json& value);  ///< one line
std::string json_line(const Json& value);

}  // namespace attune
