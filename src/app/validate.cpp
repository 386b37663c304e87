#include "app/validate.h"

#include <fmt/format.h>

#include "app/open_model.h"
#include "base/error.h"
#include "tasks/task.h"
#include "text/tokenizer.h"

namespace attune {
namespace {

struct ReadSplit {
  std::string name, file;
  DataFile data;
  std::vector<int32_t> lengths;
};

std::vector<int32_t> token_counts(const std::vector<Row>& rows, const Tokenizer& tokenizer) {
  std::vector<int32_t> lengths;
  for (const Row& row : rows)
    lengths.push_back(
        static_cast<int32_t>(tokenizer.encode(row.text, row.pair ? std::optional<std::string_view>(*row.pair) : std::nullopt).ids.size()));
  return lengths;
}

/// What training would say of the labels; "" when it would take them.
std::string label_problem(const RunConfig& config, const std::vector<ReadSplit>& splits) {
  if (splits.empty() || splits[0].data.rows.empty()) return "";
  try {
    LabelOptions options = config.data.label_options({});
    if (!config.problem_type.empty()) options.problem_type = problem_type_from_name(config.problem_type);
    const TaskKind& task = find_task(config.task);
    if (!task.labels) return "";
    const LabelSet set = task.labels(splits[0].data.rows, options, splits[0].file);
    for (const auto& s : splits) task.check_labels(s.data.rows, set, s.file);
    return "";
  } catch (const Error& e) {
    return e.what();
  }
}

}  // namespace

Validation validate(const RunConfig& config) {
  std::shared_ptr<const Tokenizer> tokenizer;
  int64_t max_length = config.data.max_length.value_or(0);
  if (!config.model.empty()) {
    OpenedModel model = open_model(config.model, config.base_model);
    tokenizer = load_tokenizer(model.tokenizer_files);
    if (max_length == 0) max_length = std::max<int64_t>(tokenizer->model_max_length(), 0);
  }
  std::vector<ReadSplit> splits;
  Validation v;
  for (const auto& [name, file] :
       {std::pair{"train", config.data.train}, {"validation", config.data.validation}, {"test", config.data.test}}) {
    if (file.empty()) continue;
    ReadOptions options = config.data.read_options(LabelUse::kRequired, find_task(config.task).rows);
    options.on_bad_rows = OnBadRows::kSkip;
    ReadSplit split{name, file, read_rows(file, options), {}};
    if (tokenizer) split.lengths = token_counts(split.data.rows, *tokenizer);
    if (!split.data.bad.empty() && config.data.on_bad_rows == OnBadRows::kStop) v.usable = false;
    splits.push_back(std::move(split));
  }
  std::vector<SplitToCheck> views;
  for (const auto& s : splits)
    views.push_back({.name = s.name,
                     .file = s.file,
                     .rows = s.data.rows,
                     .lengths = s.lengths,
                     .bad_rows = s.data.bad.size(),
                     .blank_lines = s.data.blank_lines});
  // Long rows of these are read in windows, so nothing of them is lost.
  const RowKind rows = find_task(config.task).rows;
  const bool windows = rows == RowKind::kTokens || rows == RowKind::kQuestion;
  v.report = check_data(views, windows ? 0 : max_length);
  if (std::string wrong = label_problem(config, splits); !wrong.empty()) {
    v.report.problems.push_back(wrong);
    v.usable = false;
  }
  return v;
}

Json to_json(const Validation& v) {
  Json out = to_json(v.report);
  out["usable"] = v.usable;
  return out;
}

std::string to_text(const Validation& v) { return to_text(v.report) + (v.usable ? "" : "A training would refuse this data.\n"); }

}  // namespace attune
