// Metrics of a model on all rows of a file.
#include "app/evaluate.h"

#include "app/baselines.h"
#include "app/evaluate_rows.h"
#include "app/int8_run.h"
#include "app/latency.h"
#include "app/run_folder.h"
#include "app/stored_base.h"
#include "app/stored_predictions.h"
#include "app/training_data.h"
#include "base/error.h"
#include "data/split.h"
#include "metrics/report.h"

namespace attune {
namespace {

[[noreturn]] void refuse_task(const OpenedModel& opened, const std::string& asked) {
  find_task(asked);
  fail(ErrorCode::kUsage, {.id = "task.other",
                           .where = opened.given,
                           .what = "was not trained for this task",
                           .expected = opened.settings ? opened.settings->task : "no task: it has no trained head",
                           .got = asked});
}

Json evaluate_stored(const EvaluateOptions& options) {
  const auto needs_model = [](bool given, const char* flag, const char* id) {
    if (given) fail(ErrorCode::kUsage, {.id = id, .where = flag, .what = "needs a model: stored predictions are measured as they are"});
  };
  needs_model(options.max_samples > 0, "--max-samples", "evaluate.max_samples");
  needs_model(!options.baselines.empty() || !options.train_file.empty(), "--baselines", "evaluate.baselines");
  const StoredPredictions p = read_stored_predictions(
      options.predictions, {.task = options.task, .labels = options.data.labels, .null_odds = options.null_odds, .gold_file = options.file, .data = options.data});
  Json result = {{"task", task_of(p.kind)}, {"predictions", options.predictions}};
  if (!options.file.empty()) result["data"] = options.file;
  result.update(stored_metrics(p));
  return result;
}

std::vector<Row> first_rows(const RowSource& source, size_t most) {
  std::vector<Row> rows;
  source.for_each([&](Row&& row) {
    rows.push_back(std::move(row));
    return rows.size() < most;
  });
  return rows;
}
/// The first row with messages, where there is one.
std::vector<Row> first_chat(const RowSource& source) {
  std::vector<Row> rows;
  source.for_each([&](Row&& row) {
    if (!row.label.is_null()) rows.push_back(std::move(row));
    return rows.empty();
  });
  return rows;
}

std::vector<Row> all_rows(const RowSource& source) { return first_rows(source, SIZE_MAX); }

SplitData baseline_rows(const EvaluateOptions& options, const Task& task) {
  SplitData train;
  train.file = options.train_file;
  if (options.baselines.empty()) return train;
  require_baselines_fit(task.settings());
  train.rows = read_rows(train.file, options.data.read_options(LabelUse::kRequired, task.kind().rows)).rows;
  return train;
}

/// Their numbers and, beside the model's, their predictions.
void add_baselines(const EvaluateOptions& options, const SplitData& train, const RowSource& source, const LoadedModel& m, Json& result) {
  const Task& task = *m.task;
  SplitData split;
  split.file = options.file;
  split.rows = all_rows(source);
  if (options.max_samples > 0) split.rows = sample_rows(split.rows, static_cast<size_t>(options.max_samples), 42, options.data.stratify);
  split.examples = task.encode_all(split.rows, *m.tokenizer, split.file);
  const std::vector<BaselineResult> found = baseline_results(baselines_from_names(options.baselines), train, split, task);
  put_baselines(found, result);
  if (options.predictions.empty()) return;
  for (const Artifact& a : baseline_artifacts(found, task, split)) write_file_atomically(fs::path(options.predictions).parent_path() / a.name, a.fill);
}

}  // namespace

std::string groups_table(const Json& result) { return result.contains("groups") ? metrics_table_of_groups(result["groups"]) : ""; }

Json evaluate(const EvaluateOptions& options) {
  if (options.model.empty()) return evaluate_stored(options);
  if (!options.null_odds.empty())
    fail(ErrorCode::kUsage, {.id = "evaluate.null_odds", .where = "--null-odds", .what = "belongs to stored predictions, not to a model", .hint = "leave MODEL out and give --predictions FILE"});
  baselines_from_names(options.baselines);
  if (options.baselines.empty() != options.train_file.empty())
    fail(ErrorCode::kUsage, {.id = "evaluate.baselines", .where = options.train_file.empty() ? "--baselines" : "--train-file", .what = "baselines need rows to learn from, and only they do", .hint = "give --baselines majority,bow with --train-file FILE"});
  OpenedModel opened = open_model(options.model, options.base_model);
  if (opened.settings) apply_reading(options.data, *opened.settings);
  if (!options.task.empty() && !remembered(opened, options.task)) refuse_task(opened, options.task);
  const RowKind kind = opened.settings ? find_task(opened.settings->task).rows : RowKind::kText;
  const RowSource source(options.file, options.data.read_options(LabelUse::kRequired, kind));
  if (opened.settings && kind == RowKind::kDocument) settle_chat_form(first_chat(source), opened, *opened.settings);
  const Context ctx = make_context(options.threads);
  const BaseStorage storage{storage_of(QuantizationConfig::asked(options.quantization), opened), ctx.threads};
  LoadedModel m = load_for_use(std::move(opened), options.strict, storage);
  if (!options.latency_batch_sizes.empty() && !m.task->answers_rows())
    fail(ErrorCode::kUsage, {.id = "evaluate.latency", .where = "--latency-batch-sizes", .what = "a language model has no answers for rows", .hint = "attune generate says how many tokens a second it writes"});
  const bool int8 = infer_in(options.compute, m, ctx);
  const SplitData train = baseline_rows(options, *m.task);
  EvaluateRows how{.batch_size = options.batch_size, .max_samples = options.max_samples, .stratify = options.data.stratify, .groups = !options.data.group_by.empty()};
  EvaluatedRows e;
  if (options.predictions.empty()) {
    e = evaluate_rows(ctx, m, source, options.file, how);
  } else {
    if (!m.task->answers_rows())
      fail(ErrorCode::kUsage, {.id = "evaluate.predictions", .where = "--predictions", .what = "a language model has no prediction a row", .hint = "leave it out"});
    how.row_files = fs::path(options.predictions).parent_path();
    write_file_atomically(options.predictions, [&](OutputFile& out) {
      how.predictions = &out;
      e = evaluate_rows(ctx, m, source, options.file, how);
    });
  }
  Json result = {{"task", m.task->settings().task}, {"model", options.model}, {"data", options.file}};
  result["base_storage"] = name_of(m.held.type);
  result["base_description"] = describe_base(m.opened, m.held);
  result["compute"] = int8 ? "int8" : "f32";
  write_decision(m.task->settings().decision, m.task->settings().labels, result);
  result.update(e.metrics);
  result["loss"] = e.loss;
  if (!options.baselines.empty()) add_baselines(options, train, source, m, result);
  result["runtime"] = e.runtime;
  result["samples_per_second"] = static_cast<double>(e.examples) / std::max(1e-9, e.runtime);
  if (!options.latency_batch_sizes.empty()) result["latency"] = measure_latency(m, ctx, first_rows(source, 1024), {.batch_sizes = options.latency_batch_sizes});
  return result;
}

}  // namespace attune
