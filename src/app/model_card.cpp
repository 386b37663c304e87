#include "app/model_card.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "app/card_text.h"
#include "app/reproduce.h"
#include "base/utf8.h"
#include "config/scalar.h"
#include "train/loop.h"
#include "train/overfitting.h"

namespace attune {
namespace {

constexpr size_t kMostEvaluations = 100;  // rows of the epoch table

bool has(const Json& object, const std::string& key) { return object.contains(key) && object[key].is_number(); }

std::string front_matter(const RunConfig& config, const LoadedModel& m, const RunRecord& r, const std::string& name) {
  const bool adapter = m.method->makes_adapter();
  const std::string& task = m.task->settings().task;
  std::string text = "---\nbase_model: " + yaml(m.opened.base_name) + "\nlibrary_name: " + (adapter ? "peft" : "transformers") + "\npipeline_tag: " + task +
                     "\ntags:\n- attune\n" + (adapter ? "- " + config.peft.method + "\n" : "");
  if (const auto types = metric_types(r.results); !types.empty()) text += fmt::format("metrics:\n- {}\n", fmt::join(types, "\n- "));
  const std::string index =
      model_index_result(task, r.test_file, "test", "test_", r.results) + model_index_result(task, r.validation_file, "validation", "eval_", r.results);
  if (!index.empty()) text += "model-index:\n- name: " + yaml(name) + "\n  results:\n" + index;
  return text + "---\n\n";
}

std::string results_table(const Json& results) {
  std::string table;
  for (const std::string split : {"test", "eval"})
    for (const CardMetric& metric : card_metrics()) {
      const std::string key = split + "_" + metric.key;
      if (!has(results, key)) continue;
      std::string interval;
      const auto range = results.find(key + "_interval");
      if (range != results.end() && range->is_array() && range->size() == 2)
        interval = fmt::format("{:.4f} to {:.4f}", (*range)[0].get<double>(), (*range)[1].get<double>());
      const char* name = split == "eval" ? "validation" : "test";
      table += fmt::format("| {} | {} | {:.4f} | {} |\n", name, metric.key, results[key].get<double>(), interval);
      if (has(results, key + "_on_f32_base")) table += fmt::format("| {}, on the f32 base | {} | {:.4f} | |\n", name, metric.key, results[key + "_on_f32_base"].get<double>());
    }
  return table.empty() ? "" : "## Results\n\n| split | metric | value | 95% interval |\n| --- | --- | --- | --- |\n" + table + "\n";
}

/// One row an evaluation; of very many every n-th and the last.
std::string epoch_table(const std::vector<EvaluationPoint>& points) {
  std::vector<std::string> keys;
  for (const CardMetric& m : card_metrics())
    if (std::string(m.key) != "loss" && has(points.back().entry, std::string("eval_") + m.key)) keys.push_back(m.key);
  std::string table = "| epoch | step | training loss | validation loss |", line = "\n| ---: | ---: | ---: | ---: |";
  for (const std::string& key : keys) {
    table += " " + key + " |";
    line += " ---: |";
  }
  table += line + "\n";
  const size_t every = (points.size() + kMostEvaluations - 1) / kMostEvaluations;
  for (size_t i = 0; i < points.size(); ++i) {
    const EvaluationPoint& p = points[i];
    if (i % every != 0 && i + 1 < points.size()) continue;
    table += fmt::format("| {:.4g} | {} | {} | {:.4f} |", p.epoch, p.step, p.training_loss ? fmt::format("{:.4f}", *p.training_loss) : "", p.loss);
    for (const std::string& key : keys) {
      const Json value = p.entry.value("eval_" + key, Json());
      table += value.is_null() ? " |" : fmt::format(" {:.4f} |", number_of(value));
    }
    table += "\n";
  }
  if (every > 1) table += fmt::format("\nEvery {}th of {} evaluations; all are in `trainer_state.json`.\n", every, points.size());
  return table + "\n";
}

/// The evaluations of the run, its best ones and whether it overfitted.
std::string course(const RunConfig& config, const LoadedModel& m, const RunRecord& r) {
  const auto points = evaluation_points(r.log_history);
  if (points.empty()) return "";
  const BestBy by = best_by(config.training, *m.task);
  std::string text = "## Course of training\n\n" + epoch_table(points);
  const auto best = [&](const std::string& metric, bool greater) {
    const auto b = best_evaluation(points, metric, greater);
    return b ? fmt::format("- best by {}: {:.4f} at step {} (epoch {:.4g})\n", metric, b->value, b->step, b->epoch) : "";
  };
  text += best("loss", false);
  if (!by.metric.empty()) text += best(by.metric, by.greater);
  text += fmt::format("- the weights here are those of step {}\n", r.weights_step);
  if (const Overfitting o = find_overfitting(points, config.training.overfitting_patience); o.found)
    text += "- **overfitting**: " + overfitting_remark(o, points, by.metric, by.greater) + "\n";
  return text + "\n";
}

std::string sample_table(const std::vector<SamplePrediction>& samples, const std::string& split) {
  if (samples.empty()) return "";
  std::string table = "## Sample predictions\n\nOf the " + split + " rows: the first ones told right, and the first ones told wrong.\n\n| text | gold | predicted | score | right |\n| --- | --- | --- | ---: | --- |\n";
  for (const SamplePrediction& s : samples)
    table += fmt::format("| {} | {} | {} | {} | {} |\n", markdown(s.text), markdown(s.gold), markdown(s.prediction), s.score ? fmt::format("{:.3f}", *s.score) : "",
                         s.right ? (*s.right ? "yes" : "no") : "");
  return table + "\n";
}

/// How the base was held and multiplied, and what the run took.
std::string efficiency(const Json& results) {
  std::string text = fmt::format("## Cost\n\n- base: {}, products in {}", results.value("base_description", "f32"), results.value("compute", "f32"));
  if (has(results, "int8_least_cosine")) text += fmt::format("; least cosine of gradients with f32 products {:.4f}", results["int8_least_cosine"].get<double>());
  text += "\n";
  if (has(results, "train_runtime")) {
    text += fmt::format("- training {:.1f} s", results["train_runtime"].get<double>());
    if (has(results, "train_tokens_per_second")) text += fmt::format(", {:.0f} tokens/s", results["train_tokens_per_second"].get<double>());
    if (has(results, "train_samples_per_second")) text += fmt::format(", {:.1f} rows/s", results["train_samples_per_second"].get<double>());
    text += "\n";
  }
  if (const auto phases = results.find("phase_seconds"); phases != results.end()) {
    std::string parts;
    for (const auto& [name, seconds] : phases->items()) parts += fmt::format("{}{} {:.2f} s", parts.empty() ? "" : ", ", name, seconds.get<double>());
    text += "- time: " + parts + "\n";
  }
  if (has(results, "step_seconds_p50")) text += fmt::format("- step: median {:.4g} s, 95 % below {:.4g} s\n", results["step_seconds_p50"].get<double>(), results["step_seconds_p95"].get<double>());
  if (const auto peak = results.find("memory_peak_bytes"); peak != results.end() && has(*peak, "process"))
    text += fmt::format("- memory peak {:.0f} MB\n", static_cast<double>((*peak)["process"].get<int64_t>()) / 1e6);
  for (const char* kind : {"adapter", "model"})
    if (const std::string key = std::string(kind) + "_file_bytes"; has(results, key)) text += fmt::format("- {} file {}\n", kind, bytes_text(results[key].get<int64_t>()));
  const auto latency = results.find("latency");
  if (latency == results.end() || latency->empty()) return text + "\n";
  text += "\nText to answer, on the machine of the training:\n\n| rows at once | median ms | p95 ms | p99 ms | predictions/s |\n| ---: | ---: | ---: | ---: | ---: |\n";
  const auto ms = [](const Json& seconds) { return seconds.is_number() ? fmt::format("{:.2f}", 1000 * seconds.get<double>()) : std::string(); };
  for (const Json& l : *latency)
    text += fmt::format("| {} | {} | {} | {} | {:.1f} |\n", l["batch_size"].get<int64_t>(), ms(l["p50"]), ms(l["p95"]), ms(l["p99"]), l["predictions_per_second"].get<double>());
  return text + "\n";
}

/// What is done to the logits besides taking the largest; readers of other programs do it themselves.
std::string decision(const Json& results) {
  const auto d = results.find("decision");
  if (d == results.end()) return "";
  std::string text;
  if (const auto t = d->find("temperature"); t != d->end() && t->is_number())
    text += fmt::format("- logits are divided by the temperature {:.6g}, fitted on the validation rows; `attune predict` does it, transformers does not\n", t->get<double>());
  if (const auto all = d->find("decision_thresholds"); all != d->end()) {
    text += fmt::format("- thresholds, best by {} on the validation rows; `attune predict` uses them, transformers does not:", d->value("tuned_for", ""));
    for (const auto& [label, t] : all->items()) text += fmt::format(" `{}` from {:.6g} on;", label, t.get<double>());
    text.back() = '\n';
  }
  return text;
}

std::string training(const RunConfig& config, const LoadedModel& m, const RunRecord& r) {
  const TaskSettings& s = m.task->settings();
  const TrainingConfig& t = config.training;
  std::string text = fmt::format("## Training\n\n- rows: {} of `{}`\n", grouped(static_cast<uint64_t>(r.train_rows)), fs::path(config.data.train).filename().string());
  if (!s.labels.empty()) text += markdown(fmt::format("- labels: {}", fmt::join(s.labels, ", "))) + "\n";
  return text + fmt::format("- max_length: {} tokens, cut on the {}\n- trained parameters: {}\n- head: {}\n- epochs {:.4g}, batch {} x {}, learning rate {:.4g}, seed {}\n{}\n"
                            "Everything else is in `config.yaml`, each step in `trainer_state.json`. The same run again, typed in the folder where it was started:\n\n```sh\n{}\n```\n\n",
                            s.max_length, s.truncation_side == Side::kLeft ? "left" : "right", m.method->counts().line(), m.head_origin, r.results.value("epoch", 0.0),
                            t.per_device_train_batch_size, t.gradient_accumulation_steps, t.learning_rate, t.seed, decision(r.results), reproducing_command(config));
}

std::string commands(const LoadedModel& m) {
  const TaskKind& kind = m.task->kind();
  std::string text;
  if (kind.head == HeadKind::kCausalLm) text += "attune generate . --prompt \"...\"\n";
  if (m.task->answers_rows()) text += kind.rows == RowKind::kQuestion ? "attune predict . --question \"...\" --context \"...\"\n" : "attune predict . --text \"...\"\n";
  return text + "attune evaluate . --data FILE\n" + (m.method->makes_adapter() ? "attune merge . --output DIR\n" : "");
}

}  // namespace

std::string model_card(const RunConfig& config, const LoadedModel& m, const RunRecord& r) {
  const TaskSettings& s = m.task->settings();
  const bool adapter = m.method->makes_adapter();
  fs::path folder = fs::path(config.output_dir).lexically_normal();
  if (folder.filename().empty()) folder = folder.parent_path();
  const std::string name = folder.filename().string().empty() ? "run" : folder.filename().string();
  std::string card = front_matter(config, m, r, name);
  card += fmt::format("# {}\n\n{} of `{}` for {}, made by attune.\n\n", markdown(name), adapter ? "An adapter (" + config.peft.method + ")" : "A fine-tuned copy", m.opened.base_name, s.task);
  card += results_table(r.results) + course(config, m, r) + sample_table(r.samples, r.test_file.empty() ? "validation" : "test") + efficiency(r.results) + training(config, m, r);
  card += "## Use\n\nIn this folder:\n\n```sh\n" + commands(m) + "```\n";
  if (adapter && m.opened.gguf) return card;  // transformers cannot put an adapter onto such a file; attune merge makes a folder it loads
  card += "\n```python\n" +
          python_snippet({.head = m.task->kind().head, .base = adapter ? m.opened.base_name : "", .labels = s.labels,
                          .single_label = s.problem_type == ProblemType::kSingleLabel}) +
          "```\n";
  return card;
}

}  // namespace attune
