#include "app/baselines.h"

#include <fmt/format.h>

#include <algorithm>
#include <cfloat>
#include <cmath>

#include "app/run_folder.h"
#include "base/error.h"
#include "base/log.h"
#include "base/suggest.h"
#include "data/bag_of_words.h"
#include "metrics/classification.h"
#include "metrics/calibration.h"
#include "metrics/logistic_regression.h"

namespace attune {
namespace {

std::vector<std::string> texts_of(std::span<const Row> rows) {
  std::vector<std::string> texts;
  texts.reserve(rows.size());
  for (const Row& row : rows) texts.push_back(row.pair ? row.text + " " + *row.pair : row.text);
  return texts;
}

/// Shares of the classes: every row gets them, and the largest is the prediction.
std::vector<double> majority_probabilities(std::span<const int32_t> train, size_t test, size_t classes) {
  std::vector<double> shares(classes), all;
  for (const int32_t label : train) shares[static_cast<size_t>(label)] += 1.0 / static_cast<double>(train.size());
  for (size_t i = 0; i < test; ++i) all.insert(all.end(), shares.begin(), shares.end());
  return all;
}

std::vector<double> bow_probabilities(std::span<const Row> train, std::span<const int32_t> labels, std::span<const Row> test, size_t classes) {
  std::vector<int32_t> seen(labels.begin(), labels.end());
  std::sort(seen.begin(), seen.end());
  seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
  if (seen.size() < 2) return majority_probabilities(labels, test.size(), classes);
  std::vector<int32_t> numbers;
  for (const int32_t label : labels) numbers.push_back(static_cast<int32_t>(std::lower_bound(seen.begin(), seen.end(), label) - seen.begin()));
  const std::vector<std::string> texts = texts_of(train);
  const BagOfWords bag(texts);
  const LogisticRegression model = fit_logistic(bag.transform(texts), numbers, static_cast<int64_t>(seen.size()));
  const std::vector<double> some = model.probabilities(bag.transform(texts_of(test)));
  std::vector<double> all(test.size() * classes);
  for (size_t i = 0; i < test.size(); ++i)
    for (size_t k = 0; k < seen.size(); ++k) all[i * classes + static_cast<size_t>(seen[k])] = some[i * seen.size() + k];
  return all;
}

}  // namespace

const char* baseline_name(Baseline baseline) { return baseline == Baseline::kMajority ? "majority" : "bow"; }
std::string baseline_key(Baseline baseline, const std::string& rest) { return fmt::format("baseline_{}_{}", baseline_name(baseline), rest); }
const char* baseline_description(Baseline baseline) {
  return baseline == Baseline::kMajority ? "always the most frequent class" : "logistic regression on word counts";
}

std::vector<Baseline> baselines_from_names(const std::vector<std::string>& names) {
  std::vector<Baseline> out;
  for (const std::string& name : names) {
    if (name != "majority" && name != "bow")
      fail(ErrorCode::kUsage, {.id = "baselines.unknown", .where = "baselines", .what = fmt::format("there is no baseline '{}'", name), .expected = "majority, bow", .hint = suggestion(name, {"majority", "bow"})});
    const Baseline baseline = name == "bow" ? Baseline::kBow : Baseline::kMajority;
    if (std::find(out.begin(), out.end(), baseline) == out.end()) out.push_back(baseline);
  }
  return out;
}

void require_baselines_fit(const TaskSettings& settings) {
  if (settings.task == "text-classification" && settings.problem_type == ProblemType::kSingleLabel) return;
  const bool text = settings.task == "text-classification";
  fail(ErrorCode::kUsage, {.id = "baselines.task",
                           .where = "baselines",
                           .what = "are for text classification with one label a row",
                           .got = text ? problem_type_name(settings.problem_type) : settings.task,
                           .hint = "leave baselines out"});
}

Outputs baseline_predictions(Baseline baseline, std::span<const Row> train, std::span<const Row> test, const LabelSet& labels, const std::string& where) {
  require(!train.empty(), "baseline: rows to learn from");
  std::vector<int32_t> ids;
  for (const Labels& l : encode_labels(train, labels, where)) ids.push_back(l.id);
  const auto classes = static_cast<size_t>(labels.outputs());
  const std::vector<double> p = baseline == Baseline::kMajority ? majority_probabilities(ids, test.size(), classes) : bow_probabilities(train, ids, test, classes);
  Outputs out;
  out.logits = Tensor::zeros({static_cast<int64_t>(test.size()), labels.outputs()});
  for (size_t i = 0; i < p.size(); ++i) out.logits.span()[i] = static_cast<float>(std::log(std::max(p[i], static_cast<double>(FLT_MIN))));
  for (size_t i = 0; i < test.size(); ++i) out.starts.push_back(static_cast<int64_t>(i) + 1);
  return out;
}

std::vector<BaselineResult> baseline_results(std::span<const Baseline> baselines, const SplitData& train, const SplitData& split, const Task& task) {
  const TaskSettings& s = task.settings();
  require_baselines_fit(s);
  const LabelSet labels(s.problem_type, s.labels, s.label_separator);
  std::vector<BaselineResult> results;
  for (const Baseline baseline : baselines) {
    BaselineResult r{baseline, baseline_predictions(baseline, train.rows, split.rows, labels, train.file), {}};
    std::vector<int32_t> gold;
    std::vector<double> probabilities;
    for (size_t i = 0; i < split.examples.size(); ++i) {
      gold.push_back(split.examples[i].labels.id);
      for (const double p : softmax(r.outputs.of(i))) probabilities.push_back(p);
    }
    r.metrics = task.metrics(split.rows, split.examples, r.outputs, log_loss(gold, probabilities, labels.outputs()).value.value_or(std::nan("")));
    results.push_back(std::move(r));
  }
  return results;
}

void put_baselines(std::span<const BaselineResult> baselines, Json& results) {
  for (const BaselineResult& b : baselines)
    for (const auto& [key, value] : b.metrics.items())
      if ((value.is_number_float() && std::isfinite(value.get<double>())) || (key.ends_with("_interval") && value.is_array())) results[baseline_key(b.baseline, key)] = value;
}

std::string baselines_text(std::span<const BaselineResult> baselines, const Task& task) {
  std::string text;
  for (const BaselineResult& b : baselines) {
    text += fmt::format("{:<20}", fmt::format("baseline {}", baseline_name(b.baseline)));
    for (const std::string& name : task.headline()) {
      text += fmt::format("  {} {:.4f}", name, b.metrics.at(name).get<double>());
      if (const auto it = b.metrics.find(name + "_interval"); it != b.metrics.end() && it->is_array())
        text += fmt::format(" ({:.4f} to {:.4f})", (*it)[0].get<double>(), (*it)[1].get<double>());
    }
    text += "\n";
  }
  return text;
}

std::vector<Artifact> baseline_artifacts(std::span<const BaselineResult> baselines, const Task& task, const SplitData& split) {
  std::vector<Artifact> artifacts;
  for (const BaselineResult& b : baselines) artifacts.push_back(predictions_artifact(baseline_key(b.baseline, "predictions.jsonl"), task, split, b.outputs));
  return artifacts;
}

void report_baselines(const std::vector<std::string>& names, const TrainingData& data, const Task& task, Json& results, std::vector<Artifact>& artifacts) {
  const SplitData& split = data.test.examples.empty() ? data.validation : data.test;
  if (names.empty() || split.examples.empty()) return;
  const std::vector<BaselineResult> found = baseline_results(baselines_from_names(names), data.train, split, task);
  put_baselines(found, results);
  std::string text = baselines_text(found, task);
  text.pop_back();
  note(text);
  for (Artifact& a : baseline_artifacts(found, task, split)) artifacts.push_back(std::move(a));
}

}  // namespace attune
