#include "app/predict.h"

#include <poll.h>
#include <unistd.h>

#include "app/predictor.h"

namespace attune {
namespace {

/// Rows held at once: enough to sort by length, few enough that memory does not grow with the file.
constexpr int64_t kWindowBatches = 32;

/// True while standard input has bytes that can be read without waiting.
bool input_is_waiting() {
  pollfd p{STDIN_FILENO, POLLIN, 0};
  return ::poll(&p, 1, 0) > 0 && (p.revents & POLLIN) != 0;
}

Json object_of(const Row& row, const Task& task, std::span<const float> logits, bool with_logits) {
  const TaskSettings& s = task.settings();
  const Prediction p = task.decode(logits);
  Json o = Json::object();
  if (!row.id.empty()) o["id"] = row.id_is_number ? parse_json(row.id, "id") : Json(row.id);
  if (s.problem_type == ProblemType::kRegression) {
    o["value"] = p.scores.size() == 1 ? Json(p.scores.front()) : Json(p.scores);
  } else {
    o["label"] = p.label;
    if (s.problem_type == ProblemType::kMultiLabel) o["labels"] = p.labels;
  }
  o["score"] = p.score;
  Json scores = Json::object();
  for (size_t i = 0; i < p.scores.size(); ++i) scores[s.labels[i]] = p.scores[i];
  o["scores"] = std::move(scores);
  if (with_logits) o["logits"] = std::vector<float>(logits.begin(), logits.end());
  return o;
}

}  // namespace

int64_t predict(const PredictOptions& options, const std::function<void(const PredictedRow&)>& each) {
  const Predictor predictor(options.model, options.base_model, options.data, options.batch_size, options.compute, options.threads, options.strict);
  int64_t rows = 0;
  std::vector<Row> window;
  const auto flush = [&] {
    const Tensor logits = predictor.logits(window);
    for (size_t i = 0; i < window.size(); ++i) {
      const auto values = logits.row_range(static_cast<int64_t>(i), 1);
      each({window[i].text, window[i].pair, object_of(window[i], predictor.task(), values.span(), options.logits)});
      ++rows;
    }
    window.clear();
  };
  const auto take = [&](Row&& row, bool more_is_waiting) {
    window.push_back(std::move(row));
    const auto held = static_cast<int64_t>(window.size());
    if (held >= options.batch_size * kWindowBatches || !more_is_waiting) flush();
  };
  for (size_t i = 0; i < options.texts.size(); ++i) {
    Row row;
    row.index = i;
    row.line = i + 1;
    row.text = options.texts[i];
    if (!options.pairs.empty()) row.pair = options.pairs[i];
    take(std::move(row), true);
  }
  if (!options.input.empty())
    for_each_row(options.input, options.data.read_options(LabelUse::kIgnored), [&](Row&& row) {
      take(std::move(row), options.input != "-" || input_is_waiting());
      return true;
    });
  flush();
  return rows;
}

}  // namespace attune
