#include "data/reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "base/suggest.h"
#include "base/utf8.h"
#include "data/conll.h"
#include "data/question_rows.h"
#include "data/reading.h"
#include "data/row_maker.h"

namespace attune {
namespace {

constexpr std::string_view kBom = "\xef\xbb\xbf";

/// CoLA's train and dev files: source, label, author's mark, sentence, and no header.
bool looks_like_cola(const DelimitedRecord& first) {
  return first.columns == 4 && (first.cells[1] == "0" || first.cells[1] == "1") && (first.cells[2].empty() || first.cells[2] == "*");
}

void parse_delimited(std::string_view content, DataFile& file, const ReadOptions& options, bool checked) {
  refuse_delimited(file, options);
  const bool csv = file.format == DataFormat::kCsv;
  DelimitedParser parser(content, !csv ? '\t' : options.delimiter != 0 ? options.delimiter : guess_delimiter(content), csv, options.max_record);
  const NextRecord next = [&](DelimitedRecord& record, size_t cells) { return parser.next(record, cells); };
  DelimitedRecord record;
  const bool is_row = take_header(next, record, file, options, checked);
  RowMaker maker(file, options);
  if (is_row) maker.add(record, checked);
  while (parser.next(record, file.column_names.size())) maker.add(record, checked);
  file.blank_lines = parser.blank_lines();
}

void parse_json_rows(std::string_view content, DataFile& file, const ReadOptions& options) {
  JsonRecords records = file.format == DataFormat::kJsonLines ? parse_json_lines(content, options.max_record)
                                                              : parse_json_document(content, file.name, options.max_bytes, options.max_record);
  file.column_names = keys_of(records);
  file.blank_lines = records.blank_lines;
  if (options.kind == RowKind::kQuestion && std::any_of(records.records.begin(), records.records.end(), [](const JsonRecord& r) { return is_squad_record(r.object); })) {
    refuse_slice(file, options);
    RowMaker maker(file, options);
    for (JsonRecord& record : records.records) maker.add_squad(record);
    return;
  }
  const bool all_bad = std::all_of(records.records.begin(), records.records.end(), [](const JsonRecord& r) { return !r.problem.empty(); });
  if (!all_bad) resolve(file, options);
  RowMaker maker(file, options);
  for (JsonRecord& record : records.records) maker.add(record);
  if (file.glue_task.empty()) file.glue_task = glue_task(file.column_names);
}

void parse_text(std::string_view content, DataFile& file, const ReadOptions& options, bool checked) {
  if (options.kind == RowKind::kQuestion) {
    fail_data("data.format", file.name, "plain text has no questions with their contexts", "use JSON of SQuAD's form, or JSON Lines with question and context");
  }
  if (options.labels == LabelUse::kRequired) {
    fail_data("data.no_label_column", file.name, "plain text has no labels", "use CSV, TSV or JSON Lines with a text and a label column");
  }
  RowMaker maker(file, options);
  if (options.kind == RowKind::kDocument) return maker.add(content, 1, checked);  // a text, not lines
  const char end_of_line = content.find('\n') == std::string_view::npos ? '\r' : '\n';
  uint64_t number = 0;
  for (size_t at = 0; at < content.size();) {
    const size_t end = std::min(content.find(end_of_line, at), content.size());
    std::string_view line = content.substr(at, end - at);
    at = end + 1;
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    maker.add(line, ++number, checked);
  }
}

/// QQP's train file has rows with missing fields; GLUE's own reader skips them.
bool skipped_by_glue(const DataFile& file) {
  return file.glue_task == "qqp" && std::all_of(file.bad.begin(), file.bad.end(), [](const BadRow& b) { return b.reason.find(" columns, found ") != std::string::npos; });
}

DataFormat sniff(std::string_view line) {
  const size_t first = line.find_first_not_of(" \t");
  return first != std::string_view::npos && line[first] == '{' ? DataFormat::kJsonLines : DataFormat::kText;
}

}  // namespace

void fail_data(const char* id, const std::string& where, std::string what, std::string hint) {
  fail(ErrorCode::kInput, {.id = id, .where = where, .what = std::move(what), .expected = "", .got = "", .hint = std::move(hint)});
}

std::string_view without_bom(std::string_view content, const std::string& where) {
  if (content.starts_with(kBom)) return content.substr(kBom.size());
  if (content.starts_with("\xff\xfe") || content.starts_with("\xfe\xff")) {
    fail_data("data.encoding", where, "is UTF-16 or UTF-32 text; files must be UTF-8", "convert it: iconv -f UTF-16 -t UTF-8 IN > OUT");
  }
  return content;
}

void resolve(DataFile& file, const ReadOptions& options) { file.columns = find_columns(file.column_names, options.columns, options.labels, file.name, options.kind); }

void refuse_slice(const DataFile& file, const ReadOptions& options) {
  if (options.columns.slice.empty()) return;
  fail_data("data.column", file.name, fmt::format("there is no column '{}' for the groups: rows of this form have no named columns", options.columns.slice),
            "use JSON Lines or CSV with such a column");
}

void refuse_delimited(const DataFile& file, const ReadOptions& options) {
  if (options.kind == RowKind::kTokens && options.labels == LabelUse::kRequired) {
    fail_data("data.format", file.name, "CSV and TSV cells cannot hold a list of words with a tag each", "use CoNLL columns (format: conll) or JSON Lines with tokens and ner_tags");
  }
}

bool take_header(const NextRecord& next, DelimitedRecord& record, DataFile& file, const ReadOptions& options, bool checked) {
  constexpr size_t kMostColumns = 4096;
  if (!next(record, kMostColumns)) fail_data("data.empty", file.name, "holds only blank lines");
  if (!record.problem.empty()) fail_data("data.header", fmt::format("{}:{}", file.name, record.line), "the header cannot be read: " + record.problem);
  if (record.columns > kMostColumns) fail_data("data.header", file.name, fmt::format("{} columns; at most {} are read", record.columns, kMostColumns));
  if (!checked) {
    for (const std::string& cell : record.cells) {
      if (const std::string problem = text_problem(cell); !problem.empty()) {
        fail_data("data.header", fmt::format("{}:{}", file.name, record.line), "the header cannot be read: " + problem);
      }
    }
  }
  bool is_row = options.header == false;
  if (is_row) {
    for (size_t i = 0; i < record.cells.size(); ++i) file.column_names.push_back(std::to_string(i + 1));
  } else if (!options.header && file.format != DataFormat::kCsv && looks_like_cola(record)) {
    file.column_names = {"source", "label", "mark", "sentence"};
    file.glue_task = "cola";
    is_row = true;
  } else {
    file.column_names = record.cells;
  }
  resolve(file, options);
  if (file.glue_task.empty()) file.glue_task = glue_task(file.column_names);
  return is_row;
}

void judge(const DataFile& file, size_t rows, const ReadOptions& options) {
  if (!file.bad.empty() && options.on_bad_rows == OnBadRows::kStop && !skipped_by_glue(file)) {
    const size_t all = file.bad.size() + rows;
    fail_data("data.bad_rows", file.name, fmt::format("{} of {} rows cannot be used:{}", grouped(file.bad.size()), grouped(all), list_bad_rows(file.name, file.bad)),
              "correct them, or say on_bad_rows: skip to go on without them");
  }
  if (rows == 0 && file.bad.empty()) {
    fail_data("data.no_rows", file.name, file.format == DataFormat::kCsv || file.format == DataFormat::kTsv ? "has a header but no rows" : "holds no rows");
  }
  if (rows == 0) fail_data("data.no_rows", file.name, "has no usable row:" + list_bad_rows(file.name, file.bad));
}

void warn_of_bad_rows(const DataFile& file, size_t rows) {
  if (file.bad.empty()) return;
  warning(fmt::format("{}: {} of {} rows are left out:{}", file.name, grouped(file.bad.size()), grouped(file.bad.size() + rows),
                      list_bad_rows(file.name, file.bad)));
}

DataFormat format_for(const fs::path& path, const ReadOptions& options) {
  if (options.format != DataFormat::kAuto) return options.format;
  const DataFormat format = format_of(path);
  const bool columns = options.kind == RowKind::kTokens && options.labels != LabelUse::kIgnored && (format == DataFormat::kText || format == DataFormat::kTsv);
  return columns ? DataFormat::kConll : format;
}

std::string list_bad_rows(const std::string& where, const std::vector<BadRow>& bad) {
  Problems problems;
  for (const BadRow& b : bad) problems.add(fmt::format("{}:{}: {}", where, b.line, b.reason));
  return problems.list();
}

DataFormat format_of(const fs::path& path) {
  fs::path name = path.filename();
  if (name.extension() == ".gz") name = name.stem();
  std::string ending = name.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (ending == ".csv") return DataFormat::kCsv;
  if (ending == ".tsv" || ending == ".tab") return DataFormat::kTsv;
  if (ending == ".json") return DataFormat::kJson;
  if (ending == ".jsonl" || ending == ".ndjson") return DataFormat::kJsonLines;
  if (ending == ".txt" || ending == ".text") return DataFormat::kText;
  if (ending == ".conll" || ending == ".bio" || ending == ".iob" || ending == ".iob2") return DataFormat::kConll;
  fail(ErrorCode::kInput, {.id = "data.format",
                           .where = path.string(),
                           .what = "the name does not tell the format",
                           .expected = ".csv, .tsv, .json, .jsonl, .conll or .txt, each also with .gz",
                           .got = ending.empty() ? "no ending" : ending,
                           .hint = "rename the file or give the format"});
}

const char* format_name(DataFormat format) {
  switch (format) {
    case DataFormat::kCsv: return "csv";
    case DataFormat::kTsv: return "tsv";
    case DataFormat::kJson: return "json";
    case DataFormat::kJsonLines: return "jsonl";
    case DataFormat::kText: return "text";
    case DataFormat::kConll: return "conll";
    case DataFormat::kAuto: break;
  }
  return "auto";
}

DataFormat format_from_name(const std::string& name) {
  for (DataFormat format : {DataFormat::kAuto, DataFormat::kCsv, DataFormat::kTsv, DataFormat::kJson, DataFormat::kJsonLines, DataFormat::kText, DataFormat::kConll}) {
    if (name == format_name(format)) return format;
  }
  fail(ErrorCode::kUsage, {.id = "data.format",
                           .where = "format",
                           .what = fmt::format("there is no data format '{}'", name),
                           .expected = "",
                           .got = "",
                           .hint = suggestion(name, {"auto", "csv", "tsv", "json", "jsonl", "text", "conll"})});
}

DataFile parse_rows(std::string_view content, const std::string& where, const ReadOptions& options) {
  DataFile file;
  file.name = where;
  file.format = format_for(where, options);
  if (content.size() > options.max_bytes) {
    fail_data("data.too_large", where, fmt::format("{} bytes; the limit is {}", grouped(content.size()), grouped(options.max_bytes)));
  }
  content = without_bom(content, where);
  if (content.empty()) fail_data("data.empty", where, "is empty");
  const bool checked = is_utf8(content) && content.find('\0') == std::string_view::npos;
  switch (file.format) {
    case DataFormat::kCsv:
    case DataFormat::kTsv: parse_delimited(content, file, options, checked); break;
    case DataFormat::kJson:
    case DataFormat::kJsonLines: parse_json_rows(content, file, options); break;
    case DataFormat::kConll:
      refuse_slice(file, options);
      parse_conll(content, file, options, checked);
      break;
    default:
      refuse_slice(file, options);
      parse_text(content, file, options, checked);
      break;
  }
  judge(file, file.rows.size(), options);
  return file;
}

DataFile read_rows(const fs::path& path, const ReadOptions& options) {
  ReadOptions known = options;
  std::string content;
  if (path == "-") {
    for_each_line(path, [&](std::string_view line, uint64_t) {
      content.append(line).push_back('\n');
      if (content.size() > options.max_bytes) fail_data("data.too_large", "standard input", fmt::format("more than {} bytes", grouped(options.max_bytes)));
      return true;
    }, options.max_record);
    if (known.format == DataFormat::kAuto) known.format = sniff(content);
  } else {
    if (known.format == DataFormat::kAuto && !folder_exists(path)) known.format = format_for(path, options);
    content = read_file_gz(path, options.max_bytes);
  }
  DataFile file = parse_rows(content, path == "-" ? "standard input" : path.string(), known);
  warn_of_bad_rows(file, file.rows.size());
  return file;
}

void for_each_row(const fs::path& path, const ReadOptions& options, const std::function<bool(Row&&)>& each) {
  const bool standard_input = path == "-";
  DataFormat format = standard_input ? options.format : format_for(path, options);
  const bool by_line = format == DataFormat::kJsonLines || format == DataFormat::kText || format == DataFormat::kAuto;
  if (!by_line || (!standard_input && path.extension() == ".gz")) {
    for (Row& row : read_rows(path, options).rows) {
      if (!each(std::move(row))) return;
    }
    return;
  }
  DataFile file;  // holds one row at a time
  file.name = standard_input ? "standard input" : path.string();
  RowMaker maker(file, options);
  uint64_t index = 0;
  std::vector<BadRow> left_out;
  bool resolved = false;
  for_each_line(path, [&](std::string_view line, uint64_t number) {
    if (number == 1) line = without_bom(line, file.name);
    if (format == DataFormat::kAuto) format = sniff(line);
    if (format == DataFormat::kText) {
      maker.add(line, number, false);
    } else {
      if (line.find_first_not_of(" \t\r") == std::string_view::npos) return true;
      JsonRecord record = parse_json_line(line, number, options.max_record);
      if (record.problem.empty() && !resolved) {
        file.column_names = keys_of({.records = {record}, .blank_lines = 0});
        resolve(file, options);
        resolved = true;
      }
      maker.add(record);
    }
    if (!file.bad.empty()) {
      if (options.on_bad_rows == OnBadRows::kStop) fail_data("data.bad_rows", fmt::format("{}:{}", file.name, number), file.bad.front().reason);
      left_out.push_back(std::move(file.bad.front()));
      file.bad.clear();
      return true;
    }
    Row row = std::move(file.rows.front());
    file.rows.clear();
    row.index = index++;
    return each(std::move(row));
  }, options.max_record);
  if (!left_out.empty()) warning(fmt::format("{}: {} rows are left out:{}", file.name, grouped(left_out.size()), list_bad_rows(file.name, left_out)));
}

}  // namespace attune
