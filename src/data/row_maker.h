// Records with named columns to Rows: the one place that says what a text, an id and a label may be.
#pragma once

#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "data/delimited.h"
#include "data/json_rows.h"
#include "data/reader.h"

namespace attune {

/// Keeps the good records as rows with running indices and the others with their reason.
class RowMaker {
 public:
  RowMaker(DataFile& file, const ReadOptions& options) : file_(file), options_(options) {}

  /// Of a delimited record with as many cells as file.column_names. Cells are moved out. `checked`: the content is UTF-8 without NUL.
  void add(DelimitedRecord& record, bool checked);
  /// Of an object; roles are looked up by name. Values are moved out.
  void add(JsonRecord& record);
  /// Of a line of plain text.
  void add(std::string_view line, uint64_t number, bool checked);
  /// Questions of an article of a SQuAD file.
  void add_squad(JsonRecord& record);

 private:
  void bad(uint64_t line, std::string reason) { file_.bad.push_back({line, std::move(reason)}); }
  std::string name(int column) const { return file_.column_names[static_cast<size_t>(column)]; }
  /// The value in a column; null where the record has none.
  Json* member(JsonRecord& record, int column) const;
  /// Its id and slice.
  void take_names(JsonRecord& record, Row& row) const;
  void keep(Row&& row);
  void add_tokens(JsonRecord& record);
  void add_question(JsonRecord& record);
  void add_document(JsonRecord& record);
  /// Keeps a row whose gold is settled; a second question of the same id is bad.
  void keep_question(Row&& row);

  DataFile& file_;
  const ReadOptions& options_;
  std::unordered_map<std::string, uint64_t> ids_;  // of questions with gold, and their lines
};

/// Why `text` cannot be used, or "": invalid UTF-8 or a NUL character.
std::string text_problem(std::string_view text);
/// With a space between; offsets of entities in rows of words count in this text.
std::string joined_words(std::span<const std::string> words);

}  // namespace attune
