// Overfitting read from a run's log history: training loss falls while validation loss rises. Best evaluations come from the same history,
// so that "best" and "final" never speak of two runs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "train/trainer_state.h"

namespace attune {

/// One evaluation of the validation rows during training.
struct EvaluationPoint {
  int64_t step = 0;
  double epoch = 0;
  double loss = 0;                      ///< NaN where it was not finite
  std::optional<double> training_loss;  ///< mean of the steps logged since the evaluation before; none: nothing was logged between
  Json entry;                           ///< of the log history
};

/// Log entries fed in their order.
class EvaluationCourse {
 public:
  /// True for an evaluation.
  bool add(const Json& entry);
  const std::vector<EvaluationPoint>& points() const { return points_; }

 private:
  std::vector<EvaluationPoint> points_;
  double loss_ = 0, steps_ = 0;  // of the steps since the last evaluation
  int64_t logged_step_ = 0;
};
std::vector<EvaluationPoint> evaluation_points(const Json& log_history);

/// Of rising stretches of at least `patience` evaluations the last one. In such a stretch each validation loss is above the one before,
/// and the training loss at its end is below that at its beginning.
struct Overfitting {
  bool found = false;
  int64_t since_step = 0;   ///< of the evaluation before the rise
  int64_t last_step = 0;    ///< of its last evaluation
  int64_t evaluations = 0;  ///< each above the one before
  double loss_before = 0, loss_after = 0;
  std::string undecided;  ///< why nothing could be found: too few evaluations, or not looked for; "" otherwise
};
/// `patience` 0: not looked for.
Overfitting find_overfitting(const std::vector<EvaluationPoint>& points, int64_t patience);

struct BestEvaluation {
  int64_t step = 0;
  double epoch = 0;
  double value = 0;
};
/// The first of the best; none where no evaluation has a finite number of this name ("loss", "accuracy": without eval_).
std::optional<BestEvaluation> best_evaluation(const std::vector<EvaluationPoint>& points, const std::string& metric, bool greater);

/// Watches a run: says once of each rise that it is there.
class OverfittingWatch {
 public:
  explicit OverfittingWatch(int64_t patience) : patience_(patience) {}
  /// Found with this entry, not before.
  std::optional<Overfitting> add(const Json& entry);
  const std::vector<EvaluationPoint>& points() const { return course_.points(); }

 private:
  int64_t patience_;
  int64_t named_since_ = -1;  // the rise already spoken of
  EvaluationCourse course_;
};

/// "validation loss rose for 2 evaluations (0.31 at step 200, 0.37 at step 400) while training loss fell; best by loss: step 200, by
/// accuracy: step 300". `metric` "": loss alone.
std::string overfitting_remark(const Overfitting& o, const std::vector<EvaluationPoint>& points, const std::string& metric, bool greater);

}  // namespace attune
