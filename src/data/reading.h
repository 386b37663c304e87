// Parts of reading that files held whole (data/reader.h) and files read a piece at a time (data/row_source.h) share.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "data/delimited.h"
#include "data/reader.h"

namespace attune {

[[noreturn]] void fail_data(const char* id, const std::string& where, std::string what, std::string hint = "");

/// Error(kInput) "data.encoding" for UTF-16 and UTF-32.
std::string_view without_bom(std::string_view content, const std::string& where);
/// The format of a file of such rows: words with tags are in columns where a text file or a TSV could be meant.
DataFormat format_for(const fs::path& path, const ReadOptions& options);
/// Roles of file.column_names.
void resolve(DataFile& file, const ReadOptions& options);
/// Error(kInput) "data.column" when groups are wanted of a file whose rows have no named columns.
void refuse_slice(const DataFile& file, const ReadOptions& options);

/// The next record that is not blank, of at most so many cells; false at the end.
using NextRecord = std::function<bool(DelimitedRecord&, size_t)>;
/// Names and roles of the columns from the first record. True when it is a row already. Error(kInput) "data.empty", "data.header".
bool take_header(const NextRecord& next, DelimitedRecord& first, DataFile& file, const ReadOptions& options, bool checked);
/// Error(kInput) "data.format" where the rows cannot be in CSV or TSV.
void refuse_delimited(const DataFile& file, const ReadOptions& options);

/// What is said of a file with `rows` good rows: Error(kInput) "data.bad_rows", "data.no_rows".
void judge(const DataFile& file, size_t rows, const ReadOptions& options);
/// Those left out, as a warning.
void warn_of_bad_rows(const DataFile& file, size_t rows);

}  // namespace attune
