#include "data/row_maker.h"

#include <fmt/format.h>

#include "base/utf8.h"
#include "data/excerpt.h"
#include "data/question_rows.h"

namespace attune {
namespace {

/// A cell as text: "" for null.
std::string cell_text(const Json& value) {
  if (value.is_null()) return "";
  return value.is_string() ? value.get<std::string>() : dump_json(value, {.indent = -1, .sort_keys = false, .ascii = false});
}

/// Why a list of chat messages cannot be used, or "".
std::string messages_problem(const Json* messages, const std::string& where) {
  if (!messages || !messages->is_array() || messages->empty())
    return fmt::format("'{}' is {}, expected a list of messages", where, !messages ? "missing" : messages->is_array() ? "an empty list" : json_kind(*messages));
  for (const Json& m : *messages)
    for (const char* key : {"role", "content"})
      if (!m.is_object() || !m.contains(key) || !m[key].is_string()) return fmt::format("a message of '{}' has no {} that is a text", where, key);
  return "";
}

bool label_is_missing(const Json& label) {
  return label.is_null() || (label.is_string() && label.get_ref<const std::string&>().empty());
}

/// A label may be text, a number, true or false, or a list of texts or numbers.
bool label_is_usable(const Json& label) {
  if (label.is_object()) return false;
  if (!label.is_array()) return true;
  for (const Json& one : label) {
    if (!one.is_string() && !one.is_number() && !one.is_boolean()) return false;
  }
  return true;
}

}  // namespace

std::string joined_words(std::span<const std::string> words) {
  std::string out;
  for (const std::string& word : words) {
    if (&word != words.data()) out += ' ';
    out += word;
  }
  return out;
}

std::string text_problem(std::string_view text) {
  if (const size_t at = first_invalid_utf8(text); at != std::string_view::npos) {
    return fmt::format("invalid UTF-8 (byte 0x{:02x}) after '{}'; convert the file, for example with iconv -f WINDOWS-1252 -t UTF-8",
                       static_cast<unsigned char>(text[at]), excerpt(text.substr(at > 20 ? at - 20 : 0, at > 20 ? 20 : at)));
  }
  if (const size_t at = text.find('\0'); at != std::string_view::npos) return fmt::format("a NUL byte after {} bytes: is this a text file?", at);
  return "";
}

Json* RowMaker::member(JsonRecord& record, int column) const {
  if (column < 0) return nullptr;
  const auto it = record.object.find(name(column));
  return it == record.object.end() ? nullptr : &*it;
}

void RowMaker::take_names(JsonRecord& record, Row& row) const {
  if (const Json* id = member(record, file_.columns.id)) {
    row.id = cell_text(*id);
    row.id_is_number = id->is_number();
  }
  if (const Json* slice = member(record, file_.columns.slice)) row.slice = cell_text(*slice);
}

void RowMaker::keep(Row&& row) {
  row.index = file_.rows.size();
  file_.rows.push_back(std::move(row));
}

void RowMaker::add(DelimitedRecord& record, bool checked) {
  if (!record.problem.empty()) return bad(record.line, std::move(record.problem));
  const size_t expected = file_.column_names.size();
  if (record.columns != expected) {
    std::string hint;
    if (record.columns > expected && file_.format == DataFormat::kCsv) hint = "; a text that holds the separator must be in double quotes";
    return bad(record.line, fmt::format("expected {} columns, found {}: begins '{}'{}", expected, record.columns,
                                        excerpt(record.cells.empty() ? "" : record.cells[0]), hint));
  }
  if (!checked) {
    for (size_t i = 0; i < record.cells.size(); ++i) {
      if (const std::string problem = text_problem(record.cells[i]); !problem.empty()) {
        return bad(record.line, fmt::format("column {} ('{}'): {}", i + 1, excerpt(file_.column_names[i]), problem));
      }
    }
  }
  const Columns& c = file_.columns;
  const auto cell = [&](int column) { return std::move(record.cells[static_cast<size_t>(column)]); };
  Row row;
  row.line = record.line;
  if (c.slice >= 0) row.slice = record.cells[static_cast<size_t>(c.slice)];
  if (c.label >= 0) {
    row.label = cell(c.label);
    if (label_is_missing(row.label)) {
      if (options_.labels == LabelUse::kRequired) return bad(record.line, fmt::format("column {} ('{}'): the label is missing", c.label + 1, name(c.label)));
      row.label = nullptr;
    }
  }
  row.text = cell(c.text);
  if (c.pair >= 0) row.pair = cell(c.pair);
  if (c.id >= 0) row.id = cell(c.id);
  if (options_.kind == RowKind::kQuestion) {
    Json answers;
    if (row.label.is_string()) {
      JsonRecord parsed = parse_json_line(row.label.get_ref<const std::string&>(), record.line, options_.max_record);
      if (!parsed.problem.empty()) return bad(record.line, fmt::format("column {} ('{}'): expected answers as JSON: {}", c.label + 1, name(c.label), parsed.problem));
      answers = std::move(parsed.object);
    }
    if (std::string problem = settle_question(row, answers, options_.labels); !problem.empty()) return bad(record.line, std::move(problem));
    return keep_question(std::move(row));
  }
  keep(std::move(row));
}

void RowMaker::add(JsonRecord& record) {
  if (!record.problem.empty()) return bad(record.line, std::move(record.problem));
  if (options_.kind == RowKind::kTokens) return add_tokens(record);
  if (options_.kind == RowKind::kQuestion) return add_question(record);
  if (options_.kind == RowKind::kDocument) return add_document(record);
  const Columns& c = file_.columns;
  Row row;
  row.line = record.line;
  take_names(record, row);
  for (const int column : {c.text, c.pair}) {
    if (column < 0) continue;
    Json* value = member(record, column);
    if (value == nullptr || value->is_null()) {
      return bad(record.line, fmt::format("'{}' is {}", name(column), value == nullptr ? "missing" : "null"));
    }
    if (!value->is_string()) return bad(record.line, fmt::format("'{}' is {}, expected a text", name(column), json_kind(*value)));
    if (column == c.text) {
      row.text = std::move(value->get_ref<std::string&>());
    } else {
      row.pair = std::move(value->get_ref<std::string&>());
    }
  }
  if (Json* label = member(record, c.label)) row.label = std::move(*label);
  if (!label_is_usable(row.label)) {
    return bad(record.line, fmt::format("'{}' is {}, expected a text, a number or a list of them", name(c.label),
                                        row.label.is_array() ? "a list of other things" : json_kind(row.label)));
  }
  if (c.label >= 0 && options_.labels == LabelUse::kRequired && label_is_missing(row.label)) {
    return bad(record.line, fmt::format("'{}': the label is missing", name(c.label)));
  }
  if (label_is_missing(row.label)) row.label = nullptr;
  keep(std::move(row));
}

void RowMaker::add_tokens(JsonRecord& record) {
  const Columns& c = file_.columns;
  // A file for prediction may hold rows of words and rows of text.
  Json* value = nullptr;
  std::string used = name(c.text);
  if (const auto it = record.object.find(used); it != record.object.end()) value = &*it;
  for (size_t i = 0; value == nullptr && i < usual_token_columns().size(); ++i) {
    used = usual_token_columns()[i];
    if (const auto it = record.object.find(used); it != record.object.end()) value = &*it;
  }
  if (value == nullptr) return bad(record.line, fmt::format("'{}' is missing", name(c.text)));
  Row row;
  row.line = record.line;
  if (value->is_string() && options_.labels == LabelUse::kIgnored) {
    row.text = std::move(value->get_ref<std::string&>());
  } else {
    if (!value->is_array()) return bad(record.line, fmt::format("'{}' is {}, expected a list of words", used, json_kind(*value)));
    for (Json& word : *value) {
      if (!word.is_string()) return bad(record.line, fmt::format("'{}' holds {}, expected words", used, json_kind(word)));
      row.tokens.push_back(std::move(word.get_ref<std::string&>()));
    }
    if (row.tokens.empty()) return bad(record.line, fmt::format("'{}' is an empty list", used));
    row.text = joined_words(row.tokens);
  }
  const auto tags = c.label < 0 ? record.object.end() : record.object.find(name(c.label));
  if (tags == record.object.end() || tags->is_null()) {
    if (options_.labels == LabelUse::kRequired) return bad(record.line, fmt::format("'{}' is missing", name(c.label)));
  } else {
    if (!tags->is_array()) return bad(record.line, fmt::format("'{}' is {}, expected a list with a tag a word", name(c.label), json_kind(*tags)));
    if (tags->size() != row.tokens.size()) {
      return bad(record.line, fmt::format("{} words in '{}', but {} tags in '{}': begins '{}'", row.tokens.size(), used, tags->size(), name(c.label), excerpt(row.text)));
    }
    for (const Json& tag : *tags) {
      if (tag.is_string() ? tag.get_ref<const std::string&>().empty() : !tag.is_number_integer())
        return bad(record.line, fmt::format("'{}' holds {}, expected names of tags or their numbers", name(c.label), tag.is_string() ? "an empty text" : json_kind(tag)));
    }
    row.label = std::move(*tags);
  }
  take_names(record, row);
  keep(std::move(row));
}

void RowMaker::add_document(JsonRecord& record) {
  const Columns& c = file_.columns;
  Row row;
  row.line = record.line;
  std::string problem;
  const Json* text = member(record, c.text);
  const Json* pair = member(record, c.pair);
  if (c.label >= 0) {
    const Json* messages = member(record, c.label);
    problem = messages_problem(messages, name(c.label));
    if (problem.empty()) row.label = *messages;
  } else if (c.pair >= 0 && text && text->is_array()) {
    problem = messages_problem(text, name(c.text));
    if (problem.empty()) problem = messages_problem(pair, name(c.pair));
    if (problem.empty()) row.label = {{"prompt", *text}, {"completion", *pair}};
  } else {
    for (const auto& [column, value] : {std::pair{c.text, text}, {c.pair, pair}})
      if (column >= 0 && problem.empty() && (!value || !value->is_string()))
        problem = fmt::format("'{}' is {}, expected a text", name(column), value ? json_kind(*value) : "missing");
    if (problem.empty()) row.text = text->get<std::string>();
    if (problem.empty() && pair) row.pair = pair->get<std::string>();
  }
  if (!problem.empty()) return bad(record.line, std::move(problem));
  take_names(record, row);
  keep(std::move(row));
}

void RowMaker::add_question(JsonRecord& record) {
  const Columns& c = file_.columns;
  Row row;
  row.line = record.line;
  for (const int column : {c.text, c.pair}) {
    const Json* value = member(record, column);
    if (value == nullptr || !value->is_string())
      return bad(record.line, fmt::format("'{}' is {}, expected a text", name(column), value == nullptr ? "missing" : json_kind(*value)));
    (column == c.text ? row.text : row.pair.emplace()) = value->get_ref<const std::string&>();
  }
  take_names(record, row);
  const Json* answers = member(record, c.label);
  if (std::string problem = settle_question(row, answers == nullptr ? Json() : *answers, options_.labels); !problem.empty()) return bad(record.line, std::move(problem));
  keep_question(std::move(row));
}

void RowMaker::keep_question(Row&& row) {
  if (options_.labels == LabelUse::kRequired && !row.id.empty()) {
    const auto [first, fresh] = ids_.emplace(row.id, row.line);
    if (!fresh) return bad(row.line, fmt::format("the id '{}' is already that of the question at line {}", excerpt(row.id), first->second));
  }
  keep(std::move(row));
}

void RowMaker::add_squad(JsonRecord& record) {
  if (!record.problem.empty()) return bad(record.line, std::move(record.problem));
  if (!is_squad_record(record.object)) return bad(record.line, "expected an article with 'paragraphs', as in the records before");
  for (SquadRow& r : squad_rows(record.object, record.line, options_.labels)) {
    if (!r.problem.empty()) {
      bad(r.row.line, std::move(r.problem));
    } else {
      keep_question(std::move(r.row));
    }
  }
}

void RowMaker::add(std::string_view line, uint64_t number, bool checked) {
  if (options_.kind == RowKind::kQuestion) return bad(number, "expected a JSON object with question and context");
  if (line.size() > options_.max_record) return bad(number, fmt::format("a row of {} bytes; the limit is {}", line.size(), options_.max_record));
  if (!checked) {
    if (std::string problem = text_problem(line); !problem.empty()) return bad(number, std::move(problem));
  }
  Row row;
  row.line = number;
  row.text = std::string(line);
  keep(std::move(row));
}

}  // namespace attune
