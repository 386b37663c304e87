// The public API (include/attune/attune.h) over the use cases.
#include "attune/attune.h"

#include "app/evaluate.h"
#include "app/merge.h"
#include "app/predictor.h"
#include "app/train.h"
#include "base/log.h"

namespace attune {
namespace {

std::map<std::string, double> numbers_of(const Json& object) {
  std::map<std::string, double> out;
  for (const auto& [key, value] : object.items())
    if (value.is_number()) out[key] = value.get<double>();
  return out;
}

}  // namespace

RunSummary train(const Settings& settings) {
  std::vector<std::string> overrides;
  for (const auto& [key, value] : settings) overrides.push_back(key + "=" + value);
  const TrainResult r = train(load_run_config("", overrides, {}));
  return {r.output_dir.string(), static_cast<long>(r.steps), r.epochs, numbers_of(r.results)};
}

std::map<std::string, double> evaluate(const std::string& model, const std::string& file) {
  EvaluateOptions options;
  options.model = model;
  options.file = file;
  const Json metrics = evaluate(options);
  auto out = numbers_of(metrics);
  if (const auto it = metrics.find("accuracy_interval"); it != metrics.end() && it->is_array() && it->size() == 2) {
    out["accuracy_low"] = (*it)[0].get<double>();
    out["accuracy_high"] = (*it)[1].get<double>();
  }
  return out;
}

struct TextClassifier::State {
  Predictor predictor;
};

TextClassifier::TextClassifier(const std::string& model) : state_(new State{Predictor(model, "", {}, 32, HoldBase::kAuto, Compute::kAuto, 0, false)}) {
  if (const Task& task = state_->predictor.task(); task.kind().head != HeadKind::kSequenceClassification)
    fail(ErrorCode::kInput, {.id = "model.other_task", .where = model, .what = "does not classify texts", .expected = "text-classification", .got = task.settings().task});
}
TextClassifier::~TextClassifier() = default;
TextClassifier::TextClassifier(TextClassifier&&) noexcept = default;
TextClassifier& TextClassifier::operator=(TextClassifier&&) noexcept = default;

std::vector<Labelled> TextClassifier::predict(const std::vector<std::string>& texts) const {
  std::vector<Row> rows(texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    rows[i].index = i;
    rows[i].line = i + 1;
    rows[i].text = texts[i];
  }
  std::vector<Labelled> out;
  for (const Json& answer : state_->predictor.answers(rows)) {
    Labelled l{answer.value("label", ""), answer["score"].get<double>(), {}};
    for (const auto& [label, score] : answer["scores"].items()) l.scores[label] = score.get<double>();
    out.push_back(std::move(l));
  }
  return out;
}

MergeSummary merge(const std::string& adapter, const std::string& output_dir, bool overwrite) {
  MergeOptions options;
  options.adapter = adapter;
  options.output_dir = output_dir;
  options.overwrite = overwrite;
  const MergeResult r = merge(options);
  if (!r.passed)
    fail(ErrorCode::kGate, {.id = "merge.differs", .where = output_dir, .what = "the merged model's logits differ from the adapter's by " + std::to_string(r.max_logit_difference), .expected = "at most 0.001"});
  return {r.output_dir.string(), r.max_logit_difference, static_cast<long>(r.flipped_labels)};
}

void set_quiet(bool quiet) { set_verbosity(quiet ? Verbosity::kQuiet : Verbosity::kNormal); }

}  // namespace attune
