// Text classification: one label, several labels, or numbers for a text or a pair of texts. Losses as Hugging Face's sequence
// classification heads choose them by problem_type (formats: section 6.8).
#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "metrics/classification.h"
#include "metrics/report.h"
#include "tasks/text_example.h"

namespace attune {
namespace {

/// Keeps what ClassificationTally does.
class SingleLabelScores : public Scores {
 public:
  explicit SingleLabelScores(const TaskSettings& settings) : decision_(settings.decision), tally_(settings.labels) {}
  void add(const RowOutputs& row) override {
    const std::span<const float> logits = row.logits(0);
    const std::vector<double> scores = probabilities(ProblemType::kSingleLabel, decision_, logits);
    tally_.add(row.examples.front().labels.id, said_label(decision_, logits, scores), scores, row.row && !row.row->id.empty() ? row.row->id : std::to_string(row.row ? row.row->index : rows_));
    ++rows_;
  }
  Json metrics(std::optional<double> loss) const override { return to_json(tally_.report(loss)); }

 private:
  Decision decision_;
  ClassificationTally tally_;
  uint64_t rows_ = 0;
};

/// Keeps ten bytes a label of every row.
class MultiLabelScores : public Scores {
 public:
  explicit MultiLabelScores(const TaskSettings& settings) : decision_(settings.decision), labels_(settings.labels) {}
  void add(const RowOutputs& row) override {
    for (const float value : row.examples.front().labels.values) gold_.push_back(value > 0.5f);
    const std::span<const float> logits = row.logits(0);
    const std::vector<double> scores = probabilities(ProblemType::kMultiLabel, decision_, logits);
    const std::vector<uint8_t> said = said_labels(decision_, logits, scores);
    predicted_.insert(predicted_.end(), said.begin(), said.end());
    scores_.insert(scores_.end(), scores.begin(), scores.end());
  }
  Json metrics(std::optional<double> loss) const override { return multi_label_json(gold_, predicted_, scores_, labels_, loss); }

 private:
  Decision decision_;
  std::vector<std::string> labels_;
  std::vector<uint8_t> gold_, predicted_;
  std::vector<double> scores_;
};

/// Keeps two numbers a target of every row: ranks need them all.
class RegressionScores : public Scores {
 public:
  explicit RegressionScores(size_t targets) : targets_(static_cast<int64_t>(targets)) {}
  void add(const RowOutputs& row) override {
    const std::vector<float>& values = row.examples.front().labels.values;
    gold_.insert(gold_.end(), values.begin(), values.end());
    predicted_.insert(predicted_.end(), row.logits(0).begin(), row.logits(0).end());
  }
  Json metrics(std::optional<double> loss) const override { return regression_json(gold_, predicted_, targets_, loss); }

 private:
  int64_t targets_;
  std::vector<double> gold_, predicted_;
};

class TextClassification : public Task {
 public:
  using Task::Task;

  int64_t outputs() const override { return static_cast<int64_t>(settings_.labels.size()); }
  bool labels_rows() const override { return true; }

  std::vector<Example> encode(const Row& row, const Tokenizer& tokenizer) const override { return {text_example(row, tokenizer, settings_)}; }

  std::vector<Example> encode_all(std::span<const Row> rows, const Tokenizer& tokenizer, const std::string& where, bool labels_optional) const override {
    std::vector<Labels> labels =
        encode_labels(rows, LabelSet(settings_.problem_type, settings_.labels, settings_.label_separator), where, labels_optional);
    std::vector<Example> examples;
    examples.reserve(rows.size());
    for (size_t i = 0; i < rows.size(); ++i) {
      examples.push_back(text_example(rows[i], tokenizer, settings_));
      examples.back().labels = std::move(labels[i]);
    }
    return examples;
  }

  LossSum loss_of(const Context& ctx, const Var& logits, const Batch& batch, const LossOptions& options) const override {
    if (settings_.problem_type == ProblemType::kSingleLabel) {
      std::vector<int32_t> ids;
      for (const Labels& l : batch.labels) ids.push_back(l.id < 0 ? -100 : l.id);
      return label_loss(ctx, logits, ids, options);
    }
    std::vector<float> targets;
    for (const Labels& l : batch.labels) targets.insert(targets.end(), l.values.begin(), l.values.end());
    if (settings_.problem_type == ProblemType::kRegression) return mse_loss(ctx, logits, targets);
    return options.focal_gamma > 0 ? sigmoid_focal_loss(ctx, logits, targets, options.focal_gamma) : bce_with_logits_loss(ctx, logits, targets);
  }

  std::unique_ptr<Scores> scores() const override {
    switch (settings_.problem_type) {
      case ProblemType::kSingleLabel: return std::make_unique<SingleLabelScores>(settings_);
      case ProblemType::kMultiLabel: return std::make_unique<MultiLabelScores>(settings_);
      case ProblemType::kRegression: return std::make_unique<RegressionScores>(settings_.labels.size());
    }
    return nullptr;
  }
  std::string report(const Json& metrics) const override { return metrics_table(metrics); }
  std::vector<std::string> metric_names() const override {
    switch (settings_.problem_type) {
      case ProblemType::kSingleLabel: 
        return {"accuracy",     "f1_macro",          "f1_weighted", "f1_micro",             "f1",      "precision",        "recall", "precision_macro",
                "recall_macro", "balanced_accuracy", "mcc",         "matthews_correlation", "roc_auc", "roc_auc_ovo", "average_precision"};
      case ProblemType::kMultiLabel: return {"accuracy", "f1_micro", "f1_macro", "f1_weighted", "f1_samples", "roc_auc", "roc_auc_micro", "average_precision", "average_precision_micro"};
      case ProblemType::kRegression: return {"pearson", "spearman", "r2"};
    }
    return {};
  }
  std::vector<std::string> headline() const override {
    return settings_.problem_type == ProblemType::kRegression ? std::vector<std::string>{"mse", "pearson"} : std::vector<std::string>{"accuracy", "f1_macro"};
  }

