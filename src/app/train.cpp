// The training recipe: read -> labels -> model -> method -> encode -> loop -> evaluate -> save, each step a function on values.
#include "app/train.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>

#include "app/baselines.h"
#include "app/fingerprints.h"
#include "app/efficiency.h"
#include "app/int8_run.h"
#include "app/latency.h"
#include "app/memory_plan.h"
#include "app/model_card.h"
#include "app/run_folder.h"
#include "app/save_model.h"
#include "app/stored_base.h"
#include "app/training_data.h"
#include "app/tune_decision.h"
#include "base/error.h"
#include "base/log.h"
#include "base/pages.h"
#include "base/signals.h"
#include "train/frozen_prefix.h"
#include "train/loop.h"

namespace attune {
namespace {

/// A checkpoint is a folder that peft or transformers can load, with the optimizer beside it.
void add_model(const LoadedModel& m, CheckpointContent& content) {
  const bool adapter = m.method->makes_adapter();
  if (adapter) {
    content.tensors["adapter_model.safetensors"] = m.method->adapter_tensors();
    content.files["adapter_config.json"] = adapter_config_text(m.method->adapter_json());
  } else {
    content.tensors["model.safetensors"] = weights_of(*m.model);
    content.files["config.json"] = dump_json(trained_config(m)) + "\n";
  }
  for (auto& [name, text] : side_files(m, adapter)) content.files[name] = std::move(text);
}

void load_checkpoint_model(LoadedModel& m, const fs::path& checkpoint) {
  if (m.method->makes_adapter()) {
    m.method->load_adapter(read_checkpoint_tensors(checkpoint, "adapter_model.safetensors", MemoryClass::kWeights), checkpoint.string());
    return;
  }
  const SafetensorsFile file(checkpoint / "model.safetensors");
  for (const auto& p : m.method->trainable()) {
    const Tensor t = checkpoint_form(*p.parameter, file.read_f32(p.name));
    require(t.shape() == p.parameter->shape, "checkpoint: a tensor of another shape");
    std::copy(t.span().begin(), t.span().end(), p.parameter->var.data.span().begin());
  }
}

FitJob make_job(const RunConfig& config, LoadedModel& m, const TrainingData& data, const fs::path& folder) {
  FitJob job;
  job.model = m.model.get();
  job.task = m.task.get();
  job.parameters = m.method->trainable();
  job.train = data.train.examples;
  job.validation = data.validation.examples;
  job.validation_rows = data.validation.rows;
  job.config = config.training;
  job.loss = {static_cast<float>(config.training.label_smoothing_factor), class_weights_of(config.training.class_weights, *m.task, data.train.examples),
              static_cast<float>(config.training.focal_gamma)};
  job.data_seed = static_cast<uint64_t>(config.data.data_seed.value_or(config.training.seed));
  job.plan = make_epoch_plan(config.training, data.train.examples, job.data_seed, config.data.shuffle);
  job.context = make_context(config.threads);
  job.folder = folder;
  job.add_model = [&m](CheckpointContent& content) { add_model(m, content); };
  job.load_model = [&m](const fs::path& checkpoint) { load_checkpoint_model(m, checkpoint); };
  job.fingerprints = [&config, &m, &data] { return fingerprints(config, m, data); };
  job.may_differ = settings_that_may_differ();
  return job;
}

/// How much is computed at once, settled before any weight is read; only a memory_limit asks for it.
ComputePlan plan_memory(const RunConfig& config, const OpenedModel& opened, const TaskSettings& settings, const TrainingData& data) {
  DryRun dry(opened, settings, config.peft, config.quantization, computes_in_int8(config, make_context(config.threads)));
  const Workload work = workload_of(config, data);
  if (config.training.frozen_prefix_cache) dry.hold_frozen_prefix(work.train);
  return plan_within_limit(dry, opened, config, work);
}

/// Metrics of a split into the results under `prefix`, its full metrics as a file, its predictions as another.
void report_split(const LoadedModel& m, const SplitData& split, const Evaluation& e, const std::string& prefix, const std::string& predictions, Json& results,
                  std::vector<Artifact>& artifacts) {
  Json all = e.metrics;
  all["loss"] = e.loss;
  all["runtime"] = e.runtime;
  all["samples"] = split.examples.size();
  all["samples_per_second"] = static_cast<double>(split.examples.size()) / std::max(1e-9, e.runtime);
  for (const auto& [key, value] : all.items()) {
    if (value.is_number_float())
      put_number(results, prefix + "_" + key, value.get<double>());
    else if (value.is_number() || (value.is_array() && value.size() == 2 && value[0].is_number()))
      results[prefix + "_" + key] = value;
  }
  note(fmt::format("{} ({} rows of {})\n{}", prefix == "eval" ? "Validation" : "Test", split.rows.size(), split.file, m.task->report(e.metrics)));
  artifacts.push_back(text_artifact(prefix + "_results.json", dump_json(all, {.indent = 4, .nan_as_null = true}) + "\n"));
  if (m.task->answers_rows()) artifacts.push_back(predictions_artifact(predictions, *m.task, split, e.outputs));
  std::ranges::move(row_file_artifacts(prefix + "_", *m.task, split, e.outputs), std::back_inserter(artifacts));
}

/// How the base was held and multiplied, and what the saved adapter or model gives in F32 (where the base's folder has it), which is what
/// its users will load. The run's model is on its F32 base afterwards.
void report_precision(LoadedModel& m, const TrainingData& data, const std::optional<Int8Check>& check,
                      const std::function<Evaluation(const SplitData&)>& evaluated, Json& results, std::vector<Artifact>& artifacts) {
  if (check) {
    Json layers = Json::object();
    for (const auto& l : check->layers) layers[l.module] = {{"cosine", l.cosine}, {"first_cosine", l.first}};
    artifacts.push_back(text_artifact("int8_check.json", dump_json(Json{{"layers", layers}, {"two_terms", check->two_terms}, {"f32", check->exact}}, {.indent = 2}) + "\n"));
    results["int8_least_cosine"] = check->least();
  }
  if (data.validation.examples.empty() && data.test.examples.empty()) return;
  if (has_no_f32(m.opened)) return;
  restore_f32_base(m);
  for (const auto& [split, prefix] : {std::pair{&data.validation, std::string("eval")}, {&data.test, std::string("test")}}) {
    if (split->examples.empty()) continue;
    const Evaluation e = evaluated(*split);
    put_number(results, prefix + "_loss_on_f32_base", e.loss);
    for (const std::string& name : m.task->headline())
      if (e.metrics.contains(name) && e.metrics[name].is_number()) put_number(results, fmt::format("{}_{}_on_f32_base", prefix, name), e.metrics[name].get<double>());
  }
}

/// What training did to a text that is not its own.
void report_retained(const LoadedModel& m, const SplitData& text, const Evaluation& before, const Evaluation& after, Json& results) {
  for (const std::string& name : m.task->headline()) {
    if (!before.metrics[name].is_number() || !after.metrics[name].is_number()) continue;
    put_number(results, "retain_" + name + "_before", before.metrics[name].get<double>());
    put_number(results, "retain_" + name, after.metrics[name].get<double>());
  }
  note(fmt::format("Retained ({}): perplexity {:.3f} before training, {:.3f} after", text.file, std::exp(before.loss), std::exp(after.loss)));
}

/// timings.json: what benchmarks read. Seconds and real tokens of each step this process made.
Artifact timings_artifact(const FitResult& fitted) {
  Json steps = Json::array();
  for (const StepTime& s : fitted.step_times) steps.push_back(Json::array({s.seconds, s.tokens}));
  return text_artifact("timings.json", dump_json(Json{{"start_runtime", fitted.start_runtime}, {"steps", steps}}, {.indent = -1}) + "\n");
}

Json memory_report() {
  const Ledger ledger = Allocator::global().ledger();
  Json peak = {{"total", ledger.total_peak}, {"held", ledger.held}};  // held: with the holes between blocks
  for (int i = 0; i < kMemoryClasses; ++i) peak[std::string(name_of(static_cast<MemoryClass>(i)))] = ledger.peak[static_cast<size_t>(i)];
  if (const int64_t resident = peak_resident_bytes()) peak["process"] = resident;
  return peak;
}

OpenedModel open_to_train(const RunConfig& config) {
  OpenedModel opened = config.peft.init_from.empty() ? open_model(config.model, config.base_model, config.model_config)
                                                     : open_model(config.peft.init_from, config.model, config.model_config);
  opened.from_scratch = config.from_scratch;
  return opened;
}

TaskSettings settings_of(const RunConfig& config, const OpenedModel& opened, const TrainingData& data) {
  TaskSettings settings = training_settings(config, opened, data.labels);
  if (const auto settle = find_task(config.task).settle) settle(data.train.rows, settings.options);
  return settings;
}

}  // namespace

SharedInputs read_shared_inputs(const RunConfig& config) {
  SharedInputs shared{config, open_to_train(config), {}};
  shared.data = read_training_data(config, shared.opened);
  shared.opened.tokenizer = load_tokenizer(shared.opened.tokenizer_files);
  encode_training_data(shared.data, *make_task(settings_of(config, shared.opened, shared.data)), *shared.opened.tokenizer, config);
  shared.opened.weights = hold_weights(shared.opened);
  return shared;
}

bool SharedInputs::serves(const RunConfig& other) const {
  static const std::set<std::string> inputs = {"model", "base_model", "task", "problem_type", "num_labels", "from_scratch", "model_config", "peft.init_from"};
  RunConfig mine = config, theirs = other;
  const FieldList a = fields_of(mine), b = fields_of(theirs);
  for (size_t i = 0; i < a.all().size(); ++i) {
    const Field& f = a.all()[i];
    const bool order = f.path == "data.shuffle" || f.path == "data.data_seed";
    if ((inputs.contains(f.path) || (f.group == "data" && !order)) && value_text(f) != value_text(b.all()[i])) return false;
  }
  return true;
}

TrainResult train(const RunConfig& given, const TrainOptions& how) {
  Allocator::global().reset_peaks();
  const SharedInputs* shared = how.shared;
  require(!shared || shared->serves(given), "inputs of another run");
  OpenedModel opened = shared ? shared->opened : open_to_train(given);
  const RunConfig config = settled_on(given, opened);
  std::vector<fs::path> inputs = {opened.folder};
  if (opened.adapter) inputs.push_back(*opened.adapter);
  const RunFolder run(config, inputs);
  if (config.training.fp16 || config.training.bf16) note("fp16 and bf16 are accepted; this processor has no fast half type, so everything is computed in f32");

  TrainingData own;
  if (!shared) own = read_training_data(config, opened);
  const TrainingData& data = shared ? shared->data : own;
  const TaskSettings settings = settings_of(config, opened, data);
  check_training_config(config.training, *make_task(settings));
  check_decision_tuning(config.training, *make_task(settings), data.validation, data.labels);
  if (!config.baselines.empty()) require_baselines_fit(settings);
  ComputePlan compute;
  if (memory_limit_bytes(config) > 0) {
    if (!shared) {
      opened.tokenizer = load_tokenizer(opened.tokenizer_files);
      encode_training_data(own, *make_task(settings), *opened.tokenizer, config);
    }
    compute = plan_memory(config, opened, settings, data);
  }
  const MemoryLimit limit(memory_limit_bytes(config));
  LoadedModel m = load_for_training(std::move(opened), settings, config.peft, static_cast<uint64_t>(config.training.seed), config.strict,
                                    {config.quantization, make_context(config.threads).threads});
  if (data.train.examples.empty()) encode_training_data(own, *m.task, *m.tokenizer, config);
  note(m.method->counts().line());
  note(m.method->counts().split() + "; head " + m.head_origin);
  if (config.training.frozen_prefix_cache) {
    const int64_t layers = frozen_prefix_layers(*m.model, *m.task), all = m.model->info().layers;
    note(fmt::format("frozen_prefix_cache: embeddings and {} of {} layers are computed once a row", layers, all));
  }
  write_file_atomically(run.path() / "config.yaml", dump_run_config(config));

  ConsoleLog console;
  MetricsFile metrics(run.path() / "metrics.jsonl");
  TensorBoardLog board(run.path() / "tensorboard");
  FitJob job = make_job(config, m, data, run.path());
  job.compute = compute;
  job.callbacks = {&console, &metrics, &board};
  const auto int8_check = prepare_int8(config, m, job);
  EvaluationOptions options;
  options.max_sequences = config.training.per_device_eval_batch_size;
  options.max_tokens = compute.eval_tokens;
  options.go_on = [](int64_t) { return throw_if_interrupted(), true; };
  double evaluating = 0;  // seconds outside of the training loop
  const auto evaluated = [&](const SplitData& split) {
    Evaluation e = *evaluate_examples(job.context, *m.model, *m.task, split.rows, split.examples, options);
    evaluating += e.runtime;
    return e;
  };
  std::optional<Evaluation> retained;
  if (!data.retain.examples.empty()) retained = evaluated(data.retain);
  FitResult fitted;
  if (how.untrained)
    fitted.metrics = Json::object();
  else
    fitted = fit(job, run.resume_from());

  TrainResult result{run.path(), fitted.state.global_step, fitted.state.epoch, Json::object()};
  result.results = {{"epoch", fitted.state.epoch}, {"head_origin", m.head_origin}};
  result.results.update(fitted.metrics);
  const ParameterCounts counts = m.method->counts();
  for (const auto& [key, n] : {std::pair{"adapter_parameters", counts.adapter}, {"head_parameters", counts.head}, {"trainable_parameters", counts.trainable}, {"all_parameters", counts.all}})
    result.results[key] = n;
  std::optional<Evaluation> validated;
  if (!data.validation.examples.empty()) {
    validated = fitted.evaluation ? std::move(*fitted.evaluation) : evaluated(data.validation);
    if (!how.untrained) result.results.update(tune_decision(config.training, m, data.validation, *validated));
  }
  report_times(fitted, result.results);
  report_course(fitted.state.log_history, config.training, *m.task, result.results);
  std::vector<Artifact> artifacts;
  if (!how.untrained) {
    artifacts = trained_artifacts(m);
    report_file_bytes(artifacts, result.results);
  } else {
    for (auto& [name, text] : side_files(m, m.method->makes_adapter())) artifacts.push_back(text_artifact(name, std::move(text)));
  }
  if (retained) report_retained(m, data.retain, *retained, evaluated(data.retain), result.results);
  const bool tested = !data.test.examples.empty();
  std::vector<SamplePrediction> samples;
  const auto report = [&](const SplitData& split, const Evaluation& e, const std::string& prefix, const std::string& predictions) {
    report_split(m, split, e, prefix, predictions, result.results, artifacts);
    samples = sample_predictions(*m.task, split, e.outputs, config.sample_predictions);
  };
  if (validated) report(data.validation, *validated, "eval", tested ? "validation_predictions.jsonl" : "predictions.jsonl");
  if (tested) {
    const Evaluation e = evaluated(data.test);
    add_decision_effect(m, "test", data.test, e.outputs, result.results);
    report(data.test, e, "test", "predictions.jsonl");
  }
  report_baselines(config.baselines, data, *m.task, result.results, artifacts);
  result.results["base_storage"] = name_of(config.quantization.type);
  result.results["base_description"] = describe_base(m.opened, m.held);
  result.results["compute"] = int8_check ? "int8" : "f32";
  result.results["memory_peak_bytes"] = memory_report();  // of the run itself, not of the F32 base it is compared with
  if (Json latency = measure_latency(m, job.context, (tested ? data.test : data.validation).rows, {.batch_sizes = config.latency_batch_sizes, .max_tokens = compute.eval_tokens});
      !latency.empty())
    result.results["latency"] = std::move(latency);
  if (int8_check || config.quantization.on()) report_precision(m, data, int8_check, evaluated, result.results, artifacts);
  if (Json& phases = result.results["phase_seconds"]; phases.is_object()) phases["evaluation"] = phases["evaluation"].get<double>() + evaluating;

  const RunRecord record{.train_rows = static_cast<int64_t>(data.train.examples.size()),
                         .validation_file = data.validation.file,
                         .test_file = tested ? data.test.file : "",
                         .results = result.results,
                         .log_history = fitted.state.log_history,
                         .weights_step = fitted.best_loaded ? fitted.state.best_global_step : fitted.state.global_step,
                         .samples = std::move(samples)};
  artifacts.push_back(text_artifact("config.yaml", dump_run_config(config)));
  artifacts.push_back(text_artifact(kTrainerStateName, dump_json(fitted.state.to_json()) + "\n"));
  artifacts.push_back(text_artifact("train_results.json", dump_json(fitted.metrics, {.indent = 4}) + "\n"));
  artifacts.push_back(text_artifact("all_results.json", dump_json(result.results, {.indent = 4}) + "\n"));
  artifacts.push_back(timings_artifact(fitted));
  artifacts.push_back(text_artifact("README.md", model_card(config, m, record)));
  update_artifacts(run.path(), artifacts);
  return result;
}

std::vector<StepTime> time_steps(const RunConfig& given, const SharedInputs& shared, int64_t steps) {
  RunConfig config = settled_on(given, shared.opened);
  config.training.max_steps = steps;
  config.training.eval_strategy = Interval::kNo;
  config.training.save_strategy = Interval::kNo;
  LoadedModel m = load_for_training(shared.opened, settings_of(config, shared.opened, shared.data), config.peft, static_cast<uint64_t>(config.training.seed),
                                    config.strict, {config.quantization, make_context(config.threads).threads});
  FitJob job = make_job(config, m, shared.data, {});
  job.validation = {};
  prepare_int8(config, m, job);
  return fit(job).step_times;
}

}  // namespace attune
