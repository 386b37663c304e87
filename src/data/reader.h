// Data files to rows: CSV, TSV, JSON (SQuAD too), JSON Lines, CoNLL columns and plain text, each also .gz. Every record becomes a Row or a BadRow: nothing is
// dropped without being listed. docs/formats of GLUE files: TSV has no quoting.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "data/columns.h"
#include "data/row.h"

namespace attune {

enum class DataFormat { kAuto, kCsv, kTsv, kJson, kJsonLines, kText, kConll };
enum class OnBadRows { kStop, kSkip };

struct ReadOptions {
  DataFormat format = DataFormat::kAuto;  ///< kAuto: by the name's ending
  RowKind kind = RowKind::kText;
  ColumnConfig columns;
  LabelUse labels = LabelUse::kRequired;
  OnBadRows on_bad_rows = OnBadRows::kStop;
  std::optional<bool> header;                    ///< of CSV and TSV; false: columns are called 1, 2, ...; unset: there is one, but not in CoLA's files
  char delimiter = 0;                            ///< of CSV; 0: found in the first line
  uint64_t max_bytes = uint64_t{4} << 30;        ///< of the unpacked file
  uint64_t max_record = uint64_t{64} << 20;      ///< of one row
};

/// A record that is no row.
struct BadRow {
  uint64_t line = 0;
  std::string reason;  ///< one sentence, naming the column where there is one
};

struct DataFile {
  std::string name;
  DataFormat format = DataFormat::kAuto;
  std::vector<std::string> column_names;  ///< header or keys; empty for plain text
  Columns columns;                        ///< what was used for what
  std::string glue_task;                  ///< mrpc, qqp, qnli, mnli, stsb or cola where the file tells; else ""
  std::vector<Row> rows;
  std::vector<BadRow> bad;       ///< not empty only with OnBadRows::kSkip (or QQP's rows with missing fields, which GLUE skips)
  uint64_t blank_lines = 0;      ///< in CSV, TSV and JSON Lines: no rows; in plain text they are rows
};

/// Reads a whole file ("-": standard input, where the format is JSON Lines if the first line begins with '{', else text).
/// Error(kInput): file.*, gzip.damaged, data.empty, data.no_rows, data.encoding, data.format, data.bad_rows, those of find_columns and of JSON.
/// With OnBadRows::kSkip the bad rows are listed as a warning.
DataFile read_rows(const fs::path& path, const ReadOptions& options = {});
/// The same for content in memory; `where` names it in messages and decides the format.
DataFile parse_rows(std::string_view content, const std::string& where, const ReadOptions& options = {});

/// Row by row without holding the file, for JSON Lines and text (also from standard input); other formats are read whole first.
/// `each` returns false to stop.
void for_each_row(const fs::path& path, const ReadOptions& options, const std::function<bool(Row&&)>& each);

/// By the ending, .gz left aside: .csv, .tsv, .json, .jsonl or .ndjson, .txt or .text, .conll or .bio or .iob. Error(kInput) "data.format" otherwise.
DataFormat format_of(const fs::path& path);
const char* format_name(DataFormat format);
/// "csv", "tsv", "json", "jsonl", "text", "conll", "auto". Error(kUsage) "data.format".
DataFormat format_from_name(const std::string& name);

/// "FILE:LINE: reason", the first ten, then a count.
std::string list_bad_rows(const std::string& where, const std::vector<BadRow>& bad);

}  // namespace attune
