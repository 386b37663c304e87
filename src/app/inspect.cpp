#include "app/inspect.h"

#include <algorithm>

#include "app/int8_run.h"
#include "app/stored_base.h"

namespace attune {
namespace {

/// Labels where no data names them.
TaskSettings settings_without_data(const RunConfig& config, const OpenedModel& opened) {
  TaskSettings settings = training_settings(config, opened, LabelSet());
  if (!find_task(config.task).labels) return settings;
  if (config.num_labels)
    settings.labels = default_labels(*config.num_labels);
  else if (!config.data.labels.empty())
    settings.labels = config.data.labels;
  else if (const TaskSettings* known = remembered(opened, config.task))
    settings.labels = known->labels;
  else
    settings.labels = default_labels(2);
  return settings;
}

bool has_rows(const RunConfig& config, const OpenedModel& opened) {
  const auto there = [](const std::string& file) { return file.empty() || file_exists(file); };
  return !config.data.train.empty() && there(config.data.train) && there(config.data.validation) && there(config.data.test) &&
         has_tokenizer(opened.tokenizer_files);
}

Json class_bytes(const Ledger& peaks) {
  Json j = Json::object();
  for (int c = 0; c < kMemoryClasses; ++c) j[std::string(name_of(static_cast<MemoryClass>(c)))] = peaks.peak[static_cast<size_t>(c)];
  j["total"] = peaks.total_peak;
  return j;
}

}  // namespace

Json Inspection::to_json() const {
  return {{"model_type", model_type},
          {"architecture", architecture},
          {"task", task},
          {"num_labels", num_labels},
          {"adapter_parameters", adapter_parameters},
          {"head_parameters", head_parameters},
          {"trainable_parameters", trainable_parameters},
          {"all_parameters", all_parameters},
          {"trainable_percent", trainable_percent},
          {"line", line},
          {"adapted_modules", adapted_modules},
          {"memory_estimate",
           {{"lengths", lengths},
            {"train_tokens", memory.train_tokens},
            {"train_bytes", class_bytes(memory.train)},
            {"eval_tokens", memory.eval_tokens},
            {"eval_bytes", class_bytes(memory.evaluate)},
            {"frozen_prefix_bytes", frozen_prefix},
            {"total_bytes", memory.peak()},
            {"process_bytes", process}}}};
}

Inspection inspect(const RunConfig& given) {
  const OpenedModel opened = open_model(given.model, given.base_model, given.model_config);
  const RunConfig config = settled_on(given, opened);
  TrainingData data;
  const bool rows = has_rows(config, opened);
  if (rows) data = read_training_data(config, opened);
  TaskSettings settings = rows ? training_settings(config, opened, data.labels) : settings_without_data(config, opened);
  settle_chat_form(data.train.rows, opened, settings);

  DryRun dry(opened, settings, config.peft, config.quantization, computes_in_int8(config, make_context(config.threads)));
  const ParameterCounts counts = dry.method().counts();
  Inspection out;
  out.model_type = opened.architecture->model_type;
  out.architecture = opened.architecture->class_name(dry.task().kind().head);
  out.task = settings.task;
  out.num_labels = dry.task().outputs();
  out.adapter_parameters = counts.adapter;
  out.head_parameters = counts.head;
  out.trainable_parameters = counts.trainable;
  out.all_parameters = counts.all;
  out.trainable_percent = counts.percent();
  out.line = counts.line();
  for_each_module(dry.model(), [&](Module& m) {
    if (m.kind() == ModuleKind::kLinear && !static_cast<const Linear&>(m).deltas.empty()) out.adapted_modules.push_back(m.path());
  });

  const int64_t length = std::min(settings.max_length, dry.model().info().max_positions);
  if (rows) encode_training_data(data, dry.task(), *load_tokenizer(opened.tokenizer_files), config);
  const Workload work = rows ? workload_of(config, data) : blank_workload(config.training, dry.task(), length);
  if (config.training.frozen_prefix_cache) dry.hold_frozen_prefix(work.train);
  const ComputePlan plan = plan_within_limit(dry, opened, config, work);
  out.lengths = work.lengths;
  out.frozen_prefix = dry.frozen_prefix_bytes();
  out.memory = memory_need(dry, work, config.training, plan);
  out.process = out.memory.held() + program_bytes();
  return out;
}

}  // namespace attune
