// Metrics of a model on all rows of a file.
#include "app/evaluate.h"

#include "app/int8_run.h"
#include "app/run_folder.h"
#include "app/training_data.h"
#include "base/error.h"
#include "base/log.h"
#include "base/signals.h"
#include "data/split.h"

namespace attune {

Json evaluate(const EvaluateOptions& options) {
  OpenedModel opened = open_model(options.model, options.base_model);
  if (opened.settings) {
    apply_reading(options.data, *opened.settings);
    if (!options.task.empty()) opened.settings->task = options.task;
  }
  SplitData split;
  split.file = options.file;
  split.rows = read_rows(options.file, options.data.read_options(LabelUse::kRequired)).rows;
  if (options.max_samples > 0) split.rows = sample_rows(split.rows, static_cast<size_t>(options.max_samples), 42, options.data.stratify);

  LoadedModel m = load_for_use(std::move(opened), options.strict);
  const Context ctx = make_context(options.threads);
  const bool int8 = infer_in(options.compute, m, ctx);
  split.examples = m.task->encode_all(split.rows, *m.tokenizer, split.file);
  Evaluation e;
  {
    Progress progress("evaluating", static_cast<int64_t>(split.examples.size()));
    EvaluationOptions how;
    how.max_sequences = options.batch_size;
    how.go_on = [&](int64_t done) {
      throw_if_interrupted();
      progress.update(done);
      return true;
    };
    e = std::move(*evaluate_examples(ctx, *m.model, *m.task, split.examples, how));
  }
  if (!options.predictions.empty()) {
    const Artifact predictions = predictions_artifact(options.predictions, *m.task, split.examples, split.ids(), e.logits);
    write_file_atomically(options.predictions, predictions.fill);
  }
  Json result = {{"task", m.task->settings().task}, {"model", options.model}, {"data", options.file}};
  result["base_storage"] = name_of(m.opened.stored.type);
  result["compute"] = int8 ? "int8" : "f32";
  result.update(e.metrics);
  result["loss"] = e.loss;
  result["runtime"] = e.runtime;
  result["samples_per_second"] = static_cast<double>(split.examples.size()) / std::max(1e-9, e.runtime);
  return result;
}

}  // namespace attune
