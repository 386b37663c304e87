// Text classification: one label, several labels, or numbers for a text or a pair of texts. Losses as Hugging Face's sequence
// classification heads choose them by problem_type (formats: section 6.8).
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "metrics/report.h"
#include "tasks/task.h"

namespace attune {
namespace {

std::vector<double> softmax(std::span<const float> z) {
  std::vector<double> p(z.begin(), z.end());
  const double top = *std::max_element(p.begin(), p.end());
  double sum = 0;
  for (double& x : p) sum += x = std::exp(x - top);
  for (double& x : p) x /= sum;
  return p;
}

class TextClassification : public Task {
 public:
  using Task::Task;

  HeadKind head() const override { return HeadKind::kSequenceClassification; }
  const char* peft_task_type() const override { return "SEQ_CLS"; }
  int64_t outputs() const override { return static_cast<int64_t>(settings_.labels.size()); }

  Example encode(const Row& row, const Tokenizer& tokenizer) const override {
    std::optional<std::string_view> pair;
    if (row.pair) pair = *row.pair;
    EncodeOptions options;
    options.max_length = settings_.max_length;
    options.truncation_side = settings_.truncation_side;
    options.strategy = pair ? settings_.truncation : TruncationStrategy::kLongestFirst;
    Encoding e = tokenizer.encode(row.text, pair, options);
    Example x;
    x.row = row.index;
    x.ids = std::move(e.ids);
    x.type_ids = std::move(e.type_ids);
    x.truncated = e.truncated;
    return x;
  }

  LossSum loss(const Context& ctx, const Var& logits, const Batch& batch, const LossOptions& options) const override {
    if (settings_.problem_type == ProblemType::kSingleLabel) {
      std::vector<int32_t> ids;
      for (const Labels& l : batch.labels) ids.push_back(l.id < 0 ? -100 : l.id);
      return cross_entropy_loss(ctx, logits, ids, options.class_weights, options.label_smoothing);
    }
    std::vector<float> targets;
    for (const Labels& l : batch.labels) targets.insert(targets.end(), l.values.begin(), l.values.end());
    return settings_.problem_type == ProblemType::kMultiLabel ? bce_with_logits_loss(ctx, logits, targets) : mse_loss(ctx, logits, targets);
  }

  Prediction decode(std::span<const float> logits) const override {
    Prediction p;
    switch (settings_.problem_type) {
      case ProblemType::kSingleLabel: {
        p.scores = softmax(logits);
        const auto best = static_cast<size_t>(std::max_element(p.scores.begin(), p.scores.end()) - p.scores.begin());
        p.label = settings_.labels[best];
        p.score = p.scores[best];
        break;
      }
      case ProblemType::kMultiLabel:
        for (size_t i = 0; i < logits.size(); ++i) {
          p.scores.push_back(1.0 / (1.0 + std::exp(-static_cast<double>(logits[i]))));
          if (logits[i] > 0.0f) p.labels.push_back(settings_.labels[i]);
          p.score = std::max(p.score, p.scores.back());
        }
        for (const auto& l : p.labels) p.label += (p.label.empty() ? "" : ", ") + l;
        break;
      case ProblemType::kRegression:
        p.scores.assign(logits.begin(), logits.end());
        p.score = p.scores.front();
        break;
    }
    return p;
  }

  Json gold(const Example& x) const override {
    if (settings_.problem_type == ProblemType::kSingleLabel) return x.labels.id < 0 ? Json(nullptr) : Json(settings_.labels[static_cast<size_t>(x.labels.id)]);
    if (x.labels.values.empty()) return nullptr;
    if (settings_.problem_type == ProblemType::kRegression)
      return x.labels.values.size() == 1 ? Json(x.labels.values.front()) : Json(x.labels.values);
    Json names = Json::array();
    for (size_t i = 0; i < x.labels.values.size(); ++i)
      if (x.labels.values[i] > 0.5f) names.push_back(settings_.labels[i]);
    return names;
  }

  Json metrics(std::span<const Example> examples, const Tensor& logits, double loss) const override {
    const auto n = examples.size(), c = settings_.labels.size();
    const auto row = [&](size_t i) { return logits.span().subspan(i * c, c); };
    if (settings_.problem_type == ProblemType::kSingleLabel) {
      std::vector<int32_t> gold, predicted;
      std::vector<double> probabilities;
      for (size_t i = 0; i < n; ++i) {
        gold.push_back(examples[i].labels.id);
        predicted.push_back(argmax(row(i)));
        for (double p : softmax(row(i))) probabilities.push_back(p);
      }
      return to_json(classification_report(gold, predicted, probabilities, settings_.labels, loss));
    }
    if (settings_.problem_type == ProblemType::kMultiLabel) {
      std::vector<uint8_t> gold, predicted;
      for (size_t i = 0; i < n; ++i)
        for (size_t j = 0; j < c; ++j) {
          gold.push_back(examples[i].labels.values[j] > 0.5f);
          predicted.push_back(row(i)[j] > 0.0f);
        }
      return multi_label_json(gold, predicted, settings_.labels, loss);
    }
    std::vector<double> gold, predicted;
    for (size_t i = 0; i < n; ++i) {
      gold.insert(gold.end(), examples[i].labels.values.begin(), examples[i].labels.values.end());
      predicted.insert(predicted.end(), row(i).begin(), row(i).end());
    }
    return regression_json(gold, predicted, static_cast<int64_t>(c), loss);
  }
  std::string report(const Json& metrics) const override { return metrics_table(metrics); }
  std::vector<std::string> metric_names() const override {
    switch (settings_.problem_type) {
      case ProblemType::kSingleLabel: return {"accuracy", "f1_macro", "f1_weighted", "f1_micro", "f1", "precision", "recall", "precision_macro", "recall_macro", "balanced_accuracy", "matthews_correlation"};
      case ProblemType::kMultiLabel: return {"accuracy", "f1_micro", "f1_macro", "f1_weighted", "f1_samples"};
      case ProblemType::kRegression: return {"pearson", "spearman", "r2"};
    }
    return {};
  }
};

}  // namespace

std::unique_ptr<Task> make_text_classification(TaskSettings settings) {
  if (settings.labels.empty())
    fail(ErrorCode::kUsage, {.id = "task.no_labels", .where = "text-classification", .what = "no labels are known", .hint = "give labelled training data, or a model that has a trained head"});
  return std::make_unique<TextClassification>(std::move(settings));
}

}  // namespace attune
