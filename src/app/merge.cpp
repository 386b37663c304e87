#include "app/merge.h"

#include <fmt/format.h>

#include "app/compare_logits.h"
#include "app/run_config.h"
#include "app/save_model.h"
#include "app/stored_base.h"
#include "base/error.h"
#include "base/log.h"
#include "train/evaluation.h"

namespace attune {
namespace {

/// The config of the run that made an adapter, when it lies beside it (above it, for a checkpoint).
std::optional<RunConfig> config_of_run(const fs::path& adapter) {
  for (const fs::path& folder : {adapter, fs::absolute(adapter).lexically_normal().parent_path()}) {
    if (folder != adapter && !file_exists(adapter / "trainer_state.json")) continue;
    if (file_exists(folder / "config.yaml")) return read_run_config(folder / "config.yaml");
  }
  return std::nullopt;
}

/// The base values the adapter goes onto. `quantization`: of the run, or of the base folder itself.
struct MergeBase {
  QuantizationConfig quantization;
  bool dequantized = false;
  std::string text() const {
    return dequantized ? fmt::format("dequantized {}{}", name_of(quantization.type), quantization.double_quant ? " (double quantisation)" : "") : "original";
  }
};

MergeBase choose_base(const MergeOptions& options, const OpenedModel& opened, const std::optional<RunConfig>& run) {
  MergeBase base;
  const bool stored = opened.stored.on();
  if (run) base.quantization = run->quantization;  // with what it skipped, and embeddings
  if (stored) {
    base.quantization.type = opened.stored.type;
    base.quantization.double_quant = opened.stored.double_quant;
  }
  const QuantizationConfig& q = base.quantization;
  if (options.onto == MergeOnto::kDequantized && !q.on())
    fail(ErrorCode::kUsage, {.id = "merge.not_quantized",
                             .where = "--onto dequantized",
                             .what = "nothing says that this adapter was trained on a quantised base",
                             .expected = "a config.yaml with a quantization section beside the adapter, or a base folder that is stored quantised",
                             .hint = "--onto original merges into the base as it is"});
  if (options.onto == MergeOnto::kOriginal && stored)
    fail(ErrorCode::kUsage, {.id = "merge.no_original",
                             .where = "--onto original",
                             .what = fmt::format("{} is stored as {}, so its original values are not there", opened.folder.string(), name_of(q.type)),
                             .hint = "give the folder it was made from with --base-model DIR, or merge with --onto dequantized"});
  base.dequantized = stored || options.onto == MergeOnto::kDequantized;
  if (stored && options.onto == MergeOnto::kDefault)
    note(fmt::format("The base is stored as {}: there is no original, the adapter goes onto its dequantised values", describe(q.type, q.double_quant)));
  if (q.on() && !stored)
    note(fmt::format("Trained on a base in {}. --onto original: into the {}, better weights that the adapter did not see; "
                     "--onto dequantized: into the values it was trained on, so the answers are those of training",
                     describe_base(opened, q), opened.gguf ? "file's own values in f32" : "full-precision base"));
  return base;
}

/// A fresh model of the same architecture holding the merged weights: what a reader of the folder will compute.
std::unique_ptr<Model> model_of(const LoadedModel& m, const TensorMap& weights) {
  auto model = m.opened.architecture->make(m.opened.config, m.task->kind().head, m.task->outputs());
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
  require_other_folder(options.output_dir, {opened.folder, *opened.adapter});
  if (opened.settings) apply_reading(options.data, *opened.settings);

  const std::optional<RunConfig> run = config_of_run(*opened.adapter);
  std::vector<std::string> files;
  if (run) files = {run->data.test, run->data.validation, run->data.train};
  const RowsToCompare compared = rows_to_compare(opened.settings ? find_task(opened.settings->task).rows : RowKind::kText, options.verify, files, options.data, options.verify_rows);
  const MergeBase base = choose_base(options, opened, run);
  const Context ctx = make_context(options.threads);
  LoadedModel m = load_for_use(std::move(opened), options.strict, {base.dequantized ? base.quantization : QuantizationConfig(), ctx.threads});
  if (base.dequantized) dequantize_base(m, ctx.threads);
  const std::vector<Example> examples = encode_rows(m, compared.rows);
  const TensorMap merged = m.method->merged(ctx);
  const Outputs before = *outputs_of(ctx, *m.model, examples);
  const auto plain = model_of(m, merged);
  const LogitComparison c = compare_logits(*m.task, before, *outputs_of(ctx, *plain, examples));

  MergeResult result;
  result.output_dir = options.output_dir;
  result.merged_onto = base.text();
  result.verified_on = compared.source;
  result.rows = c.rows;
  result.max_logit_difference = c.max_difference;
  result.flipped_labels = c.flipped_labels;
  result.passed = c.max_difference <= options.tolerance;
  if (result.passed) commit_artifacts(options.output_dir, model_artifacts(m, merged, result.merged_onto), options.overwrite);
  return result;
}

}  // namespace attune
