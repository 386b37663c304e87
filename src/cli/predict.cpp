// attune predict: labels for texts given as flags, in a file, or on standard input.
#include "app/predict.h"

#include <fmt/format.h>

#include "base/log.h"
#include "cli/common.h"

namespace attune {
namespace {

constexpr CommandText kPredictText = {
    "predict MODEL --text TEXT | --input FILE [--output FILE] [flags]",
    "What a model says of texts, in input order: labels with scores, entities, answers to --question about --context, or\n"
    "sentence vectors of an encoder without a head. A text prints one readable line (--json: the object); a file gives JSON\n"
    "Lines, with the row's id if it has one. The word - as a file is standard input or output, streaming.",
    "attune predict runs/mine --text \"An excellent film.\"\n"
    "attune predict runs/mine --input new.csv --output labels.jsonl\n"
    "cat new.jsonl | attune predict runs/mine --input - --output - --logits"};

std::string readable_prediction(const PredictedRow& row) {
  const Json& o = row.object;
  if (o.contains("entities")) {
    std::string lines = row.text + "\n";
    for (const Json& e : o["entities"])
      lines += fmt::format("  {:<10} {:>8.4f}  {} ({} to {})\n", e["type"].get<std::string>(), e["score"].get<double>(), e["text"].get<std::string>(), e["start"].get<int64_t>(),
                           e["end"].get<int64_t>());
    return lines;
  }
  if (o.contains("answer")) {
    const std::string answer = o["answer"].get<std::string>();
    return fmt::format("{:<40} {:>8.4f}  {}\n", answer.empty() ? "(no answer)" : answer, o["score"].get<double>(), row.text);
  }
  if (o.contains("embedding")) return json_line(o);
  std::string label;
  if (o.contains("labels"))
    for (const auto& l : o["labels"]) label += (label.empty() ? "" : ",") + l.get<std::string>();
  else if (o.contains("label") && o["label"].is_string())
    label = o["label"].get<std::string>();
  if (label.empty()) label = "-";
  std::string score;
  for (const char* key : {"score", "value"})
    if (o.contains(key) && o[key].is_number()) score = fmt::format("{:.4f}", o[key].get<double>());
  return fmt::format("{:<16} {:>8}  {}{}\n", label, score, row.text, row.pair ? " | " + *row.pair : "");
}

}  // namespace

int run_predict(const std::vector<std::string>& args) {
  PredictOptions options;
  CommonFlags common;
  if (!read_command(args, kPredictText, options, common)) return 0;
  const char* example = "attune predict runs/mine --text \"An excellent film.\"";
  require_argument(!options.model.empty(), "MODEL, a model, adapter or run folder", example);
  require_argument(options.texts.empty() != options.input.empty(), "either --text or --input, not both", example);
  require_argument(options.pairs.empty() || options.pairs.size() == options.texts.size(), "one --pair for each --text", example);
  apply(common, options.threads);
  bool to_file = !options.output.empty() && options.output != "-";
  if (to_file) {
    int64_t rows = 0;
    write_file_atomically(
        options.output, [&](OutputFile& out) { rows = predict(options, [&](const PredictedRow& r) { out.write(json_line(r.object)); }); });
    note(fmt::format("{} rows written to {}", rows, options.output));
    return 0;
  }
  bool lines = options.texts.empty() || common.json || options.output == "-";
  predict(options, [&](const PredictedRow& r) {
    print(lines ? json_line(r.object) : readable_prediction(r));
    if (options.input == "-") flush_stdout();
  });
  return 0;
}

}  // namespace attune
