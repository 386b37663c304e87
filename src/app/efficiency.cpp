#include "app/efficiency.h"

#include "metrics/percentile.h"
#include "train/overfitting.h"

namespace attune {
namespace {

Json number_or_null(std::optional<double> value) { return value ? Json(*value) : Json(); }

Json to_json(const std::optional<BestEvaluation>& best) {
  return best ? Json{{"step", best->step}, {"epoch", best->epoch}, {"value", best->value}} : Json();
}

/// Counts what would be written.
class ByteCounter : public OutputFile {
 public:
  void write(std::string_view bytes) override { count_ += static_cast<int64_t>(bytes.size()); }
  void sync() override {}
  void close() override {}
  int64_t count() const { return count_; }

 private:
  int64_t count_ = 0;
};

}  // namespace

void report_times(const FitResult& fitted, Json& results) {
  const PhaseSeconds& p = fitted.phases;
  results["phase_seconds"] = {{"data", p.data},           {"forward", p.forward},       {"backward", p.backward},
                              {"optimizer", p.optimizer}, {"evaluation", p.evaluation}, {"checkpoint", p.checkpoint}};
  std::vector<double> steps;
  for (const StepTime& s : fitted.step_times) steps.push_back(s.seconds);
  results["step_seconds_p50"] = number_or_null(percentile(steps, 0.5));
  results["step_seconds_p95"] = number_or_null(percentile(steps, 0.95));
}

void report_course(const Json& log_history, const TrainingConfig& config, const Task& task, Json& results) {
  const auto points = evaluation_points(log_history);
  const Overfitting o = find_overfitting(points, config.overfitting_patience);
  Json said = {{"found", o.found}};
  if (o.found)
    said.update({{"since_step", o.since_step}, {"last_step", o.last_step}, {"evaluations", o.evaluations}, {"loss_before", o.loss_before}, {"loss_after", o.loss_after}});
  if (!o.undecided.empty()) said["reason"] = o.undecided;
  results["overfitting"] = said;
  results["best_by_loss"] = to_json(best_evaluation(points, "loss", false));
  const BestBy by = best_by(config, task);
  Json best = by.metric.empty() ? Json() : to_json(best_evaluation(points, by.metric, by.greater));
  if (best.is_object()) best["metric"] = by.metric;
  results["best_by_metric"] = best;
}

void report_file_bytes(const std::vector<Artifact>& artifacts, Json& results) {
  for (const Artifact& a : artifacts) {
    const bool adapter = a.name == "adapter_model.safetensors";
    if (!adapter && a.name != "model.safetensors") continue;
    ByteCounter counter;
    a.fill(counter);
    results[adapter ? "adapter_file_bytes" : "model_file_bytes"] = counter.count();
  }
}

}  // namespace attune
