// attune tokenize: texts to ids, tokens and offsets.
#include "app/tokenize.h"

#include <fmt/format.h>

#include "base/log.h"
#include "cli/common.h"

namespace attune {
namespace {

constexpr CommandText kTokenizeText = {
    "tokenize MODEL --text TEXT | --input FILE [--output FILE] [flags]",
    "Token ids, tokens and offsets (pairs in Unicode code points) as the model will see them; one JSON object a text, or a\n"
    "window of it with --stride.",
    "attune tokenize models/all-MiniLM-L6-v2 --text \"An excellent film.\"\n"
    "attune tokenize models/all-MiniLM-L6-v2 --input texts.txt --output tokens.jsonl --max-length 128 --truncation-side left"};

/// "[CLS]:101 an:2019 ...": for a person.
std::string readable_tokens(const Json& o) {
  std::string line;
  for (size_t i = 0; i < o["input_ids"].size(); ++i)
    line += fmt::format("{}{}:{}", i ? " " : "", o["tokens"][i].get<std::string>(), o["input_ids"][i].get<int64_t>());
  return line + "\n";
}

}  // namespace

int run_tokenize(const std::vector<std::string>& args) {
  TokenizeOptions options;
  CommonFlags common;
  if (!read_command(args, kTokenizeText, options, common)) return 0;
  const char* example = "attune tokenize models/all-MiniLM-L6-v2 --text \"An excellent film.\"";
  require_argument(!options.model.empty(), "MODEL, a model folder", example);
  require_argument(options.texts.empty() != options.input.empty(), "either --text or --input, not both", example);
  require_argument(options.pairs.empty() || options.pairs.size() == options.texts.size(), "one --pair for each --text", example);
  apply(common);
  if (!options.output.empty() && options.output != "-") {
    int64_t rows = 0;
    write_file_atomically(options.output,
                          [&](OutputFile& out) { rows = tokenize(options, [&](const Json& o) { out.write(json_line(o)); }); });
    note(fmt::format("{} objects written to {}", rows, options.output));
    return 0;
  }
  bool lines = options.texts.empty() || common.json || options.output == "-";
  tokenize(options, [&](const Json& o) {
    print(lines ? json_line(o) : readable_tokens(o));
    if (options.input == "-") flush_stdout();
  });
  return 0;
}

}  // namespace attune
