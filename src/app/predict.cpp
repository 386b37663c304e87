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

}  // namespace

int64_t predict(const PredictOptions& options, const std::function<void(const PredictedRow&)>& each) {
  const Predictor predictor(options.model, options.base_model, options.data, options.batch_size, options.quantization, options.compute, options.threads, options.strict);
  int64_t rows = 0;
  std::vector<Row> window;
  const auto flush = [&] {
    std::vector<Json> answers = predictor.answers(window, options.logits);
    for (size_t i = 0; i < window.size(); ++i) {
      const Row& row = window[i];
      Json object = Json::object();
      if (!row.id.empty()) object["id"] = row.id_is_number ? parse_json(row.id, "id") : Json(row.id);
      object.update(answers[i]);
      each({row.text, row.pair, std::move(object)});
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
    for_each_row(options.input, options.data.read_options(LabelUse::kIgnored, predictor.task().kind().rows), [&](Row&& row) {
      take(std::move(row), options.input != "-" || input_is_waiting());
      return true;
    });
  flush();
  return rows;
}

}  // namespace attune
