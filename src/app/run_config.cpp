#include "app/run_config.h"

#include <fmt/format.h>

#include "app/baselines.h"
#include "config/reader.h"
#include "config/scalar.h"
#include "config/write.h"
#include "tasks/task.h"

namespace attune {

void RunConfig::fields(FieldList& f) {
  f.add("model", model,
        {.help = "Hugging Face folder, GGUF file, run or adapter folder, or hub name in the local cache",
         .aliases = {"model_name", "model_name_or_path"},
         .value = "MODEL"});
  f.add("base_model", base_model,
        {.help = "base of an adapter, instead of the one its adapter_config.json names",
         .aliases = {"base_model_name_or_path"},
         .value = "DIR"});
  f.add("task", task, {.help = "what is learned", .aliases = {"task_type"}, .value = task_choice()});
  f.add("problem_type", problem_type,
        {.help = "unset: from the labels",
         .choices = {"", "single_label_classification", "multi_label_classification", "regression"},
         .value = "{single_label_classification,multi_label_classification,regression}"});
  f.add("num_labels", num_labels, {.help = "labels of the head; unset: from the data", .least = 1, .most = 1 << 20});
  f.add("from_scratch", from_scratch, {.help = "draw all weights from the seed; the model's folder needs config.json and a tokenizer only"});
  f.group("data", data, "Data");
  f.group("peft", peft, "What is trained");
  f.group("quantization", quantization, "How the frozen base is stored");
  f.group("training", training, "Training");
  f.add("baselines", baselines, {.help = "text classification: what the model has to beat, beside it in the results: majority, bow (logistic regression on word counts)", .value = "majority,bow"});
  f.add("model_config", model_config, {.help = "overrides values of config.json, such as hidden_dropout_prob=0.2"});
  f.add_enum("compute", compute, {{"auto", Compute::kAuto}, {"f32", Compute::kF32}, {"int8", Compute::kInt8}},
             {.help = "products with frozen weights; auto: int8 for a quantised base where this processor is fast at it, else f32"});
  f.add("threads", threads,
        {.help = "processor threads; 0: all cores this process may use", .aliases = {"num_threads"}, .least = 0, .most = 4096});
  f.add("latency_batch_sizes", latency_batch_sizes, {.help = "time from text to answer after training, at these batch sizes; []: not measured", .least = 1, .most = 65536, .value = "1,8,32"});
  f.add("sample_predictions", sample_predictions, {.help = "rows told right, and as many told wrong, that README.md shows; 0: none", .least = 0, .most = 1000});
  f.add("memory_limit", memory_limit,
        {.help = "memory the process may take, such as 2GB; batches are computed in parts or layers twice to fit, with the same results",
         .value = "SIZE"});
  f.add("output_dir", output_dir, {.help = "folder of the run", .aliases = {"output", "-o"}, .value = "DIR"});
  f.add("overwrite", overwrite, {.help = "replace what is in the output folder", .aliases = {"overwrite_output_dir"}});
  f.add("resume", resume, {.help = "go on from the newest complete checkpoint of the output folder, or start where there is none"});
  f.add("resume_from_checkpoint", resume_from_checkpoint, {.help = "go on from this checkpoint", .value = "DIR"});
  f.add("strict", strict, {.help = "doubts about the base model's identity are errors"});
}

namespace {

bool any_lora_option(const std::set<std::string>& given) {
  for (const auto& path : given)
    if (path.starts_with("peft.") && path != "peft.method" && path != "peft.init_from" && !path.starts_with("peft.freeze_")) return true;
  return false;
}

/// The method of an adapter that is trained on is the adapter's.
bool goes_on_from_adapter(const RunConfig& c) {
  return !c.peft.init_from.empty() || (!c.model.empty() && file_exists(fs::path(c.model) / "adapter_config.json"));
}

void check_together(const RunConfig& c, ConfigReader& reader) {
  const auto& t = c.training;
  auto conflict = [&](const std::string& text) { reader.problem("config.conflict", text); };
  if (t.fp16 && t.bf16) conflict("training.fp16 and training.bf16: choose one");
  if (c.resume && c.overwrite) conflict("resume and overwrite: choose one");
  if (!c.data.validation.empty() && c.data.validation_split > 0)
    conflict("data.validation and data.validation_split: a validation file is given, so nothing is split off");
  if (!c.data.test.empty() && c.data.test_split > 0)
    conflict("data.test and data.test_split: a test file is given, so nothing is split off");
  if (c.data.folds == 1) conflict("data.folds: one fold leaves nothing to train on; 0 is none");
  if (c.data.folds > 1 && (!c.data.test.empty() || c.data.test_split > 0)) conflict("data.folds: each fold is a test, so there is no data.test and no data.test_split");
  if (c.data.fold > c.data.folds) conflict(fmt::format("data.fold: {} of data.folds {}", c.data.fold, c.data.folds));
  if (c.data.validation_split + c.data.test_split >= 1) conflict("data.validation_split and data.test_split leave no row to train on");
  if (t.early_stopping_patience > 0 && t.eval_strategy == Interval::kNo)
    conflict("training.early_stopping_patience needs evaluations: set training.eval_strategy");
  if (t.load_best_model_at_end && t.eval_strategy == Interval::kNo)
    conflict("training.load_best_model_at_end needs evaluations: set training.eval_strategy");
  if (t.load_best_model_at_end && t.save_strategy != Interval::kBest && t.save_strategy != t.eval_strategy)
    conflict("training.load_best_model_at_end needs save_strategy equal to eval_strategy, or save_strategy: best");
  double evals = t.eval_steps > 0 ? t.eval_steps : t.logging_steps;
  if (t.load_best_model_at_end && t.save_strategy == Interval::kSteps && t.eval_strategy == Interval::kSteps && evals >= 1 &&
      t.save_steps >= 1 && static_cast<int64_t>(t.save_steps) % static_cast<int64_t>(evals) != 0)
    conflict(fmt::format("training.load_best_model_at_end: save_steps ({}) must be a multiple of eval_steps ({})",
                         number_text(t.save_steps), number_text(evals)));
  for (const auto& [name, value] : t.lr_scheduler_kwargs)
    if (!std::set<std::string>{"num_cycles", "power", "lr_end", "timescale", "min_lr", "min_lr_rate"}.contains(name))
      conflict(fmt::format(
          "training.lr_scheduler_kwargs: unknown key '{}'; known: num_cycles, power, lr_end, timescale, min_lr, min_lr_rate", name));
  for (const auto& [label, weight] : t.class_weights.numbers)
    if (weight < 0) conflict(fmt::format("training.class_weights: the weight of '{}' is below 0", label));
  if (t.focal_gamma > 0 && t.label_smoothing_factor > 0)
    conflict("training.focal_gamma and training.label_smoothing_factor: one sharpens what the other spreads; choose one");
  if (t.train_sampling_strategy == Sampling::kWeighted && !c.data.shuffle)
    conflict("training.train_sampling_strategy weighted draws rows, which keeps no order: leave out data.shuffle: false");
  const bool adapter = goes_on_from_adapter(c);
  if (c.quantization.on() && saves_base(c))
    conflict(
        fmt::format("quantization: a base stored at few bits is frozen and its values are not kept, so only adapters are saved; method {} "
                    "saves the whole model: use method lora",
                    c.peft.method));
  if (c.from_scratch && (adapter || c.peft.method != "full"))
    conflict("from_scratch: weights that are drawn must be trained, so the method has to be full");
  if (c.compute == Compute::kInt8 && !adapter && c.peft.method == "full")
    conflict("compute: int8 is for frozen weights, method full trains all of them; use method lora");
  if (!is_null_word(c.memory_limit) && !parse_bytes(c.memory_limit))
    reader.problem("config.value", fmt::format("memory_limit: expected a size such as 512MB, 2GB or 1.5GiB, got '{}'", c.memory_limit));
  if (!c.baselines.empty() && c.task != "text-classification")
    conflict(fmt::format("baselines: are for task text-classification, not {}; leave them out", c.task));
  baselines_from_names(c.baselines);
  if (!c.model_config.is_object()) conflict("model_config: expected keys and values");
}

void settle(RunConfig& config, const std::set<std::string>& given, ConfigReader& reader) {
  auto& peft = config.peft;
  if (peft.method.empty() && peft.init_from.empty()) peft.method = any_lora_option(given) ? "lora" : "full";
  if (given.contains("quantization.type")) config.quantization.given = true;
  for (const std::string& text : config.quantization.settle()) reader.problem("config.conflict", text);
  check_together(config, reader);
}

}  // namespace

bool saves_base(const RunConfig& config) {
  return !goes_on_from_adapter(config) && std::set<std::string>{"full", "freeze", "bitfit", "none"}.contains(config.peft.method);
}

int64_t memory_limit_bytes(const RunConfig& config) { return parse_bytes(config.memory_limit).value_or(0); }

void settle_run_config(RunConfig& config, const std::set<std::string>& given) {
  FieldList list = fields_of(config);
  ConfigReader reader(list);
  settle(config, given, reader);
  reader.finish();
}

RunConfig load_run_config(const std::string& yaml_file, const std::vector<std::string>& overrides, const std::vector<std::string>& flags,
                          std::set<std::string>* given) {
  RunConfig config;
  FieldList list = fields_of(config);
  ConfigReader reader(list);
  Arguments arguments = reader.parse(flags);
  if (!yaml_file.empty()) reader.read_yaml(yaml_file);
  for (const auto& text : overrides) reader.read_override(text);
  for (const auto& text : reader.read_positionals(arguments, true)) reader.read_override(text);
  reader.read_flags(arguments);
  if (!reader.failed()) settle(config, reader.given(), reader);
  reader.finish();
  if (given) *given = reader.given();
  return config;
}

std::string dump_run_config(const RunConfig& config) {
  RunConfig copy = config;
  return dump_yaml(fields_of(copy));
}

RunConfig read_run_config(const fs::path& file) { return load_run_config(file.string(), {}, {}); }

}  // namespace attune