  Json answer(const RowOutputs& row, bool with_logits) const override {
    const auto logits = row.logits(0);
    const Prediction p = decode(logits);
    Json o = Json::object();
    if (settings_.problem_type == ProblemType::kRegression) {
      o["value"] = number_or_list(p.scores);
    } else {
      o["label"] = p.label;
      if (settings_.problem_type == ProblemType::kMultiLabel) o["labels"] = p.labels;
    }
    o["score"] = p.score;
    o["scores"] = named(p.scores);
    if (with_logits) o["logits"] = std::vector<float>(logits.begin(), logits.end());
    return o;
  }
  Json judged(const RowOutputs& row) const override {
    const Prediction p = decode(row.logits(0));
    Json prediction = p.label;
    if (settings_.problem_type == ProblemType::kMultiLabel) prediction = p.labels;
    if (settings_.problem_type == ProblemType::kRegression) prediction = number_or_list(p.scores);
    return {{"gold", gold(row.examples.front())}, {"prediction", prediction}, {"scores", named(p.scores)}};
  }
  bool same_answer(std::span<const float> a, std::span<const float> b, int64_t) const override { return decode(a).label == decode(b).label; }

 private:
  struct Prediction {
    std::string label;                ///< the one that is said; "" for regression; labels joined by ", " for multi-label
    double score = 0;                 ///< its probability; the value for regression
    std::vector<double> scores;       ///< by label id: probabilities, or the values for regression
    std::vector<std::string> labels;  ///< multi-label: all that are said
  };

  std::vector<double> scores_of(std::span<const float> logits) const { return probabilities(settings_.problem_type, settings_.decision, logits); }

  Prediction decode(std::span<const float> logits) const {
    Prediction p;
    p.scores = scores_of(logits);
    switch (settings_.problem_type) {
      case ProblemType::kSingleLabel: {
        const auto said = static_cast<size_t>(said_label(settings_.decision, logits, p.scores));
        p.label = settings_.labels[said];
        p.score = p.scores[said];
        break;
      }
      case ProblemType::kMultiLabel: {
        const std::vector<uint8_t> said = said_labels(settings_.decision, logits, p.scores);
        for (size_t i = 0; i < said.size(); ++i)
          if (said[i]) p.labels.push_back(settings_.labels[i]);
        for (const auto& l : p.labels) p.label += (p.label.empty() ? "" : ", ") + l;
        p.score = *std::max_element(p.scores.begin(), p.scores.end());
        break;
      }
      case ProblemType::kRegression:
        p.score = p.scores.front();
        break;
    }
    return p;
  }

  static Json number_or_list(const std::vector<double>& values) { return values.size() == 1 ? Json(values.front()) : Json(values); }
  Json named(const std::vector<double>& scores) const {
    Json o = Json::object();
    for (size_t i = 0; i < scores.size(); ++i) o[settings_.labels[i]] = scores[i];
    return o;
  }

  /// The gold label as predictions.jsonl shows it.
  Json gold(const Example& x) const {
    if (settings_.problem_type == ProblemType::kSingleLabel) return x.labels.id < 0 ? Json(nullptr) : Json(settings_.labels[static_cast<size_t>(x.labels.id)]);
    if (x.labels.values.empty()) return nullptr;
    if (settings_.problem_type == ProblemType::kRegression) return x.labels.values.size() == 1 ? Json(x.labels.values.front()) : Json(x.labels.values);
    Json names = Json::array();
    for (size_t i = 0; i < x.labels.values.size(); ++i)
      if (x.labels.values[i] > 0.5f) names.push_back(settings_.labels[i]);
    return names;
  }
};

LabelSet classification_labels(std::span<const Row> train, const LabelOptions& options, const std::string& where) {
  LabelSet labels = deduce_labels(train, options, where);
  require_trainable(train, encode_labels(train, labels, where), labels, where);
  return labels;
}

void check_classification_labels(std::span<const Row> rows, const LabelSet& labels, const std::string& where) { encode_labels(rows, labels, where); }

std::unique_ptr<Task> make_text_classification(TaskSettings settings) {
  if (settings.labels.empty())
    fail(ErrorCode::kUsage, {.id = "task.no_labels", .where = "text-classification", .what = "no labels are known", .hint = "give labelled training data, or a model that has a trained head"});
  return std::make_unique<TextClassification>(std::move(settings));
}

}  // namespace

extern const TaskKind kTextClassification;
const TaskKind kTextClassification{"text-classification", "SEQ_CLS", HeadKind::kSequenceClassification, RowKind::kText, 0, classification_labels, check_classification_labels, make_text_classification};

}  // namespace attune
