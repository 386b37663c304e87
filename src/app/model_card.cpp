#include "app/model_card.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/utf8.h"

namespace attune {
namespace {

/// A line of the front matter; the text is quoted as JSON, which YAML reads.
std::string yaml_line(const std::string& key, const std::string& text) { return key + ": " + dump_json(Json(text), {.indent = -1, .ascii = false}) + "\n"; }

std::string results_table(const Json& results) {
  std::string table;
  for (const std::string split : {"eval", "test"})
    for (const char* metric : {"loss", "accuracy", "f1_macro", "f1_micro", "mse", "pearson", "spearman"}) {
      const auto it = results.find(split + "_" + metric);
      if (it == results.end() || !it->is_number()) continue;
      std::string interval;
      const auto range = results.find(fmt::format("{}_{}_interval", split, metric));
      if (range != results.end() && range->is_array() && range->size() == 2)
        interval = fmt::format("{:.4f} to {:.4f}", (*range)[0].get<double>(), (*range)[1].get<double>());
      const char* name = split == "eval" ? "validation" : "test";
      table += fmt::format("| {} | {} | {:.4f} | {} |\n", name, metric, it->get<double>(), interval);
      const auto on_f32 = results.find(fmt::format("{}_{}_on_f32_base", split, metric));
      if (on_f32 != results.end() && on_f32->is_number())
        table += fmt::format("| {}, on the f32 base | {} | {:.4f} | |\n", name, metric, on_f32->get<double>());
    }
  return table.empty() ? "" : "| split | metric | value | 95% interval |\n| --- | --- | --- | --- |\n" + table;
}

/// How the base was held and multiplied, and what the run took.
std::string resources(const Json& results) {
  std::string text = fmt::format("- base: {}, products in {}", results.value("base_description", "f32"), results.value("compute", "f32"));
  if (const auto it = results.find("int8_least_cosine"); it != results.end() && it->is_number())
    text += fmt::format("; least cosine of gradients with f32 products {:.4f}", it->get<double>());
  text += "\n";
  const auto speed = results.find("train_tokens_per_second"), peak = results.find("memory_peak_bytes");
  if (speed != results.end() && speed->is_number() && peak != results.end() && peak->contains("process"))
    text += fmt::format("- speed {:.0f} tokens/s, memory peak {:.0f} MB\n", speed->get<double>(), static_cast<double>((*peak)["process"].get<int64_t>()) / 1e6);
  return text;
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

}  // namespace

std::string model_card(const RunConfig& config, const LoadedModel& m, int64_t train_rows, const Json& results) {
  const TaskSettings& s = m.task->settings();
  const TrainingConfig& t = config.training;
  const bool adapter = m.method->makes_adapter();
  std::string card = "---\n" + yaml_line("base_model", m.opened.base_name) + yaml_line("library_name", adapter ? "peft" : "transformers") +
                     yaml_line("pipeline_tag", s.task) + "tags:\n- attune\n" + (adapter ? "- " + config.peft.method + "\n" : "") + "---\n\n";
  const std::string name = fs::path(config.output_dir).lexically_normal().filename().string();
  card += fmt::format("# {}\n\n{} of `{}` for {}, made by attune.\n\n", name.empty() ? "run" : name, adapter ? "An adapter (" + config.peft.method + ")" : "A fine-tuned copy",
                      m.opened.base_name, s.task);
  if (const std::string table = results_table(results); !table.empty()) card += "## Results\n\n" + table + "\n";
  card += fmt::format("## Training\n\n- rows: {} of `{}`\n- labels: {}\n- max_length: {} tokens, cut on the {}\n- trained parameters: {}\n- head: {}\n", grouped(static_cast<uint64_t>(train_rows)),
                      fs::path(config.data.train).filename().string(), fmt::join(s.labels, ", "), s.max_length, s.truncation_side == Side::kLeft ? "left" : "right",
                      m.method->counts().line(), m.head_origin);
  card += decision(results) + resources(results);
  card += fmt::format("- epochs {:.4g}, batch {} x {}, learning rate {:.4g}, seed {}\n\nEverything else is in `config.yaml`; the course of training is in `trainer_state.json`.\n\n",
                      results.value("epoch", 0.0), t.per_device_train_batch_size, t.gradient_accumulation_steps, t.learning_rate, t.seed);
  card += "## Use\n\n```\nattune predict . --text \"...\"\nattune evaluate . --data FILE\n" + std::string(adapter ? "attune merge . --output DIR\n" : "") + "```\n";
  if (!adapter)
    card += "\n```python\nfrom transformers import pipeline\nprint(pipeline(\"text-classification\", model=\".\")(\"...\"))\n```\n";
  else
    card += fmt::format("\n```python\nfrom peft import PeftModel\nfrom transformers import AutoModelForSequenceClassification\n"
                        "base = AutoModelForSequenceClassification.from_pretrained(\"BASE\", num_labels={})\nmodel = PeftModel.from_pretrained(base, \".\")\n```\n",
                        s.labels.size());
  return card;
}

}  // namespace attune
