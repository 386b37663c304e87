// A task: rows to examples, examples to losses, outputs to answers and metrics. One file a task, one line in the registry; shared code
// never asks which task it serves.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "data/labels.h"
#include "data/task_options.h"
#include "nn/backbone.h"
#include "tasks/decision.h"
#include "tasks/outputs.h"
#include "text/tokenizer.h"

namespace attune {

/// What a model must remember of its task (attune.json, config.json).
struct TaskSettings {
  std::string task = "text-classification";
  ProblemType problem_type = ProblemType::kSingleLabel;
  std::vector<std::string> labels;  ///< id2label in order of ids; one name for regression; empty for tasks without labels
  std::string label_separator;      ///< of multi-label text cells; reading only, not kept with the model
  int64_t max_length = 512;
  Side truncation_side = Side::kRight;
  TruncationStrategy truncation = TruncationStrategy::kLongestFirst;  ///< of pairs
  TaskOptions options;
  Decision decision;  ///< of text classification, as its last training left it
};

struct LossOptions {
  float label_smoothing = 0.0f;
  std::vector<float> class_weights;  ///< empty: none
  float focal_gamma = 0.0f;          ///< above 0: focal losses, without smoothing
};
/// Of labels (-100: not counted) under these options.
LossSum label_loss(const Context&, const Var& logits, std::span<const int32_t> labels, const LossOptions&);

class Task;

/// The metrics of rows that come a few at a time. Texts and logits are not kept; what is says each task's class.
class Scores {
 public:
  virtual ~Scores() = default;
  /// A row; one without labels counts nothing. Rows without a name are called by their number. Language models, whose examples belong to no
  /// one row, get any number of examples without a row.
  virtual void add(const RowOutputs&) = 0;
  /// Task::metrics of all rows so far. Without a loss: as far as scores tell it.
  virtual Json metrics(std::optional<double> loss = std::nullopt) const = 0;
};

/// A task before there is a model or data.
struct TaskKind {
  const char* name;
  const char* peft_task_type;  ///< adapter_config.json: "SEQ_CLS"
  HeadKind head;
  RowKind rows;
  /// Tokens an example may have where nothing says so; 0: what the model takes.
  int64_t max_length;
  /// The labels of training rows, which must be such that something can be learned from them; null: there are none.
  LabelSet (*labels)(std::span<const Row>, const LabelOptions&, const std::string& where);
  /// Labels of any rows against a known set: Error(kInput) lists all that do not fit. Null: nothing to look at.
  void (*check_labels)(std::span<const Row>, const LabelSet&, const std::string& where);
  std::unique_ptr<Task> (*make)(TaskSettings);
  /// What the training rows say of options that are not set; null: nothing.
  void (*settle)(std::span<const Row>, TaskOptions&) = nullptr;
};

/// Error(kUsage) "task.unknown" lists the known tasks.
const TaskKind& find_task(const std::string& name);

class Task {
 public:
  explicit Task(TaskSettings settings) : settings_(std::move(settings)) {}
  virtual ~Task() = default;
  const TaskSettings& settings() const { return settings_; }
  void decide(Decision decision) { settings_.decision = std::move(decision); }  ///< labels are said so from here on

  const TaskKind& kind() const { return find_task(settings_.task); }
  virtual int64_t outputs() const = 0;  ///< what the head is built with: columns of its logits

  /// The examples of a row, without labels: one, or windows of a long row, at most max_length tokens each.
  virtual std::vector<Example> encode(const Row&, const Tokenizer&) const = 0;
  /// Those of all rows in their order, with labels (required, or taken where there are some). Rows that cannot be used are listed in one
  /// Error(kInput) with `where`, their file.
  virtual std::vector<Example> encode_all(std::span<const Row>, const Tokenizer&, const std::string& where, bool labels_optional = false) const = 0;

  /// A row as a whole has labels: one, several or numbers, as settings().problem_type says, of one example and one row of logits.
  virtual bool labels_rows() const { return false; }

  /// A row's tokens reach the model as they were encoded, whatever the epoch.
  virtual bool same_tokens_every_epoch() const { return true; }
  /// Forward, and the loss of a batch; the gradient of its sum waits on the tape. `logits` (null: not wanted) gets what metrics read of
  /// the batch; it stays empty where they need only the loss.
  virtual LossSum loss(const Context&, Model&, const Batch&, TokenKeys, const LossOptions&, Var* logits = nullptr) const;

  /// All metrics, without prefix: {"accuracy": ..., "f1_macro": ..., ...}; `loss` is the mean loss that stands beside them. The keys of
  /// `attune evaluate --json`. Without rows every example is one.
  Json metrics(std::span<const Row>, std::span<const Example>, const Outputs&, double loss) const;
  /// For evaluation sets of any size.
  virtual std::unique_ptr<Scores> scores() const = 0;
  /// Every row of such a set, before any is encoded: what encode_all would see of rows that are not all there. False: enough was seen.
  virtual bool look_at(const Row&) { return false; }
  /// The same for people: a table.
  virtual std::string report(const Json& metrics) const = 0;
  /// Metrics where larger is better; what `metric_for_best_model` may name beside loss.
  virtual std::vector<std::string> metric_names() const = 0;
  /// Those worth a line of their own, the most telling first; also reported on the F32 base of a quantised run.
  virtual std::vector<std::string> headline() const = 0;
  /// What scripts written for this task look for, files of one JSON object with a member a row: predictions.json of question answering.
  virtual std::vector<std::string> row_files() const { return {}; }
  /// The row's value in the i-th of them.
  virtual Json row_value(size_t, const RowOutputs&) const { throw Bug("a task without files"); }

  /// Rows have answers of their own: predict and predictions.jsonl show them. False for language models.
  virtual bool answers_rows() const { return true; }
  /// What `predict` writes of a row, beside its id; with `logits` also what it was made of.
  virtual Json answer(const RowOutputs&, bool logits) const = 0;
  /// The line of predictions.jsonl, beside the id: {"gold": ..., "prediction": ..., ...}.
  virtual Json judged(const RowOutputs&) const = 0;
  /// Two outputs of one example, rows of `columns` logits, lead to the same answer; here: the largest of every row is the same.
  virtual bool same_answer(std::span<const float> a, std::span<const float> b, int64_t columns) const;

 protected:
  /// Of the logits of model.forward(), where the loss is made of them all.
  virtual LossSum loss_of(const Context&, const Var& logits, const Batch&, const LossOptions&) const;
  TaskSettings settings_;
};

/// The task that trains such a head; null for kNone.
const TaskKind* task_of(HeadKind head);
std::unique_ptr<Task> make_task(TaskSettings settings);
std::vector<std::string> task_names();
std::string task_choice();  ///< "{a,b,...}" for help

}  // namespace attune
