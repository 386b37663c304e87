#include "train/overfitting.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace attune {
namespace {

/// The training loss at point `i`, or where nothing was logged there, at the nearest point after it, up to `last`.
std::optional<size_t> trained_from(const std::vector<EvaluationPoint>& points, size_t i, size_t last) {
  while (i <= last && !points[i].training_loss) ++i;
  return i <= last ? std::optional(i) : std::nullopt;
}

bool training_fell(const std::vector<EvaluationPoint>& points, size_t first, size_t last) {
  const auto before = trained_from(points, first, last);
  if (!before) return false;
  size_t after = last;
  while (after > *before && !points[after].training_loss) --after;
  return after > *before && *points[after].training_loss < *points[*before].training_loss;
}

std::string times(int64_t n) { return n == 1 ? "1 evaluation" : fmt::format("{} evaluations", n); }

}  // namespace

bool EvaluationCourse::add(const Json& entry) {
  const int64_t step = entry.value("step", int64_t{0});
  if (entry.contains("loss")) {
    // An entry is the mean over the steps since the one before.
    const double steps = static_cast<double>(std::max<int64_t>(1, step - logged_step_));
    loss_ += number_of(entry["loss"]) * steps;
    steps_ += steps;
    logged_step_ = step;
  }
  if (!entry.contains("eval_loss")) return false;
  EvaluationPoint p{.step = step, .epoch = entry.value("epoch", 0.0), .loss = number_of(entry["eval_loss"]), .training_loss = {}, .entry = entry};
  if (steps_ > 0) p.training_loss = loss_ / steps_;
  loss_ = steps_ = 0;
  points_.push_back(std::move(p));
  return true;
}

std::vector<EvaluationPoint> evaluation_points(const Json& log_history) {
  EvaluationCourse course;
  for (const Json& entry : log_history) course.add(entry);
  return course.points();
}

Overfitting find_overfitting(const std::vector<EvaluationPoint>& points, int64_t patience) {
  Overfitting found;
  if (patience <= 0) {
    found.undecided = "overfitting_patience is 0";
    return found;
  }
  if (static_cast<int64_t>(points.size()) <= patience) {
    found.undecided = fmt::format("{}, at least {} are needed", times(static_cast<int64_t>(points.size())), patience + 1);
    return found;
  }
  for (size_t first = 0, last = 0; last < points.size(); first = ++last) {
    while (last + 1 < points.size() && points[last + 1].loss > points[last].loss) ++last;
    const auto risen = static_cast<int64_t>(last - first);
    if (risen >= patience && training_fell(points, first, last))
      found = {.found = true, .since_step = points[first].step, .last_step = points[last].step, .evaluations = risen, .loss_before = points[first].loss, .loss_after = points[last].loss, .undecided = ""};
  }
  return found;
}

std::optional<BestEvaluation> best_evaluation(const std::vector<EvaluationPoint>& points, const std::string& metric, bool greater) {
  std::optional<BestEvaluation> best;
  for (const EvaluationPoint& p : points) {
    const double value = number_of(p.entry.value("eval_" + metric, Json()));
    if (!std::isfinite(value)) continue;
    if (!best || (greater ? value > best->value : value < best->value)) best = {p.step, p.epoch, value};
  }
  return best;
}

std::optional<Overfitting> OverfittingWatch::add(const Json& entry) {
  if (!course_.add(entry)) return std::nullopt;
  const Overfitting now = find_overfitting(course_.points(), patience_);
  if (!now.found || now.since_step == named_since_) return std::nullopt;
  named_since_ = now.since_step;
  return now;
}

std::string overfitting_remark(const Overfitting& o, const std::vector<EvaluationPoint>& points, const std::string& metric, bool greater) {
  std::string text = fmt::format("validation loss rose for {} ({:.4g} at step {}, {:.4g} at step {}) while training loss fell", times(o.evaluations), o.loss_before, o.since_step,
                                 o.loss_after, o.last_step);
  if (const auto best = best_evaluation(points, "loss", false)) text += fmt::format("; best by loss: step {}", best->step);
  if (const auto best = metric.empty() || metric == "loss" ? std::nullopt : best_evaluation(points, metric, greater))
    text += fmt::format(", by {}: step {}", metric, best->step);
  return text;
}

}  // namespace attune
