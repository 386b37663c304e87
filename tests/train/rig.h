// A tiny model with a method and the examples of a golden curve, ready for fit(). Checkpoints hold every trained tensor as it is.
#pragma once

#include <memory>
#include <string>

#include "peft/method.h"
#include "support/golden_model.h"
#include "train/loop.h"
#include "train/trained_values.h"

namespace attune::testing {

struct Rig {
  /// A curve's model, initial adapter, rows and settings.
  explicit Rig(const std::string& curve, bool dropout = false, const Kernels& kernels = cpu_kernels())
      : golden(read_json(golden_folder() / "curves" / curve / "curve.json")) {
    const fs::path folder = golden_folder() / "models" / golden["model"].get<std::string>();
    ModelConfig config{read_json(folder / "config.json"), folder.string()};
    for (const char* key : {"hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout", "dropout", "attention_dropout", "seq_classif_dropout", "embd_pdrop", "attn_pdrop",
                            "resid_pdrop"})
      config.json[key] = dropout ? 0.1 : 0.0;
    const WeightFiles files(folder);
    const auto labels = static_cast<int64_t>(golden["final_logits"][0].size());
    model = make_model(config, HeadKind::kSequenceClassification, labels);
    load_weights(*model, source_of(files, folder.string()), 1);

    PeftSetup setup;
    const std::string name = golden["method"].get<std::string>();
    const fs::path initial = golden_folder() / "curves" / curve / "initial";
    if (name == "lora") {
      setup.adapter = parse_adapter_config(read_json(initial / "adapter_config.json"), initial.string());
      setup.adapter.options.lora_dropout = dropout ? 0.1 : 0.0;
      setup.loaded = true;
    }
    setup.adapter.options.method = name;
    method = make_method(setup);
    method->apply(*model);
    if (name == "lora") {
      const SafetensorsFile file(initial / "adapter_model.safetensors");
      TensorMap tensors;
      for (const auto& e : file.entries()) tensors[e.name] = file.read_f32(e.name);
      method->load_adapter(tensors, initial.string());
    }

    TaskSettings settings;
    const Json& first = golden["labels"][0];
    settings.problem_type = first.is_array() ? ProblemType::kMultiLabel : first.is_number_float() ? ProblemType::kRegression : ProblemType::kSingleLabel;
    for (int64_t i = 0; i < labels; ++i) settings.labels.push_back("LABEL_" + std::to_string(i));
    task = make_task(settings);
    for (size_t i = 0; i < golden["sequences"].size(); ++i) {
      const Json& s = golden["sequences"][i];
      const Json& label = golden["labels"][i];
      Example e;
      e.row = i;
      e.ids = s["input_ids"].get<std::vector<int32_t>>();
      e.type_ids = s.contains("token_type_ids") ? s["token_type_ids"].get<std::vector<int32_t>>() : std::vector<int32_t>(e.ids.size());
      if (label.is_array())
        e.labels.values = label.get<std::vector<float>>();
      else if (label.is_number_float())
        e.labels.values = {label.get<float>()};
      else
        e.labels.id = label.get<int32_t>();
      examples.push_back(std::move(e));
    }

    const Json& t = golden["training"];
    TrainingConfig& c = job.config;
    c.learning_rate = t["learning_rate"].get<double>();
    c.weight_decay = t["weight_decay"].get<double>();
    c.adam_beta1 = t["adam_beta1"].get<double>();
    c.adam_beta2 = t["adam_beta2"].get<double>();
    c.adam_epsilon = t["adam_epsilon"].get<double>();
    c.max_grad_norm = t["max_grad_norm"].get<double>();
    c.warmup_steps = t["warmup_steps"].get<double>();
    c.max_steps = t["max_steps"].get<int64_t>();
    c.gradient_accumulation_steps = t["gradient_accumulation_steps"].get<int64_t>();
    c.label_smoothing_factor = t["label_smoothing_factor"].get<double>();
    const std::string kind = t["lr_scheduler_type"].get<std::string>();
    c.lr_scheduler_type = kind == "cosine"                 ? Schedule::kCosine
                          : kind == "polynomial"           ? Schedule::kPolynomial
                          : kind == "constant_with_warmup" ? Schedule::kConstantWithWarmup
                                                           : Schedule::kLinear;
    c.logging_steps = 1;
    c.eval_strategy = Interval::kNo;
    c.save_strategy = Interval::kNo;
    job.model = model.get();
    job.task = task.get();
    job.parameters = method->trainable();
    job.train = examples;
    job.loss.label_smoothing = static_cast<float>(c.label_smoothing_factor);
    if (golden.contains("class_weights")) job.loss.class_weights = golden["class_weights"].get<std::vector<float>>();
    job.context.kernels = &kernels;
    job.context.threads = 1;
    job.pending_signal = [] { return 0; };
    std::vector<std::vector<uint64_t>> batches;
    for (const Json& step : golden["steps"])
      for (const Json& rows : step["micro_batches"]) batches.push_back(rows.get<std::vector<uint64_t>>());
    job.plan = [batches](uint64_t) { return batches; };
    keep_trained_values(job);
  }

  /// Ordinary epochs over the examples in place of the curve's own order.
  void use_epochs(int64_t batch, int64_t accumulation, double epochs) {
    job.config.per_device_train_batch_size = batch;
    job.config.gradient_accumulation_steps = accumulation;
    job.config.max_steps = -1;
    job.config.num_train_epochs = epochs;
    replan();
  }
  void replan() { job.plan = make_epoch_plan(job.config, job.train, job.data_seed, true); }

  std::vector<float> weights() const { return trained_values(job); }

  Json golden;
  std::unique_ptr<Model> model;
  std::unique_ptr<PeftMethod> method;
  std::unique_ptr<Task> task;
  std::vector<Example> examples;
  FitJob job;
};

/// Step entries of a log: those with a loss.
inline std::vector<Json> step_entries(const Json& log) {
  std::vector<Json> steps;
  for (const Json& e : log)
    if (e.contains("loss")) steps.push_back(e);
  return steps;
}
/// The log without what the clock says.
inline Json without_times(const Json& log) {
  Json out = Json::array();
  for (const Json& e : log) {
    Json copy = Json::object();
    for (const auto& [key, value] : e.items())
      if (key.find("runtime") == std::string::npos && key.find("per_second") == std::string::npos) copy[key] = value;
    out.push_back(copy);
  }
  return out;
}
inline fs::path fresh_folder(const std::string& name) {
  const fs::path folder = fs::path(::testing::TempDir()) / ("attune_train_" + name);
  fs::remove_all(folder);
  fs::create_directories(folder);
  return folder;
}

}  // namespace attune::testing
