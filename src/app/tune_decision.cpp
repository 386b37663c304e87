#include "app/tune_decision.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/log.h"
#include "metrics/calibration.h"
#include "metrics/classification.h"
#include "metrics/multi_label.h"
#include "metrics/temperature.h"
#include "metrics/thresholds.h"

namespace attune {
namespace {

bool asked(const TrainingConfig& config) { return config.temperature_scaling || config.tune_threshold != ThresholdMetric::kNone; }

/// The logits of examples that have one row each, and what their labels say of one class.
struct Scored {
  const TaskSettings& settings;
  std::span<const Example> examples;
  const Outputs& outputs;

  bool finite() const {
    const auto all = outputs.logits.span();
    return std::all_of(all.begin(), all.end(), [](float x) { return std::isfinite(x); });
  }
  std::vector<int32_t> gold() const {
    std::vector<int32_t> ids;
    for (const Example& e : examples) ids.push_back(e.labels.id);
    return ids;
  }
  std::vector<uint8_t> is(size_t label) const {
    std::vector<uint8_t> out;
    for (const Example& e : examples)
      out.push_back(e.labels.values.empty() ? e.labels.id == static_cast<int32_t>(label) : e.labels.values[label] > 0.5f);
    return out;
  }
  /// Row after row.
  std::vector<double> probabilities(const Decision& d) const {
    std::vector<double> all;
    for (size_t i = 0; i < examples.size(); ++i) {
      const std::vector<double> p = attune::probabilities(settings.problem_type, d, outputs.of(i));
      all.insert(all.end(), p.begin(), p.end());
    }
    return all;
  }
  std::vector<double> of_label(const std::vector<double>& all, size_t label) const {
    std::vector<double> out;
    for (size_t i = label; i < all.size(); i += settings.labels.size()) out.push_back(all[i]);
    return out;
  }
};

struct NamedFigure {
  std::string name;
  double value;
};

std::vector<NamedFigure> figures_of_labels(const Scored& s, const Decision& d) {
  const std::vector<double> p = s.probabilities(d);
  std::vector<uint8_t> gold, said;
  for (size_t i = 0; i < s.examples.size(); ++i) {
    for (const float value : s.examples[i].labels.values) gold.push_back(value > 0.5f);
    const auto row = said_labels(d, s.outputs.of(i), std::span(p).subspan(i * s.settings.labels.size(), s.settings.labels.size()));
    said.insert(said.end(), row.begin(), row.end());
  }
  const MultiLabelCounts counts = count_multi_label(gold, said, static_cast<int64_t>(s.settings.labels.size()));
  return {{"accuracy", subset_accuracy(counts)}, {"f1_macro", average_scores(counts, Average::kMacro).f1}, {"f1_micro", average_scores(counts, Average::kMicro).f1}};
}

/// What temperature and thresholds can change.
std::vector<NamedFigure> figures(const Scored& s, const Decision& d) {
  if (s.settings.problem_type == ProblemType::kMultiLabel) return figures_of_labels(s, d);
  const size_t classes = s.settings.labels.size();
  const std::vector<double> p = s.probabilities(d);
  const std::vector<int32_t> gold = s.gold();
  std::vector<int32_t> said;
  for (size_t i = 0; i < gold.size(); ++i) said.push_back(said_label(d, s.outputs.of(i), std::span(p).subspan(i * classes, classes)));
  const auto m = confusion_matrix(gold, said, static_cast<int64_t>(classes));
  std::vector<NamedFigure> out = {{"accuracy", accuracy(m)}, {"balanced_accuracy", balanced_accuracy(m)}};
  if (classes == 2) {
    out.push_back({"f1", class_scores(m, 1).f1});
    out.push_back({"youden", 2 * balanced_accuracy(m) - 1});
  } else {
    out.push_back({"f1_macro", average_scores(m, Average::kMacro).f1});
  }
  out.push_back({"log_loss", log_loss(gold, p, m.classes()).value.value_or(std::nan(""))});
  out.push_back({"brier", brier_score(gold, p, m.classes()).value.value_or(std::nan(""))});
  out.push_back({"ece", expected_calibration_error(gold, p, m.classes()).value.value_or(std::nan(""))});
  return out;
}

/// {metric: {before, after}}, and a line for people.
Json effect(const Scored& s, const std::string& title) {
  const auto before = figures(s, {}), after = figures(s, s.settings.decision);
  Json out = Json::object();
  std::string text;
  for (size_t i = 0; i < before.size(); ++i) {
    out[before[i].name] = {{"before", before[i].value}, {"after", after[i].value}};
    if (before[i].value != after[i].value) text += fmt::format("{}{} {:.4f} -> {:.4f}", text.empty() ? "" : ", ", before[i].name, before[i].value, after[i].value);
  }
  note(fmt::format("{}: {}", title, text.empty() ? "no row changes" : text));
  return out;
}

std::optional<double> temperature_of(const Scored& s, std::string& why) {
  if (!s.finite()) return why = "the logits are not finite", std::nullopt;
  const auto logits = s.outputs.logits.span();
  const auto t = fit_temperature(logits, s.gold(), static_cast<int64_t>(s.settings.labels.size()));
  if (!t) why = "every row is right, or the logits say no more than chance: no temperature is best";
  return t;
}

}  // namespace

void check_decision_tuning(const TrainingConfig& config, const Task& task, const SplitData& validation, const LabelSet& labels) {
  if (!asked(config)) return;
  const std::string where = config.temperature_scaling ? "training.temperature_scaling" : "training.tune_threshold";
  const bool single = labels.problem_type() == ProblemType::kSingleLabel;
  const auto refuse = [&](const std::string& key, const std::string& what, const std::string& expected) {
    fail(ErrorCode::kUsage, {.id = "decision.task", .where = key, .what = what, .expected = expected, .hint = "leave it out"});
  };
  if (config.temperature_scaling && (!task.labels_rows() || !single))
    refuse("training.temperature_scaling", "is for probabilities of one label a row", "text classification with a single label");
  if (config.tune_threshold != ThresholdMetric::kNone) {
    const bool fits = task.labels_rows() && (single ? labels.outputs() == 2 : labels.problem_type() == ProblemType::kMultiLabel);
    if (!fits) refuse("training.tune_threshold", "a threshold decides between two labels", "text classification with two labels, or with several labels a row");
  }
  if (validation.rows.empty())
    fail(ErrorCode::kUsage, {.id = "decision.no_validation",
                             .where = where,
                             .what = "needs rows that are not trained on",
                             .expected = "validation rows",
                             .hint = "give data.validation, or data.validation_split=0.1"});
  if (!single || config.tune_threshold == ThresholdMetric::kNone) return;
  const std::vector<Labels> ids = encode_labels(validation.rows, labels, validation.file);
  for (int32_t id = 0; id < 2; ++id)
    if (std::none_of(ids.begin(), ids.end(), [&](const Labels& l) { return l.id == id; }))
      fail(ErrorCode::kInput, {.id = "decision.one_class",
                               .where = validation.file,
                               .what = fmt::format("no validation row is '{}', so no threshold can be chosen on them", labels.names()[static_cast<size_t>(id)]),
                               .hint = "validation rows must hold both labels; leave out training.tune_threshold"});
}

Json tune_decision(const TrainingConfig& config, LoadedModel& m, const SplitData& validation, Evaluation& e) {
  if (!asked(config)) return Json::object();
  TaskSettings settings = m.task->settings();
  Decision& d = settings.decision;
  const Scored scored{settings, validation.examples, e.outputs};
  Json undefined = Json::object();
  if (config.temperature_scaling) {
    std::string why;
    if (const auto t = temperature_of(scored, why))
      d.temperature = *t;
    else
      undefined["temperature"] = why;
  }
  if (config.tune_threshold != ThresholdMetric::kNone && scored.finite()) {
    const bool single = settings.problem_type == ProblemType::kSingleLabel;
    const std::vector<double> p = scored.probabilities(d);
    for (size_t label = single ? 1 : 0; label < settings.labels.size(); ++label) {
      const auto best = best_threshold(scored.is(label), scored.of_label(p, label), config.tune_threshold);
      d.thresholds.push_back(best ? best->threshold : 0.5);
      if (!best) undefined[settings.labels[label]] = "it is on none or on all of the validation rows, so its threshold stays 0.5";
    }
  } else if (config.tune_threshold != ThresholdMetric::kNone) {
    undefined["decision_thresholds"] = "the logits are not finite";
  }
  for (const auto& [name, why] : undefined.items()) warning(fmt::format("{} is not fitted: {}", name, why.get<std::string>()));

  Json out = {{"validation_rows", validation.rows.size()}};
  if (config.tune_threshold != ThresholdMetric::kNone) out["tuned_for"] = name_of(config.tune_threshold);
  write_decision(d, settings.labels, out);
  if (config.temperature_scaling && undefined.contains("temperature")) out["temperature"] = nullptr;
  if (!undefined.empty()) out["undefined"] = undefined;
  std::string found = d.temperature != 1 ? fmt::format("temperature {:.4f}", d.temperature) : "";
  if (out.contains("decision_thresholds"))
    for (const auto& [label, t] : out["decision_thresholds"].items()) found += fmt::format("{}'{}' from {:.4f} on", found.empty() ? "" : ", ", label, t.get<double>());
  if (!found.empty()) note("Fitted on the validation rows: " + found);
  out["validation"] = effect(scored, "Validation rows, before and after (chosen on them: judge by test rows)");
  m.task->decide(d);
  e.metrics = m.task->metrics(validation.rows, validation.examples, e.outputs, e.loss);
  return {{"decision", std::move(out)}};
}

void add_decision_effect(const LoadedModel& m, const std::string& split, const SplitData& data, const Outputs& outputs, Json& results) {
  if (const auto decision = results.find("decision"); decision != results.end())
    (*decision)[split] = effect({m.task->settings(), data.examples, outputs}, "Test rows, before and after");
}

}  // namespace attune
