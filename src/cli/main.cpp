// The program: picks the command, and is the one place where failures become messages and exit statuses (docs/design.md, section 1).
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <new>

#include "app/env.h"
#include "base/error.h"
#include "base/log.h"
#include "base/signals.h"
#include "base/suggest.h"
#include "cli/common.h"

namespace attune {
namespace {

constexpr Command kCommands[] = {
    {"train", "fine-tune; writes a run folder", run_train},
    {"evaluate", "metrics with intervals on a file", run_evaluate},
    {"compare", "two or more runs on the same rows: paired tests, flips, gates", run_compare},
    {"predict", "labels for texts", run_predict},
    {"generate", "text from a language model", run_generate},
    {"merge", "put an adapter into its base, verified", run_merge},
    {"quantize", "store a model's linear layers in few bits, compared with the original", run_quantize},
    {"convert", "a GGUF file to a Hugging Face folder", run_convert},
    {"analyze", "variants and seeds of one configuration, compared in one report", run_analyze},
    {"report", "an HTML page, Markdown and pictures of runs", run_report_command},
    {"inspect", "parameters, trainable share and memory of a plan, nothing trained", run_inspect},
    {"validate", "find problems of the data before training", run_validate},
    {"tokenize", "ids, tokens and offsets", run_tokenize},
    {"synthesize", "labelled data made by rules, for trying things out", run_synthesize},
    {"env", "versions, processor and threads, for bug reports", run_env},
};

void print_overview() {
  print(
      "usage: attune COMMAND [arguments] [--help]\n\nFine-tunes, evaluates and serves small transformer language models on an ordinary "
      "CPU.\n\nCommands\n");
  for (const auto& c : kCommands) print(fmt::format("  {:<10} {}\n", c.name, c.summary));
  print(
      "\nattune COMMAND --help shows what it takes. Results go to stdout, notes and progress to stderr.\n"
      "Exit status: 0 done, 1 internal error, 2 usage or configuration, 3 bad input file, 4 input/output, 5 numerical stop,\n"
      "6 memory, 7 state conflict, 8 verification or gate failed, 130/143 interrupted (a training has written a checkpoint).\n");
}

void print_version() {
  Json e = environment();
  print(fmt::format("attune {} ({})\ncpu features: {}\nkernels: {}\n", e["version"].get<std::string>(), e["build"].get<std::string>(),
                    e["cpu_features"].get<std::string>(), e["kernels"].get<std::string>()));
}

int dispatch(const std::vector<std::string>& args) {
  if (args.empty() || args[0] == "--help" || args[0] == "-h" || (args[0] == "help" && args.size() == 1)) {
    print_overview();
    return args.empty() ? static_cast<int>(ErrorCode::kUsage) : 0;
  }
  if (args[0] == "--version" || args[0] == "-V" || args[0] == "version") {
    print_version();
    return 0;
  }
  bool help = args[0] == "help";
  const std::string& name = help ? args[1] : args[0];
  std::vector<std::string> known;
  for (const auto& c : kCommands) {
    if (name == c.name) return c.run(help ? std::vector<std::string>{"--help"} : std::vector<std::string>(args.begin() + 1, args.end()));
    known.push_back(c.name);
  }
  fail(ErrorCode::kUsage, {.id = "command.unknown", .what = fmt::format("unknown command '{}'", name), .hint = suggestion(name, known)});
}

int print_error(int status, const std::string& text) {
  std::fflush(stdout);
  bool colour = stderr_is_colourful();
  std::fputs(fmt::format("{}error:{} {}\n", colour ? "\033[1;31m" : "", colour ? "\033[0m" : "", text).c_str(), stderr);
  return status;
}

}  // namespace
}  // namespace attune

int main(int argc, char** argv) {
  using namespace attune;
  try {
    install_signal_handlers();
    int status = dispatch({argv + 1, argv + argc});
    flush_stdout();
    return status;
  } catch (const Error& e) {
    // A reader that has seen enough (`| head`) is no failure worth a message.
    if (e.info().id == "stdout.failed" && errno == EPIPE) return static_cast<int>(ErrorCode::kIo);
    return print_error(static_cast<int>(e.code()), e.what());
  } catch (const Interrupted& e) {
    std::fputs("interrupted\n", stderr);
    return 128 + e.signal();
  } catch (const std::bad_alloc&) {
    return print_error(static_cast<int>(ErrorCode::kMemory),
                  "out of memory\n  hint: lower the batch size or max_length; attune inspect estimates what a run needs");
  } catch (const std::exception& e) {
    return print_error(
        static_cast<int>(ErrorCode::kInternal),
        fmt::format("internal: {}\n  hint: this is a fault of attune, please report it with the command and the output of attune env",
                    e.what()));
  }
}
