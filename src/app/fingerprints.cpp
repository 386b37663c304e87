#include "app/fingerprints.h"

namespace attune {

const std::set<std::string>& settings_that_may_differ() {
  static const std::set<std::string> names = {
      "config.model", "config.base_model", "config.output_dir", "config.overwrite", "config.resume", "config.resume_from_checkpoint", "config.strict",
      "config.threads", "config.data.train", "config.data.validation", "config.data.test", "config.data.max_test_samples",
      "config.training.save_strategy", "config.training.save_steps", "config.training.save_total_limit", "config.training.per_device_eval_batch_size",
      "config.training.activation_checkpointing", "config.training.tune_threshold", "config.training.temperature_scaling", "config.memory_limit", "config.baselines", "config.latency_batch_sizes", "config.sample_predictions", "config.training.overfitting_patience"};
  return names;
}

Json settings_that_matter(const RunConfig& config) {
  Json settings = Json::object();
  RunConfig copy = config;
  const FieldList list = fields_of(copy);
  for (const Field& f : list.all())
    if (!settings_that_may_differ().contains("config." + f.path)) settings[f.path] = value_text(f);
  return settings;
}

std::string hash_of(std::span<const Example> examples) {
  Sha256 hash;
  for (const Example& e : examples) {
    const uint64_t sizes[] = {e.row, e.ids.size(), e.type_ids.size(), e.labels.values.size(), e.labels.tokens.size(), e.breaks.size()};
    hash.update(sizes, sizeof sizes);
    hash.update(e.ids.data(), e.ids.size() * sizeof(int32_t));
    hash.update(e.type_ids.data(), e.type_ids.size() * sizeof(int32_t));
    hash.update(&e.labels.id, sizeof e.labels.id);
    hash.update(e.labels.values.data(), e.labels.values.size() * sizeof(float));
    hash.update(e.breaks.data(), e.breaks.size() * sizeof(int32_t));
    hash.update(e.labels.tokens.data(), e.labels.tokens.size() * sizeof(int32_t));
  }
  return hash.hex();
}

Json fingerprints(const RunConfig& config, const LoadedModel& m, const TrainingData& data) {
  Json tokenizer = Json::object();
  for (const auto& [name, content] : m.tokenizer->files(m.task->settings().max_length, m.task->settings().truncation_side)) tokenizer[name] = sha256_hex(content);
  Json out = {{"base_weights", m.stored->fingerprint()}, {"tokenizer", tokenizer}, {"train_rows", hash_of(data.train.examples)},
              {"validation_rows", hash_of(data.validation.examples)}, {"config", settings_that_matter(config)}};
  const std::string start = !config.peft.init_from.empty() ? config.peft.init_from : m.opened.adapter ? m.opened.adapter->string() : "";
  if (!start.empty()) out["initial_adapter"] = sha256_file(fs::path(start) / "adapter_model.safetensors");
  return out;
}

}  // namespace attune
