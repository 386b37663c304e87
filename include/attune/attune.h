// attune: fine-tune, evaluate, predict with and merge small transformer models on a CPU. The public API: it calls the same functions
// as the command line, with the same option names. Every function throws attune::Error (attune/error.h) for what the caller can fix.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "attune/error.h"

namespace attune {

/// Options by the names of config.yaml and the flags: "model", "data.train" or "train_file", "peft.method", "r", "learning_rate",
/// "output_dir"... (attune train --help lists them all). An unknown name is Error(kUsage) with the nearest one.
using Settings = std::map<std::string, std::string>;

/// What a training left: the run folder holds the adapter (or model), its tokenizer, predictions and results.
struct RunSummary {
  std::string output_dir;
  long steps = 0;
  double epochs = 0;
  std::map<std::string, double> results;  ///< "train_loss", "eval_accuracy", "test_accuracy", ...
};
/// Trains and fills the folder `output_dir` names. Notes and progress go to stderr unless set_quiet(true).
RunSummary train(const Settings& settings);

/// Metrics of a model, adapter or run folder on a labelled file: "accuracy", "accuracy_low" and "accuracy_high" (Wilson, 95 %),
/// "f1_macro", "loss", "rows", ...
std::map<std::string, double> evaluate(const std::string& model, const std::string& file);

/// One labelled text.
struct Labelled {
  std::string label;                     ///< "" for regression
  double score = 0;                      ///< probability of the label, or the predicted value
  std::map<std::string, double> scores;  ///< by label
};
/// A loaded model. predict() may be called from several threads at once.
class TextClassifier {
 public:
  /// A model, adapter or run folder, or a hub name in the local cache.
  explicit TextClassifier(const std::string& model);
  ~TextClassifier();
  TextClassifier(TextClassifier&&) noexcept;
  TextClassifier& operator=(TextClassifier&&) noexcept;
  /// In the order of the texts; results do not depend on what else is in the call.
  std::vector<Labelled> predict(const std::vector<std::string>& texts) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// How far the merged model is from the adapter on the rows both were run on.
struct MergeSummary {
  std::string output_dir;
  double max_logit_difference = 0;
  long flipped_labels = 0;
};
/// Works an adapter into its base and writes a Hugging Face folder. Error(kGate) when the two differ by more than 1e-3; nothing is written then.
MergeSummary merge(const std::string& adapter, const std::string& output_dir, bool overwrite = false);

void set_quiet(bool quiet);

}  // namespace attune
