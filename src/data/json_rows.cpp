#include "data/json_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "base/error.h"
#include "data/excerpt.h"

namespace attune {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/// Where each element of the outermost list (or of the list under `key` of the outermost object) starts, as a line number.
/// Only for text that parse_json has accepted.
class LineFinder {
 public:
  LineFinder(std::string_view text, std::string_view key) : s_(text), key_(key) {}

  std::vector<uint64_t> lines() {
    skip_space();
    if (peek() == '[') {
      list();
    } else if (peek() == '{') {
      ++at_;
      for (skip_space(); at_ < s_.size() && peek() != '}'; skip_space()) {
        if (peek() == ',') {
          ++at_;
          continue;
        }
        const size_t begin = at_;
        skip_string();
        const bool wanted = parse_json(s_.substr(begin, at_ - begin), "").get<std::string>() == key_;
        skip_space();
        ++at_;  // ':'
        skip_space();
        if (wanted) {
          list();
          break;
        }
        skip_value();
      }
    }
    return std::move(lines_);
  }

 private:
  char peek() const { return at_ < s_.size() ? s_[at_] : '\0'; }
  void skip_space() {
    for (; at_ < s_.size() && is_space(s_[at_]); ++at_) line_ += s_[at_] == '\n';
  }
  void skip_string() {
    for (++at_; at_ < s_.size() && s_[at_] != '"'; ++at_) at_ += s_[at_] == '\\';
    ++at_;
  }
  void skip_value() {
    int depth = 0;
    while (at_ < s_.size()) {
      const char c = s_[at_];
      if (c == '"') {
        skip_string();
        if (depth == 0) return;
        continue;
      }
      if (depth == 0 && (c == ',' || c == ']' || c == '}')) return;
      if (c == '{' || c == '[') ++depth;
      if (c == '}' || c == ']') --depth;
      line_ += c == '\n';
      ++at_;
      if (depth == 0 && (c == '}' || c == ']')) return;
    }
  }
  void list() {
    ++at_;
    for (skip_space(); at_ < s_.size() && peek() != ']'; skip_space()) {
      if (peek() == ',') {
        ++at_;
        continue;
      }
      lines_.push_back(line_);
      skip_value();
    }
  }

  std::string_view s_, key_;
  size_t at_ = 0;
  uint64_t line_ = 1;
  std::vector<uint64_t> lines_;
};

/// True when a second document follows the first: JSON Lines under another name.
bool holds_several(std::string_view s) {
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < s.size(); ++i) {
    const char c = s[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (--depth > 0) continue;
      const size_t next = std::min(s.find_first_not_of(" \t\r\n", i + 1), s.size());
      return next < s.size() && s[next] == '{' && s.substr(i, next - i).find('\n') != std::string_view::npos;
    }
  }
  return false;
}

bool holds_objects(const Json& value) { return value.is_array() && !value.empty() && value.front().is_object(); }

/// {"text": [...], "label": [...]}: columns of one length.
bool is_columns(const Json& document) {
  constexpr size_t kMostColumns = 4096;  // a row of each is built by looking names up one after another
  if (!document.is_object() || document.empty() || document.size() > kMostColumns) return false;
  if (!document.front().is_array() || document.front().empty()) return false;
  return std::all_of(document.begin(), document.end(), [&](const Json& column) {
    return column.is_array() && column.size() == document.front().size() && !column.front().is_object();
  });
}

JsonRecord as_record(Json&& value, uint64_t line) {
  JsonRecord record{.line = line, .object = nullptr, .problem = ""};
  if (value.is_object()) {
    record.object = std::move(value);
  } else {
    record.problem = fmt::format("expected an object such as {{\"text\": ..., \"label\": ...}}, found {}", json_kind(value));
  }
  return record;
}

}  // namespace

JsonRecord parse_json_line(std::string_view line, uint64_t number, uint64_t max_record) {
  if (line.size() > max_record) {
    return {.line = number, .object = nullptr, .problem = fmt::format("a row of {} bytes; the limit is {}", line.size(), max_record)};
  }
  try {
    return as_record(parse_json(line, "", {.max_bytes = max_record, .max_depth = 64, .allow_nan = false}), number);
  } catch (const Error& e) {
    const std::string& at = e.info().where;  // ":1:COLUMN"
    const size_t colon = at.rfind(':');
    const std::string place = colon == std::string::npos ? "" : fmt::format(" (at byte {})", at.substr(colon + 1));
    return {.line = number, .object = nullptr, .problem = fmt::format("JSON: {}{}", e.info().what, place)};
  }
}

JsonRecords parse_json_lines(std::string_view content, uint64_t max_record) {
  JsonRecords out;
  uint64_t number = 0;
  for (size_t at = 0; at < content.size();) {
    const size_t end = std::min(content.find('\n', at), content.size());
    std::string_view line = content.substr(at, end - at);
    at = end + 1;
    ++number;
    if (std::all_of(line.begin(), line.end(), is_space)) {
      ++out.blank_lines;
      continue;
    }
    if (line.back() == '\r') line.remove_suffix(1);
    out.records.push_back(parse_json_line(line, number, max_record));
  }
  return out;
}

JsonRecords parse_json_document(std::string_view content, const std::string& where, uint64_t max_bytes, uint64_t max_record) {
  const size_t first = content.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && content[first] == '{' && holds_several(content)) return parse_json_lines(content, max_record);

  Json document = parse_json(content, where, {.max_bytes = max_bytes, .max_depth = 64, .allow_nan = false});
  const auto wrong_shape = [&](std::string got) {
    fail(ErrorCode::kInput, {.id = "data.json_shape",
                             .where = where,
                             .what = "holds no rows",
                             .expected = "a list of objects, an object with one such list inside, or an object a line (JSON Lines)",
                             .got = std::move(got),
                             .hint = ""});
  };
  JsonRecords out;
  if (is_columns(document)) {
    const size_t rows = document.front().size();
    const std::vector<uint64_t> lines = LineFinder(content, document.begin().key()).lines();
    for (size_t i = 0; i < rows; ++i) {
      Json row = Json::object();
      for (auto& [name, column] : document.items()) row[name] = std::move(column[i]);
      out.records.push_back({.line = i < lines.size() ? lines[i] : 0, .object = std::move(row), .problem = ""});
    }
    return out;
  }
  std::string key;
  Json* list = document.is_array() ? &document : nullptr;
  if (document.is_object()) {
    std::vector<std::string> found;
    for (const auto& [name, value] : document.items()) {
      if (holds_objects(value)) found.push_back(name);
    }
    for (const char* usual : {"data", "rows", "examples", "records", "instances"}) {
      if (found.size() > 1 && std::find(found.begin(), found.end(), usual) != found.end()) found = {usual};
    }
    if (found.size() != 1) wrong_shape(found.empty() ? "an object without a list of objects" : fmt::format("{} lists: {}", found.size(), fmt::join(found, ", ")));
    key = found[0];
    list = &document[key];
  }
  if (list == nullptr) wrong_shape(json_kind(document));
  const std::vector<uint64_t> lines = LineFinder(content, key).lines();
  for (size_t i = 0; i < list->size(); ++i) out.records.push_back(as_record(std::move((*list)[i]), i < lines.size() ? lines[i] : 0));
  return out;
}

std::vector<std::string> keys_of(const JsonRecords& records) {
  std::vector<std::string> names;
  std::unordered_set<std::string> known;
  for (const JsonRecord& record : records.records) {
    if (!record.problem.empty()) continue;
    for (const auto& [name, value] : record.object.items()) {
      if (known.insert(name).second) names.push_back(name);
    }
  }
  return names;
}

}  // namespace attune
