#include "data/question_rows.h"

#include <fmt/format.h>

#include <cstdlib>

#include "base/code_points.h"
#include "base/random.h"
#include "data/excerpt.h"

namespace attune {
namespace {

bool has_no_text(std::string_view s) { return s.find_first_not_of(" \t\r\n") == std::string_view::npos; }

/// Where `answer` stands in the context, nearest to `wanted`; -1: nowhere.
int64_t nearest(const std::string& context, const CodePoints& points, const std::string& answer, int64_t wanted) {
  int64_t best = -1;
  for (size_t at = context.find(answer); at != std::string::npos; at = context.find(answer, at + 1)) {
    const int64_t position = points.position_of(at);
    if (best < 0 || std::llabs(position - wanted) < std::llabs(best - wanted)) best = position;
    if (position > wanted) break;
  }
  return best;
}

std::string answer_problem(const std::string& context, const CodePoints& points, const std::string& answer, int64_t start) {
  if (has_no_text(answer)) return "an answer is empty";
  const int64_t length = CodePoints(answer).size();
  if (start >= 0 && points.slice(start, start + length) == answer) return "";
  const std::string found =
      start < 0 || start >= points.size() ? "outside the context" : fmt::format("'{}'", excerpt(points.slice(start, start + length)));
  const int64_t at = nearest(context, points, answer, start);
  if (at < 0) return fmt::format("the answer '{}' is nowhere in the context (at answer_start {} is {})", excerpt(answer), start, found);
  return fmt::format("the answer '{}' is not at answer_start {} (there is {}) but at {}, {} {} {}", excerpt(answer), start, found, at,
                     std::llabs(at - start), std::llabs(at - start) == 1 ? "character" : "characters", at > start ? "later" : "earlier");
}

/// One answer's parts as JSON may write them.
std::string take_answer(const Json* text, const Json* start, const std::string& context, const CodePoints& points, Json& gold) {
  if (text == nullptr || !text->is_string()) return "the text of an answer is missing or not a text";
  if (start == nullptr || !start->is_number_integer())
    return fmt::format("answer_start of the answer '{}' is missing or no whole number", excerpt(text->get_ref<const std::string&>()));
  const auto at = start->get<int64_t>();
  if (std::string problem = answer_problem(context, points, text->get_ref<const std::string&>(), at); !problem.empty()) return problem;
  gold["text"].push_back(*text);
  gold["answer_start"].push_back(at);
  return "";
}

const Json* member(const Json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto it = object.find(name);
  return it == object.end() ? nullptr : &*it;
}

std::string text_member(const Json& object, const char* name) {
  const Json* value = member(object, name);
  return value != nullptr && value->is_string() ? value->get<std::string>() : "";
}

SquadRow squad_row(const Json& qa, const std::string& context, const std::string& place, uint64_t line, LabelUse labels) {
  SquadRow out;
  Row& row = out.row;
  row.line = line;
  row.id = text_member(qa, "id");
  row.text = text_member(qa, "question");
  row.pair = context;
  const Json* answers = member(qa, "answers");
  const Json* impossible = member(qa, "is_impossible");
  const bool none = impossible != nullptr && impossible->is_boolean() && impossible->get<bool>();
  if (row.id.empty()) {
    out.problem = "the question has no id";
  } else if (labels == LabelUse::kRequired && answers == nullptr) {
    out.problem = "'answers' is missing";
  } else if (labels != LabelUse::kIgnored && none && answers != nullptr && !answers->empty()) {
    out.problem = "is_impossible is true, but there are answers";
  } else if (labels == LabelUse::kRequired && !none && answers->empty()) {
    out.problem = "there is no answer, and is_impossible is not true";
  } else {
    out.problem = settle_question(row, answers == nullptr || labels == LabelUse::kIgnored ? Json() : *answers, labels);
  }
  if (!out.problem.empty())
    out.problem = fmt::format("{}, question '{}': {}", place, excerpt(row.id.empty() ? row.text : row.id), out.problem);
  return out;
}

void add_paragraph(const Json& paragraph, const std::string& place, uint64_t line, LabelUse labels, std::vector<SquadRow>& out) {
  const Json* context = member(paragraph, "context");
  const Json* questions = member(paragraph, "qas");
  if (context == nullptr || !context->is_string() || questions == nullptr || !questions->is_array()) {
    out.push_back({.row = {}, .problem = fmt::format("{}: expected a text 'context' and a list 'qas'", place)});
    out.back().row.line = line;
    return;
  }
  for (const Json& qa : *questions) out.push_back(squad_row(qa, context->get_ref<const std::string&>(), place, line, labels));
}

}  // namespace

std::string settle_question(Row& row, const Json& answers, LabelUse labels) {
  if (has_no_text(row.text)) return "the question is empty";
  if (!row.pair || has_no_text(*row.pair)) return "the context is empty";
  row.group = fmt::format("{:016x}", hash_name(*row.pair));
  row.label = nullptr;
  if (answers.is_null()) return labels == LabelUse::kRequired ? "the answers are missing" : "";
  Json gold = {{"text", Json::array()}, {"answer_start", Json::array()}};
  const CodePoints points(*row.pair);
  if (answers.is_array()) {
    for (const Json& answer : answers)
      if (std::string problem = take_answer(member(answer, "text"), member(answer, "answer_start"), *row.pair, points, gold);
          !problem.empty())
        return problem;
  } else {
    const Json* texts = member(answers, "text");
    const Json* starts = member(answers, "answer_start");
    if (texts == nullptr || starts == nullptr || !texts->is_array() || !starts->is_array())
      return fmt::format("'answers' is {}, expected {{\"text\": [...], \"answer_start\": [...]}} or a list of answers", json_kind(answers));
    if (texts->size() != starts->size()) return fmt::format("{} answers, but {} values of answer_start", texts->size(), starts->size());
    for (size_t i = 0; i < texts->size(); ++i)
      if (std::string problem = take_answer(&(*texts)[i], &(*starts)[i], *row.pair, points, gold); !problem.empty()) return problem;
  }
  row.label = std::move(gold);
  return "";
}

bool is_squad_record(const Json& object) { return object.is_object() && (object.contains("paragraphs") || object.contains("qas")); }

std::vector<SquadRow> squad_rows(const Json& record, uint64_t line, LabelUse labels) {
  std::vector<SquadRow> out;
  const std::string title = text_member(record, "title");
  const std::string article = title.empty() ? "article" : fmt::format("article '{}'", excerpt(title));
  if (record.contains("qas")) {
    add_paragraph(record, "paragraph", line, labels, out);
  } else if (const Json* paragraphs = member(record, "paragraphs"); paragraphs != nullptr && paragraphs->is_array()) {
    for (size_t i = 0; i < paragraphs->size(); ++i)
      add_paragraph((*paragraphs)[i], fmt::format("{}, paragraph {}", article, i + 1), line, labels, out);
  } else {
    out.push_back({.row = {}, .problem = fmt::format("{}: 'paragraphs' is not a list", article)});
    out.back().row.line = line;
  }
  return out;
}

}  // namespace attune
