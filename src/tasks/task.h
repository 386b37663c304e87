// A task: rows to examples, logits to losses, predictions and metrics. One file a task, one line in the registry; shared code never
// asks which task it serves.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "data/labels.h"
#include "data/row.h"
#include "nn/backbone.h"
#include "tensor/batch.h"
#include "text/tokenizer.h"

namespace attune {

/// What a model must remember of its task (attune.json, config.json).
struct TaskSettings {
  std::string task = "text-classification";
  ProblemType problem_type = ProblemType::kSingleLabel;
  std::vector<std::string> labels;  ///< id2label in order of ids; one name for regression
  std::string label_separator;      ///< of multi-label text cells; reading only, not kept with the model
  int64_t max_length = 512;
  Side truncation_side = Side::kRight;
  TruncationStrategy truncation = TruncationStrategy::kLongestFirst;  ///< of pairs
};

struct LossOptions {
  float label_smoothing = 0.0f;
  std::vector<float> class_weights;  ///< empty: none
};

/// What the model says of one row.
struct Prediction {
  std::string label;                ///< best label; "" for regression; labels joined by ", " for multi-label
  double score = 0;                 ///< its probability; the value for regression
  std::vector<double> scores;       ///< by label id: probabilities, or the value for regression
  std::vector<std::string> labels;  ///< multi-label: all above 0.5
};

class Task {
 public:
  explicit Task(TaskSettings settings) : settings_(std::move(settings)) {}
  virtual ~Task() = default;
  const TaskSettings& settings() const { return settings_; }

  virtual HeadKind head() const = 0;
  virtual const char* peft_task_type() const = 0;  ///< adapter_config.json: "SEQ_CLS"
  virtual int64_t outputs() const = 0;  ///< columns of the logits
  /// Ids of a row, cut to max_length; no labels.
  virtual Example encode(const Row&, const Tokenizer&) const = 0;
  /// The same for all rows, with their labels (required, or taken where there are some); unknown labels are listed in one Error(kInput).
  std::vector<Example> encode_all(std::span<const Row>, const Tokenizer&, const std::string& where, bool labels_optional = false) const;
  virtual LossSum loss(const Context&, const Var& logits, const Batch&, const LossOptions&) const = 0;
  virtual Prediction decode(std::span<const float> logits) const = 0;
  /// The gold label of an example as predictions.jsonl shows it.
  virtual Json gold(const Example&) const = 0;
  /// All metrics of examples with their logits (N, outputs), without prefix: {"accuracy": ..., "f1_macro": ..., ...}; `loss` is the mean
  /// loss that stands beside them. The keys of `attune evaluate --json`.
  virtual Json metrics(std::span<const Example> examples, const Tensor& logits, double loss) const = 0;
  /// The same for people: a table.
  virtual std::string report(const Json& metrics) const = 0;
  /// Metrics where larger is better; what `metric_for_best_model` may name beside loss.
  virtual std::vector<std::string> metric_names() const = 0;

 protected:
  TaskSettings settings_;
};

/// Error(kUsage) "task.unknown" lists the known tasks.
std::unique_ptr<Task> make_task(TaskSettings settings);
std::vector<std::string> task_names();

}  // namespace attune
