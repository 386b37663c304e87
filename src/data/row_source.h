// The rows of a file, as often as wanted, without holding them: evaluation sets of any size. CSV, TSV and JSON Lines are read a piece at a
// time; other formats, packed files and standard input are held.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "data/reader.h"

namespace attune {

class RowSource {
 public:
  /// Looks through the whole file once. Errors and warnings as read_rows; rows are the same, too.
  RowSource(const fs::path& path, const ReadOptions& options);
  uint64_t rows() const { return count_; }
  bool held() const { return held_; }
  /// From the first row; `each` returns false to stop. Error(kInput) "file.changed" when the file gives other rows than before.
  void for_each(const std::function<bool(Row&&)>& each) const;

 private:
  using Each = std::function<bool(Row&&)>;
  void read_json_lines(DataFile& file, const Each& each) const;
  void read_delimited(DataFile& file, const Each& each) const;
  void read(DataFile& file, const Each& each) const;

  fs::path path_;
  ReadOptions options_;
  DataFile file_;  ///< what the first look found; with the rows where they are held
  bool held_ = false;
  uint64_t count_ = 0;
};

}  // namespace attune
