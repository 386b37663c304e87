#include "cli/common.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/log.h"
#include "config/write.h"

namespace attune {

void CommonFlags::fields(FieldList& f) {
  f.add("json", json, {.help = "the result as JSON"});
  f.add("quiet", quiet, {.help = "no notes and no progress, warnings and errors only", .aliases = {"-q"}});
  f.add("help", help, {.help = "this text", .aliases = {"-h"}});
}

void print_latency(const Json& results, int width) {
  const auto list = results.find("latency");
  if (list == results.end()) return;
  for (const Json& l : *list) {
    print(fmt::format("{:<{}} {:.2f} ms for {} at once", "latency", width, 1000 * l["p50"].get<double>(), l["batch_size"].get<int64_t>()));
    if (l["p95"].is_number()) print(fmt::format(" (95% below {:.2f} ms)", 1000 * l["p95"].get<double>()));
    print(fmt::format(", {:.0f} predictions/s\n", l["predictions_per_second"].get<double>()));
  }
}

bool wants_help(const std::vector<std::string>& args) {
  auto end = std::find(args.begin(), args.end(), "--");
  return std::any_of(args.begin(), end, [](const std::string& a) { return a == "--help" || a == "-h"; });
}

void print_help(const CommandText& text, const FieldList& list) {
  print(fmt::format("usage: attune {}\n\n{}\n\nExamples\n", text.usage, text.about));
  std::string examples = text.examples;
  for (size_t i = 0; i < examples.size();) {
    size_t end = std::min(examples.find('\n', i), examples.size());
    print("  " + examples.substr(i, end - i) + "\n");
    i = end + 1;
  }
  print("\n" + flags_help(list));
  flush_stdout();
}

void apply(const CommonFlags& common, int64_t threads) {
  set_verbosity(common.quiet ? Verbosity::kQuiet : Verbosity::kNormal);
  if (threads > 0) setenv("ATTUNE_THREADS", std::to_string(threads).c_str(), 1);
}

void read_run_arguments(ConfigReader& reader, const FieldList& list, const std::vector<std::string>& args, std::string& target,
                        std::string& config, const std::function<void(const std::string&)>& other) {
  Arguments arguments = reader.parse(args);
  std::vector<std::string> overrides = reader.read_positionals(arguments, true);
  for (const auto& flag : arguments.flags) {
    if (list.all()[flag.field].path == "config") config = flag.value;
    if (list.all()[flag.field].path == "target") target = flag.value;
  }
  bool yaml = target.ends_with(".yaml") || target.ends_with(".yml");
  if (yaml && config.empty()) config = target;
  if (!config.empty()) reader.read_yaml(config);
  if (!yaml && !target.empty()) other(target);
  for (const auto& text : overrides) reader.read_override(text);
  reader.read_flags(arguments);
  reader.finish();
}

void require_argument(bool given, const std::string& what, const std::string& example) {
  if (!given) fail(ErrorCode::kUsage, {.id = "argument.missing", .what = "missing: " + what, .hint = "for example: " + example});
}

void print(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size())
    fail(ErrorCode::kIo, {.id = "stdout.failed", .where = "standard output", .what = std::strerror(errno)});
}

void flush_stdout() {
  if (std::fflush(stdout) != 0) fail(ErrorCode::kIo, {.id = "stdout.failed", .where = "standard output", .what = std::strerror(errno)});
}

void print_baselines(const Json& results) {
  for (const char* name : {"majority", "bow"}) {
    const std::string key = fmt::format("baseline_{}_accuracy", name);
    if (!results.contains(key)) continue;
    print(fmt::format("{:<24} {:.4f}", key, results[key].get<double>()));
    if (const auto it = results.find(key + "_interval"); it != results.end() && it->is_array())
      print(fmt::format("  (95% interval {:.4f} to {:.4f})", (*it)[0].get<double>(), (*it)[1].get<double>()));
    print(fmt::format("  f1_macro {:.4f}\n", results[fmt::format("baseline_{}_f1_macro", name)].get<double>()));
  }
}

void print_json(const Json& value) { print(dump_json(value, {.sort_keys = false, .ascii = false, .nan_as_null = true}) + "\n"); }

std::string json_line(const Json& value) {
  return dump_json(value, {.indent = -1, .sort_keys = false, .ascii = false, .nan_as_null = true}) + "\n";
}

void print_json_line(const Json& value) { print(json_line(value)); }

}  // namespace attune
