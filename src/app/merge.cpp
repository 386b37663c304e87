#include "app/merge.h"

#include <cmath>

#include "app/run_config.h"
#include "app/save_model.h"
#include "base/error.h"
#include "data/packing.h"
#include "data/split.h"
#include "train/evaluation.h"

namespace attune {
namespace {

/// Compared on when nothing better is at hand: short, long, punctuation, numbers, other scripts.
const char* const kSentences[] = {
    "An excellent film: moving, funny and beautifully acted.",
    "The battery died after two days and nobody answered my mails.",
    "It is fine, I suppose. Neither good nor bad.",
    "Worst meal in years!!! Cold soup, rude waiter, 45 minutes of waiting.",
    "Would I buy it again? Yes, without hesitation.",
    "Das Buch war besser als der Film.",
    "",
    "The sound quality is great for the price, but the cable is short, the manual is useless, and the box arrived damaged; still, after a week of daily use I am happy with it."};

std::vector<Row> rows_to_compare(const MergeOptions& options, MergeResult& result) {
  std::string file = options.verify;
  if (file.empty()) {
    const fs::path config = fs::path(options.adapter) / "config.yaml";
    if (file_exists(config)) {
      const RunConfig run = read_run_config(config);
      for (const std::string& candidate : {run.data.test, run.data.validation, run.data.train})
        if (file.empty() && !candidate.empty() && file_exists(candidate)) file = candidate;
    }
  }
  if (!file.empty()) {
    const DataFile data = read_rows(file, options.data.read_options(LabelUse::kIgnored));
    result.verified_on = file;
    return sample_rows(data.rows, static_cast<size_t>(options.verify_rows), 0, false);
  }
  result.verified_on = "built-in sentences";
  std::vector<Row> rows;
  for (const char* text : kSentences) {
    Row row;
    row.index = rows.size();
    row.text = text;
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<Example> encode_rows(const LoadedModel& m, const std::vector<Row>& rows) {
  std::vector<Example> examples;
  for (const Row& row : rows) examples.push_back(m.task->encode(row, *m.tokenizer));
  return examples;
}

/// A fresh model of the same architecture holding the merged weights: what a reader of the folder will compute.
std::unique_ptr<Model> model_of(const LoadedModel& m, const TensorMap& weights) {
  auto model = m.opened.architecture->make(m.opened.config, m.task->head(), m.task->outputs());
  TensorSource source;
  source.where = "merged weights";
  for (const auto& [name, tensor] : weights) source.entries.emplace_back(name, tensor.shape());
  source.read = [&](const std::string& name) { return weights.at(name); };
  const LoadReport report = load_weights(*model, source, 0);
  require(report.missing.empty() && report.unexpected.empty(), "merge: the merged weights are not those of the model");
  return model;
}

}  // namespace

MergeResult merge(const MergeOptions& options) {
  OpenedModel opened = open_model(options.adapter, options.base_model);
  if (!opened.adapter)
    fail(ErrorCode::kInput, {.id = "merge.no_adapter", .where = options.adapter, .what = "is a whole model already, there is nothing to merge", .hint = "give an adapter or run folder with adapter_config.json"});
  if (options.output_dir.empty()) fail(ErrorCode::kUsage, {.id = "merge.output", .where = "--output", .what = "say where the merged model goes"});
  const fs::path target = fs::weakly_canonical(options.output_dir);
  for (const fs::path& source : {opened.folder, *opened.adapter})
    if (fs::weakly_canonical(source) == target)
      fail(ErrorCode::kState, {.id = "merge.output_is_input", .where = options.output_dir, .what = "is a folder that is read from", .hint = "choose another output folder"});
  if (opened.settings) apply_reading(options.data, *opened.settings);

  MergeResult result;
  result.output_dir = options.output_dir;
  const std::vector<Row> rows = rows_to_compare(options, result);
  LoadedModel m = load_for_use(std::move(opened), options.strict);
  const Context ctx = make_context(options.threads);
  const std::vector<Example> examples = encode_rows(m, rows);
  const TensorMap merged = m.method->merged(ctx);
  const Tensor before = *logits_of(ctx, *m.model, examples);
  const auto plain = model_of(m, merged);
  const Tensor after = *logits_of(ctx, *plain, examples);

  result.rows = static_cast<int64_t>(rows.size());
  const auto width = static_cast<size_t>(m.task->outputs());
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto a = before.span().subspan(i * width, width), b = after.span().subspan(i * width, width);
    for (size_t j = 0; j < width; ++j) {
      const double d = std::fabs(static_cast<double>(a[j]) - static_cast<double>(b[j]));
      if (!(d <= result.max_logit_difference)) result.max_logit_difference = d;  // a NaN stays
    }
    if (m.task->decode(a).label != m.task->decode(b).label) ++result.flipped_labels;
  }
  result.passed = result.max_logit_difference <= options.tolerance;
  if (result.passed) commit_artifacts(options.output_dir, model_artifacts(m, merged), options.overwrite);
  return result;
}

}  // namespace attune
