#include "app/card_text.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace attune {
namespace {

constexpr CardMetric kMetrics[] = {
    {"accuracy", "accuracy", "Accuracy"},
    {"balanced_accuracy", "balanced_accuracy", "Balanced accuracy"},
    {"f1_macro", "f1", "F1 (macro)"},
    {"f1_micro", "f1", "F1 (micro)"},
    {"mcc", "matthews_correlation", "Matthews correlation"},
    {"roc_auc", "roc_auc", "ROC AUC"},
    {"overall_f1", "f1", "F1 (entities)"},
    {"overall_precision", "precision", "Precision (entities)"},
    {"overall_recall", "recall", "Recall (entities)"},
    {"overall_accuracy", "accuracy", "Accuracy (tags)"},
    {"exact", "exact_match", "Exact match"},
    {"f1", "f1", "F1"},
    {"perplexity", "perplexity", "Perplexity"},
    {"mse", "mse", "Mean squared error"},
    {"pearson", "pearsonr", "Pearson correlation"},
    {"spearman", "spearmanr", "Spearman correlation"},
    {"loss", "loss", "Loss"},
};

bool has(const Json& results, const std::string& key) { return results.contains(key) && results[key].is_number() && std::isfinite(results[key].get<double>()); }

/// "csv" of train.csv.gz.
std::string card_format(const fs::path& file) {
  const std::string ending = (file.extension() == ".gz" ? file.stem() : file).extension().string();
  return ending.size() > 1 ? ending.substr(1) : "text";
}

const char* auto_class(HeadKind head) {
  switch (head) {
    case HeadKind::kSequenceClassification: return "AutoModelForSequenceClassification";
    case HeadKind::kTokenClassification: return "AutoModelForTokenClassification";
    case HeadKind::kQuestionAnswering: return "AutoModelForQuestionAnswering";
    case HeadKind::kCausalLm: return "AutoModelForCausalLM";
    case HeadKind::kMaskedLm: return "AutoModelForMaskedLM";
    case HeadKind::kNone: break;
  }
  return "AutoModel";
}

/// What is done with `model` and `tokenizer`.
std::string use(const Snippet& s) {
  const std::string labels = "labels = " + yaml(s.labels) + "\n";
  switch (s.head) {
    case HeadKind::kSequenceClassification:
      return s.single_label ? labels + "logits = model(**tokenizer(\"...\", return_tensors=\"pt\")).logits\nprint(labels[logits.argmax(-1).item()])\n"
                            : labels + "logits = model(**tokenizer(\"...\", return_tensors=\"pt\")).logits\nprint(dict(zip(labels, logits[0].tolist())))\n";
    case HeadKind::kTokenClassification:
      return labels + "inputs = tokenizer(\"...\", return_tensors=\"pt\")\ntags = model(**inputs).logits[0].argmax(-1)\n"
             "print([(inputs.tokens()[i], labels[t]) for i, t in enumerate(tags)])\n";
    case HeadKind::kQuestionAnswering:
      return "inputs = tokenizer(\"question\", \"context\", return_tensors=\"pt\")\nout = model(**inputs)\n"
             "start, end = out.start_logits.argmax().item(), out.end_logits.argmax().item()\nprint(tokenizer.decode(inputs[\"input_ids\"][0, start:end + 1]))\n";
    case HeadKind::kCausalLm:
      return "ids = tokenizer(\"...\", return_tensors=\"pt\").input_ids\nprint(tokenizer.decode(model.generate(input_ids=ids, max_new_tokens=40)[0]))\n";
    case HeadKind::kMaskedLm:
      return "inputs = tokenizer(f\"... {tokenizer.mask_token} ...\", return_tensors=\"pt\")\nprint(tokenizer.decode(model(**inputs).logits[0].argmax(-1)))\n";
    case HeadKind::kNone: break;
  }
  return "";
}

}  // namespace

std::span<const CardMetric> card_metrics() { return kMetrics; }

std::string markdown(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("\\`*_{}[]<>()#+!|~$&").find(c) != std::string_view::npos) out += '\\';
    out += c == '\n' || c == '\t' ? ' ' : c;
  }
  return out;
}

std::string yaml(const Json& value) { return dump_json(value, {.indent = -1, .sort_keys = false, .ascii = false}); }

std::string model_index_result(const std::string& task, const std::string& file, const std::string& split, const std::string& prefix, const Json& results) {
  std::string metrics;
  for (const CardMetric& m : kMetrics)
    if (has(results, prefix + m.key))
      metrics += fmt::format("    - type: {}\n      value: {}\n      name: {}\n", m.type, yaml(results[prefix + m.key]), yaml(m.name));
  if (metrics.empty()) return "";
  const fs::path path(file);
  return fmt::format("  - task:\n      type: {}\n    dataset:\n      name: {}\n      type: {}\n      split: {}\n    metrics:\n{}", task, yaml(path.filename().string()),
                     yaml(card_format(path)), split, metrics);
}

std::vector<std::string> metric_types(const Json& results) {
  std::vector<std::string> types;
  for (const CardMetric& m : kMetrics)
    if ((has(results, std::string("eval_") + m.key) || has(results, std::string("test_") + m.key)) && std::find(types.begin(), types.end(), m.type) == types.end())
      types.push_back(m.type);
  return types;
}

std::string python_snippet(const Snippet& s) {
  const std::string name = auto_class(s.head);
  std::string code = s.base.empty() ? fmt::format("from transformers import {}, AutoTokenizer\nmodel = {}.from_pretrained(\".\")\n", name, name)
                                    : fmt::format("from peft import PeftModel\nfrom transformers import {}, AutoTokenizer\nbase = {}.from_pretrained({}{})\n"
                                                  "model = PeftModel.from_pretrained(base, \".\")\n",
                                                  name, name, yaml(s.base), s.labels.empty() ? "" : fmt::format(", num_labels={}", s.labels.size()));
  return code + "tokenizer = AutoTokenizer.from_pretrained(\".\")\n" + use(s);
}

}  // namespace attune
