#include "app/sample_predictions.h"

#include <algorithm>

#include <fmt/format.h>

#include "data/excerpt.h"
#include "metrics/squad.h"

namespace attune {
namespace {

constexpr size_t kTextBytes = 160, kAnswerBytes = 80;

/// Labels side by side; numbers short.
std::string shown(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number()) return fmt::format("{:.4g}", value.get<double>());
  std::string text;
  if (value.is_array())
    for (const Json& item : value) text += (text.empty() ? "" : ", ") + shown(item);
  return text;
}

/// "Angela/B-PER Merkel/I-PER": the tagged words.
std::string tagged(const std::vector<std::string>& words, const Json& tags) {
  std::string text;
  for (size_t i = 0; i < std::min(words.size(), tags.size()); ++i)
    if (tags[i] != "O") text += (text.empty() ? "" : " ") + words[i] + "/" + shown(tags[i]);
  return text;
}

/// Texts as SQuAD's script compares them, tags and labels exactly; numbers are neither right nor wrong.
std::optional<bool> is_right(const Json& gold, const Json& prediction) {
  if (prediction.is_number() || (prediction.is_array() && !prediction.empty() && prediction[0].is_number())) return std::nullopt;
  if (!gold.is_array() || prediction.is_array()) return gold == prediction;
  return answer_scores({.gold = gold.get<std::vector<std::string>>(), .predicted = prediction.get<std::string>()}).exact > 0;
}

std::optional<double> score_of(const Json& line) {
  if (line.contains("score") && line["score"].is_number()) return line["score"].get<double>();
  const Json& prediction = line["prediction"];
  if (!prediction.is_string() || !line.contains("scores")) return std::nullopt;
  const auto it = line["scores"].find(prediction.get<std::string>());
  return it != line["scores"].end() && it->is_number() ? std::optional(it->get<double>()) : std::nullopt;
}

SamplePrediction sample(const Row& row, const Json& line) {
  SamplePrediction s;
  s.text = excerpt(row.text, kTextBytes);
  if (row.pair) s.text += " / " + excerpt(*row.pair, kTextBytes);
  const bool words = !row.tokens.empty();
  s.gold = excerpt(words ? tagged(row.tokens, line["gold"]) : shown(line["gold"]), kAnswerBytes);
  s.prediction = excerpt(words ? tagged(row.tokens, line["prediction"]) : shown(line["prediction"]), kAnswerBytes);
  s.score = score_of(line);
  s.right = is_right(line["gold"], line["prediction"]);
  return s;
}

}  // namespace

std::vector<SamplePrediction> sample_predictions(const Task& task, const SplitData& split, const Outputs& outputs, int64_t each) {
  std::vector<SamplePrediction> right, wrong;
  if (!task.answers_rows() || each <= 0) return right;
  const auto most = static_cast<size_t>(each);
  for (const RowOutputs& row : by_row(split.rows, split.examples, outputs)) {
    if (right.size() >= most && wrong.size() >= most) break;
    SamplePrediction s = sample(*row.row, task.judged(row));
    const bool first = s.right ? *s.right : right.size() < most;
    auto& list = first ? right : wrong;
    if (list.size() < most) list.push_back(std::move(s));
  }
  right.insert(right.end(), std::make_move_iterator(wrong.begin()), std::make_move_iterator(wrong.end()));
  return right;
}

}  // namespace attune
