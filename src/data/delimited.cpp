#include "data/delimited.h"

#include <fmt/core.h>

#include <algorithm>

namespace attune {

DelimitedParser::DelimitedParser(std::string_view content, char delimiter, bool quoting, uint64_t max_record, uint64_t first_line, bool line_feeds)
    : content_(content),
      delimiter_(delimiter),
      quoting_(quoting),
      // Unquoted files may hold a stray carriage return in a text; it ends a line only where nothing else does.
      return_ends_line_(quoting || (!line_feeds && content.find('\n') == std::string_view::npos)),
      max_record_(max_record),
      line_(first_line) {}

size_t DelimitedParser::end_of_line(size_t at) const {
  return std::min(return_ends_line_ ? content_.find_first_of("\r\n", at) : content_.find('\n', at), content_.size());
}

void DelimitedParser::step_over_line_end() {
  if (at_ >= content_.size()) return;
  at_ += content_[at_] == '\r' && at_ + 1 < content_.size() && content_[at_ + 1] == '\n' ? 2 : 1;
  ++line_;
}

void DelimitedParser::keep(const Slice& slice, size_t max_cells) {
  ++columns_;
  if (slices_.size() < max_cells) slices_.push_back(slice);
}

/// Reads the quoted field at at_ up to its delimiter or line end (not consumed); returns its problem or "".
std::string DelimitedParser::read_quoted(size_t max_cells) {
  const uint64_t opened = line_;
  const size_t begin = at_ + 1;
  bool doubled = false;
  size_t from = begin;
  for (;;) {
    const size_t quote = content_.find('"', from);
    if (quote == std::string_view::npos) {
      const auto lines = static_cast<uint64_t>(std::count(content_.begin() + static_cast<std::ptrdiff_t>(from), content_.end(), '\n'));
      at_ = content_.size();
      line_ += lines;
      return fmt::format("the quote opened in column {} is never closed: it takes in the rest of the file, lines {} to {}", columns_ + 1, opened,
                         content_.back() == '\n' ? line_ - 1 : line_);
    }
    line_ += static_cast<uint64_t>(std::count(content_.data() + from, content_.data() + quote, '\n'));
    if (quote + 1 < content_.size() && content_[quote + 1] == '"') {
      doubled = true;
      from = quote + 2;
      continue;
    }
    keep({begin, quote, doubled}, max_cells);
    at_ = quote + 1;
    break;
  }
  if (at_ < content_.size() && content_[at_] != delimiter_ && content_[at_] != '\r' && content_[at_] != '\n') {
    at_ = end_of_line(at_);
    return fmt::format("text after the closing quote of column {}; a quote inside a quoted text is written twice (\"\")", columns_);
  }
  return "";
}

bool DelimitedParser::next(DelimitedRecord& record, size_t max_cells) {
  for (; at_ < content_.size(); step_over_line_end(), ++blank_) {
    const char c = content_[at_];
    if (c == '\n') continue;
    if (c == '\r' && (return_ends_line_ || (at_ + 1 < content_.size() && content_[at_ + 1] == '\n'))) continue;
    break;
  }
  if (at_ >= content_.size()) return false;

  record.line = line_;
  record.cells.clear();
  record.problem.clear();
  slices_.clear();
  columns_ = 0;
  const size_t begin = at_;
  for (;;) {
    if (quoting_ && at_ < content_.size() && content_[at_] == '"') {
      record.problem = read_quoted(max_cells);
      if (!record.problem.empty()) break;
    } else {
      const char stops[] = {delimiter_, '\n', '\r'};
      const size_t end = std::min(content_.find_first_of(std::string_view(stops, return_ends_line_ ? 3 : 2), at_), content_.size());
      // "\r\n" where a lone '\r' is text: the pair still ends the line.
      const bool windows = !return_ends_line_ && end > at_ && end < content_.size() && content_[end] == '\n' && content_[end - 1] == '\r';
      keep({at_, windows ? end - 1 : end, false}, max_cells);
      at_ = end;
    }
    if (at_ >= content_.size() || content_[at_] != delimiter_) break;
    ++at_;
  }
  const size_t bytes = at_ - begin;
  step_over_line_end();
  record.columns = columns_;
  if (!record.problem.empty()) return true;
  if (bytes > max_record_) {
    record.problem = fmt::format("a row of {} bytes; the limit is {}", bytes, max_record_);
    return true;
  }
  for (const Slice& slice : slices_) {
    std::string& cell = record.cells.emplace_back(content_.substr(slice.begin, slice.end - slice.begin));
    if (!slice.doubled) continue;
    size_t to = 0;
    for (size_t from = 0; from < cell.size(); ++from) {
      cell[to++] = cell[from];
      if (cell[from] == '"') ++from;
    }
    cell.resize(to);
  }
  return true;
}

char guess_delimiter(std::string_view content) {
  const std::string_view line = content.substr(0, std::min(content.find_first_of("\r\n"), content.size()));
  if (line.find(',') != std::string_view::npos) return ',';
  if (line.find('\t') != std::string_view::npos) return '\t';
  return line.find(';') != std::string_view::npos ? ';' : ',';
}

}  // namespace attune
