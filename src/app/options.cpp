// The field lists of the commands' options; each struct is declared beside its use case.
#include "app/compare.h"
#include "app/evaluate.h"
#include "app/merge.h"
#include "app/predict.h"
#include "app/quantize.h"
#include "app/stored_base.h"
#include "app/tokenize.h"
#include "tasks/task.h"

namespace attune {
namespace {

const char kModelHelp[] = "Hugging Face, adapter or run folder, GGUF file, or a hub name in the local cache";

void add_base_model(FieldList& f, std::string& base_model) {
  f.add("base_model", base_model, {.help = "base of an adapter, instead of the one its adapter_config.json names", .value = "DIR"});
}
void add_threads_and_strict(FieldList& f, int64_t& threads, bool& strict) {
  f.add("threads", threads, {.help = "processor threads; 0: all cores this process may use", .least = 0, .most = 4096});
  f.add("strict", strict, {.help = "doubts about the base model's identity are errors"});
}
void add_base_forms(FieldList& f, HoldBase& quantization, Compute& compute) {
  add_hold_base(f, quantization);
  f.add_enum("compute", compute, {{"auto", Compute::kAuto}, {"f32", Compute::kF32}, {"int8", Compute::kInt8}},
             {.help = "products with frozen weights; auto: int8 for a base held quantised where this processor is fast at it, else f32"});
}
void add_batch_size(FieldList& f, int64_t& batch_size) {
  f.add("batch_size", batch_size,
        {.help = "rows at once; results do not depend on it",
         .aliases = {"per_device_eval_batch_size", "eval_batch_size"},
         .least = 1,
         .most = 65536});
}

}  // namespace

void EvaluateOptions::fields(FieldList& f) {
  f.add("model", model, {.help = kModelHelp, .aliases = {"model_name", "model_name_or_path"}, .value = "MODEL", .position = 1});
  add_base_model(f, base_model);
  f.add("data", file, {.help = "rows with labels", .aliases = {"test_file", "input", "file"}, .value = "FILE", .position = 2});
  f.add("task", task, {.help = "unset: as the folder or the predictions say", .value = task_choice()});
  data.reading_fields(f);
  add_batch_size(f, batch_size);
  f.add("max_samples", max_samples, {.help = "only a seeded subset of the rows; 0: all", .least = 0});
  f.add("group_by", data.group_by, {.help = "also the figures for each value of this column", .value = "NAME"});
  f.add("predictions", predictions,
        {.help = "with MODEL: write id, gold, prediction, scores and text of each row here; without: a file of such rows, or a run folder, to measure", .aliases = {"output", "-o"}, .value = "FILE"});
  f.add("null_odds", null_odds, {.help = "without MODEL: no-answer odds {id: number} for --predictions of the SQuAD script's form", .aliases = {"na_prob_file"}, .value = "FILE"});
  f.add("baselines", baselines, {.help = "also what the model has to beat: majority, bow (logistic regression on word counts)", .value = "majority,bow"});
  f.add("train_file", train_file, {.help = "rows that baselines learn from", .value = "FILE"});
  f.add("latency_batch_sizes", latency_batch_sizes, {.help = "time from text to answer at these batch sizes; unset: not measured", .least = 1, .most = 65536, .value = "1,8,32"});
  add_base_forms(f, quantization, compute);
  add_threads_and_strict(f, threads, strict);
}

void CompareOptions::fields(FieldList& f) {
  f.add("runs", runs, {.help = "run folders or predictions files; the first is the baseline", .value = "RUN", .position = 1, .repeat = true});
  f.add("task", task, {.help = "unset: as the folders or the predictions say", .value = task_choice()});
  f.add("data", file, {.help = "labelled rows, joined by id; unset: the gold stored with the predictions", .aliases = {"test_file"}, .value = "FILE"});
  f.add("metric", metrics, {.help = "compare these; may be given again; unset: the usual ones of the task", .aliases = {"metrics"}, .value = "NAME", .repeat = true});
  f.add("fail_if", fail_if, {.help = "exit with status 8 where this holds for a run: \"f1 < baseline - 0.01 @ 95%\"; may be given again", .value = "EXPR", .repeat = true});
  f.add("margin", margin, {.help = "share of right rows within which two runs count as equivalent", .least = 0, .most = 1, .above = true});
  f.add("confidence", confidence, {.help = "of intervals; 1 less this is what significant means", .least = 0.5, .most = 0.999});
  f.add("draws", draws, {.help = "of bootstrap and randomisation", .least = 100, .most = 1'000'000});
  f.add("seed", seed, {.help = "of the draws", .least = 0});
  data.reading_fields(f);
}

void PredictOptions::fields(FieldList& f) {
  f.add("model", model, {.help = kModelHelp, .aliases = {"model_name", "model_name_or_path"}, .value = "MODEL", .position = 1});
  f.add("text", texts, {.help = "a text to label, or a question; may be given again", .aliases = {"question"}, .value = "TEXT", .repeat = true});
  f.add("pair", pairs, {.help = "second text of the pair, or the context of the question, one for each --text", .aliases = {"context"}, .value = "TEXT", .repeat = true});
  f.add("input", input, {.help = "JSON Lines, CSV, TSV or text; - reads standard input", .aliases = {"data", "-i"}, .value = "FILE"});
  f.add("output", output,
        {.help = "JSON Lines, one object a row in input order; - is standard output", .aliases = {"-o"}, .value = "FILE"});
  f.add("logits", logits, {.help = "add the logits to each object"});
  add_base_model(f, base_model);
  data.reading_fields(f);
  add_batch_size(f, batch_size);
  add_base_forms(f, quantization, compute);
  add_threads_and_strict(f, threads, strict);
}

void MergeOptions::fields(FieldList& f) {
  f.add("adapter", adapter, {.help = "adapter or run folder", .aliases = {"model"}, .value = "ADAPTER", .position = 1});
  f.add("output_dir", output_dir, {.help = "folder of the merged model", .aliases = {"output", "-o"}, .value = "DIR"});
  add_base_model(f, base_model);
  f.add("overwrite", overwrite, {.help = "replace the output folder"});
  f.add_enum("onto", onto, {{"auto", MergeOnto::kDefault}, {"original", MergeOnto::kOriginal}, {"dequantized", MergeOnto::kDequantized}},
             {.help = "base of an adapter of a quantised run: its full-precision values, or those that training saw; auto: original where there is one"});
  f.add("verify", verify,
        {.help = "rows to compare on; unset: the run's test or validation file, else built-in sentences",
         .aliases = {"data", "verify_file"},
         .value = "FILE"});
  f.add("verify_rows", verify_rows, {.help = "rows compared", .least = 1, .most = 1 << 20});
  f.add("tolerance", tolerance, {.help = "greatest allowed difference of a logit", .least = 0});
  data.reading_fields(f);
  add_threads_and_strict(f, threads, strict);
}

void QuantizeOptions::fields(FieldList& f) {
  f.add("model", model, {.help = "Hugging Face or merged folder, or a hub name in the local cache", .aliases = {"model_name", "model_name_or_path"}, .value = "MODEL", .position = 1});
  f.add("output_dir", output_dir, {.help = "folder of the quantised model", .aliases = {"output", "-o"}, .value = "DIR"});
  f.add_enum("type", type, {{"nf4", StoredForm::kNf4}, {"int8", StoredForm::kInt8}}, {.help = "nf4 (QLoRA) or int8 (LLM.int8)", .aliases = {"quantization"}});
  f.add("double_quant", double_quant, {.help = "nf4: quantise the block scales too", .aliases = {"bnb_4bit_use_double_quant", "double_quantization"}});
  f.add("skip_modules", skip_modules, {.help = "modules that stay in F32, beside heads and poolers", .aliases = {"llm_int8_skip_modules"}, .value = "a,b"});
  f.add("overwrite", overwrite, {.help = "replace the output folder"});
  f.add("verify", verify, {.help = "rows to compare on; unset: built-in sentences", .aliases = {"data", "verify_file"}, .value = "FILE"});
  f.add("verify_rows", verify_rows, {.help = "rows compared", .least = 1, .most = 1 << 20});
  data.reading_fields(f);
  f.add("threads", threads, {.help = "processor threads; 0: all cores this process may use", .least = 0, .most = 4096});
}

void TokenizeOptions::fields(FieldList& f) {
  f.add("model", model, {.help = kModelHelp, .aliases = {"model_name", "model_name_or_path"}, .value = "MODEL", .position = 1});
  f.add("text", texts, {.help = "a text; may be given again", .value = "TEXT", .repeat = true});
  f.add("pair", pairs, {.help = "second text of the pair, one for each --text", .value = "TEXT", .repeat = true});
  f.add("input", input, {.help = "JSON Lines, CSV, TSV or text; - reads standard input", .aliases = {"-i"}, .value = "FILE"});
  f.add("output", output, {.help = "JSON Lines, one object a text; - is standard output", .aliases = {"-o"}, .value = "FILE"});
  f.add("special_tokens", special_tokens, {.help = "with [CLS], [SEP] and the like"});
  f.add("stride", stride, {.help = "give every window of a long text, overlapping by this many tokens", .least = 0});
  data.reading_fields(f);
}

}  // namespace attune
