// Sentence vectors of an encoder without a head: hidden states pooled over a text's tokens and normalised, as sentence-transformers'
// modules.json says (mean pooling and length 1 where the folder does not say). Only predicts.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "tasks/text_example.h"

namespace attune {
namespace {

class FeatureExtraction : public Task {
 public:
  using Task::Task;

  int64_t outputs() const override { return 0; }

  std::vector<Example> encode(const Row& row, const Tokenizer& tokenizer) const override { return {text_example(row, tokenizer, settings_)}; }
  std::vector<Example> encode_all(std::span<const Row>, const Tokenizer&, const std::string& where, bool) const override {
    fail(ErrorCode::kUsage, {.id = "task.only_predicts", .where = where, .what = "sentence vectors are not trained or evaluated", .hint = "attune predict writes them; train a task with a head"});
  }
  std::unique_ptr<Scores> scores() const override { throw Bug("sentence vectors have no metrics"); }
  std::string report(const Json&) const override { return ""; }
  std::vector<std::string> metric_names() const override { return {}; }
  std::vector<std::string> headline() const override { return {}; }
  Json judged(const RowOutputs&) const override { throw Bug("sentence vectors have no gold"); }

  Json answer(const RowOutputs& row, bool with_logits) const override {
    const auto states = row.logits(0);
    std::vector<double> v = pooled(states, row.examples.front().ids.size());
    if (settings_.options.normalize.value_or(true)) {
      double squares = 0;
      for (const double x : v) squares += x * x;
      const double length = std::max(std::sqrt(squares), 1e-12);
      for (double& x : v) x /= length;
    }
    Json o = {{"embedding", std::vector<float>(v.begin(), v.end())}};
    if (with_logits) {
      o["input_ids"] = row.examples.front().ids;
      o["hidden_states"] = std::vector<float>(states.begin(), states.end());
    }
    return o;
  }

 private:
  /// states (tokens, width)
  std::vector<double> pooled(std::span<const float> states, size_t tokens) const {
    const size_t width = states.size() / tokens;
    const std::string& how = settings_.options.pooling;
    std::vector<double> v(states.begin(), states.begin() + static_cast<std::ptrdiff_t>(width));
    if (how == "cls") return v;
    for (size_t t = 1; t < tokens; ++t)
      for (size_t c = 0; c < width; ++c) {
        const double x = static_cast<double>(states[t * width + c]);
        v[c] = how == "max" ? std::max(v[c], x) : v[c] + x;
      }
    if (how != "max")
      for (double& x : v) x /= static_cast<double>(tokens);
    return v;
  }
};

std::unique_ptr<Task> make_feature_extraction(TaskSettings settings) { return std::make_unique<FeatureExtraction>(std::move(settings)); }

}  // namespace

extern const TaskKind kFeatureExtraction;
const TaskKind kFeatureExtraction{"feature-extraction", "FEATURE_EXTRACTION", HeadKind::kNone, RowKind::kText, 0, nullptr, nullptr, make_feature_extraction};

}  // namespace attune
