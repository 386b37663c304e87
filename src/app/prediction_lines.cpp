#include "app/prediction_lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "base/error.h"
#include "data/excerpt.h"
#include "data/labels.h"

namespace attune {
namespace {

constexpr JsonLimits kLimits{.max_bytes = uint64_t{1} << 30, .max_depth = 64, .allow_nan = true};
const char kExpected[] = "JSON Lines of {\"id\": ..., \"prediction\": ..., \"gold\": ...}, or one object {id: text} for question answering";

bool is_blank(std::string_view line) { return line.find_first_not_of(" \t\r") == std::string_view::npos; }

/// One object whose values are all texts: what the SQuAD script reads.
bool is_answers_by_id(const Json& object) {
  return object.is_object() && !object.contains("prediction") && std::all_of(object.begin(), object.end(), [](const Json& v) { return v.is_string(); });
}

std::vector<PredictionLine> lines_of_answers(const Json& object) {
  std::vector<PredictionLine> lines;
  for (const auto& [id, text] : object.items()) lines.push_back({0, id, Json{{"id", id}, {"prediction", text}}});
  return lines;
}

/// The id as text; what is wrong with the line, or "".
std::string take_id(PredictionLine& line) {
  if (!line.object.is_object()) return fmt::format("is {}, expected an object", json_kind(line.object));
  const auto id = line.object.find("id");
  if (id == line.object.end()) return "has no 'id'";
  if (!id->is_string() && !id->is_number_integer()) return fmt::format("'id' is {}, expected a text or a whole number", json_kind(*id));
  line.id = label_text(*id);
  return line.object.contains("prediction") ? "" : fmt::format("has no 'prediction' (id '{}')", excerpt(line.id));
}

}  // namespace

std::vector<PredictionLine> read_prediction_lines(const fs::path& file) {
  const std::string content = read_file_gz(file), where = file.string();
  std::vector<PredictionLine> lines;
  Problems problems, repeated;
  std::unordered_map<std::string, uint64_t> first;
  uint64_t number = 0;
  for (size_t at = 0; at < content.size();) {
    const size_t end = std::min(content.find('\n', at), content.size());
    const std::string_view text = std::string_view(content).substr(at, end - at);
    at = end + 1;
    ++number;
    if (is_blank(text)) continue;
    PredictionLine line{.number = number, .id = {}, .object = {}};
    std::string problem;
    try {
      line.object = parse_json(text, fmt::format("{}:{}", where, number), kLimits);
    } catch (const Error& e) {
      // An object over many lines is no JSON Lines.
      if (lines.empty() && problems.empty()) {
        if (text.find_first_not_of(" \t") == text.find('{'))
          if (const Json whole = parse_json(content, where, kLimits); is_answers_by_id(whole)) {
            lines = lines_of_answers(whole);
            break;
          }
        fail(ErrorCode::kInput, {.id = "predictions.row", .where = fmt::format("{}:{}", where, number), .what = "is no predictions file", .expected = kExpected, .got = excerpt(text)});
      }
      problem = fmt::format("{}: {}", e.info().where, e.info().what);
    }
    if (problem.empty() && lines.empty() && problems.empty() && is_answers_by_id(line.object) && is_blank(std::string_view(content).substr(std::min(at, content.size())))) {
      lines = lines_of_answers(line.object);
      break;
    }
    if (problem.empty())
      if (problem = take_id(line); !problem.empty()) problem = fmt::format("{}:{}: {}", where, number, problem);
    if (!problem.empty()) {
      problems.add(std::move(problem));
      continue;
    }
    if (const auto [it, fresh] = first.emplace(line.id, number); !fresh) repeated.add(fmt::format("{}:{}: id '{}' is already that of line {}", where, number, excerpt(line.id), it->second));
    lines.push_back(std::move(line));
  }
  if (!problems.empty())
    fail(ErrorCode::kInput, {.id = "predictions.row", .where = where, .what = fmt::format("{} lines cannot be used:{}", problems.count(), problems.list()), .expected = kExpected});
  if (!repeated.empty())
    fail(ErrorCode::kInput, {.id = "predictions.duplicate_id", .where = where, .what = fmt::format("{} ids occur more than once:{}", repeated.count(), repeated.list())});
  if (lines.empty()) fail(ErrorCode::kInput, {.id = "predictions.empty", .where = where, .what = "holds no predictions", .expected = kExpected});
  return lines;
}

}  // namespace attune
