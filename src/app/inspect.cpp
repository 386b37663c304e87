#include "app/inspect.h"

#include <algorithm>

#include "app/open_model.h"
#include "peft/method.h"

namespace attune {
namespace {

/// Bytes that forward keeps for backward at `t` packed tokens, and the largest passing buffers on top: what nn/ and models/ capture.
/// Per layer: Q, K, V (3H), attention output (H), two norms' sums and outputs (4H), the feed-forward pre-activation (I); with trainable
/// weights also what each product read (the activation's output, I).
int64_t activation_bytes(const BackboneInfo& b, int64_t t, bool weights_train) {
  const int64_t h = b.hidden_size, i = b.intermediate_size;
  const int64_t layer = 8 * h + i + (weights_train ? i : 0) + b.heads;
  const int64_t passing = std::max(2 * i + h, 4 * h);
  return 4 * t * (b.layers * layer + 2 * h + passing);
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
           {{"weights_bytes", weights_bytes},
            {"gradients_bytes", gradients_bytes},
            {"optimizer_bytes", optimizer_bytes},
            {"activations_bytes", activations_bytes},
            {"total_bytes", total_bytes()}}}};
}

Inspection inspect(const RunConfig& config) {
  const OpenedModel opened = open_model(config.model, config.base_model, config.model_config);
  TaskSettings settings = opened.settings.value_or(TaskSettings{});
  settings.task = config.task;
  if (config.num_labels)
    settings.labels = default_labels(*config.num_labels);
  else if (!config.data.labels.empty())
    settings.labels = config.data.labels;
  else if (settings.labels.empty())
    settings.labels = default_labels(2);
  const auto task = make_task(settings);
  const auto model = opened.architecture->make(opened.config, task->head(), task->outputs());

  PeftSetup setup;
  const std::string adapter = !config.peft.init_from.empty() ? config.peft.init_from : opened.adapter ? opened.adapter->string() : "";
  if (!adapter.empty()) {
    const fs::path file = fs::path(adapter) / "adapter_config.json";
    setup.adapter = parse_adapter_config(read_json(file), file.string());
    setup.origin = {ErrorCode::kInput, file.string()};
    setup.loaded = true;
  } else {
    setup.adapter.options = config.peft;
    setup.adapter.task_type = task->peft_task_type();
    setup.origin = {ErrorCode::kUsage, "peft"};
  }
  setup.default_targets = opened.architecture->default_lora_targets;
  setup.target_aliases = opened.architecture->target_aliases;
  const auto method = make_method(std::move(setup));
  method->apply(*model);
  const ParameterCounts counts = method->counts();

  Inspection out;
  out.model_type = opened.architecture->model_type;
  out.architecture = opened.architecture->class_name(task->head());
  out.task = settings.task;
  out.num_labels = task->outputs();
  out.adapter_parameters = counts.adapter;
  out.head_parameters = counts.head;
  out.trainable_parameters = counts.trainable;
  out.all_parameters = counts.all;
  out.trainable_percent = counts.percent();
  out.line = counts.line();
  int64_t weights = 0;
  bool weights_train = false;
  for_each_module(*model, [&](Module& m) {
    for (const auto& [name, p] : m.parameters()) weights += p->size();
    if (m.kind() != ModuleKind::kLinear) return;
    const auto& layer = static_cast<const Linear&>(m);
    for (const auto& d : layer.deltas) weights += d->a.size() + d->b.size();
    if (!layer.deltas.empty()) out.adapted_modules.push_back(m.path());
    if (layer.weight.f32.trainable && m.path().starts_with(model->prefix() + ".")) weights_train = true;
  });
  out.weights_bytes = 4 * weights;
  out.gradients_bytes = 4 * counts.trainable;
  out.optimizer_bytes = 8 * counts.trainable;
  const int64_t length = std::min(config.data.max_length.value_or(settings.max_length), model->info().max_positions);
  out.activations_bytes = activation_bytes(model->info(), config.training.per_device_train_batch_size * length, weights_train);
  return out;
}

}  // namespace attune
