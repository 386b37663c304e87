// Comma- and tab-separated files, record by record. With quoting: RFC 4180 ("" for a quote, line ends inside quotes). Without: GLUE's
// TSV, where a quote is an ordinary character. A malformed record is returned with its problem, never skipped; time is linear in the bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace attune {

struct DelimitedRecord {
  uint64_t line = 0;               ///< 1-based line it starts at
  std::vector<std::string> cells;  ///< at most the parser's `max_cells`
  uint64_t columns = 0;            ///< how many there were
  std::string problem;             ///< not empty: malformed, and the cells are not to be used
};

class DelimitedParser {
 public:
  /// `content` outlives the parser. A record longer than `max_record` bytes is a problem, and so is a quote that is never closed. Of a piece
  /// of a file: the line it begins in, and whether other pieces have line feeds.
  DelimitedParser(std::string_view content, char delimiter, bool quoting, uint64_t max_record, uint64_t first_line = 1, bool line_feeds = false);

  /// The next record that is not a blank line; false at the end. Cells beyond `max_cells` are counted, not kept.
  bool next(DelimitedRecord& record, size_t max_cells);
  uint64_t blank_lines() const { return blank_; }
  size_t position() const { return at_; }  ///< bytes read
  uint64_t line() const { return line_; }  ///< 1-based, the one read next

 private:
  struct Slice {
    size_t begin, end;
    bool doubled;  ///< holds "" to be made one
  };
  void keep(const Slice& slice, size_t max_cells);
  size_t end_of_line(size_t at) const;
  void step_over_line_end();
  std::string read_quoted(size_t max_cells);

  std::string_view content_;
  char delimiter_;
  bool quoting_;
  bool return_ends_line_;  ///< a lone carriage return ends a line
  uint64_t max_record_;
  size_t at_ = 0;
  uint64_t line_, blank_ = 0, columns_ = 0;
  std::vector<Slice> slices_;
};

/// ',' unless the first line has none and has ';' or a tab instead (spreadsheets of countries with a decimal comma write ';').
char guess_delimiter(std::string_view content);

}  // namespace attune
