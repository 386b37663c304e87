#include "data/row_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <unordered_set>

#include "base/error.h"
#include "data/json_rows.h"
#include "data/question_rows.h"
#include "data/reading.h"
#include "data/row_maker.h"

namespace attune {
namespace {

constexpr uint64_t kBlock = uint64_t{1} << 20;

/// Records of a CSV or TSV file as DelimitedParser reads them, a block of the file at a time. A record that reaches the end of what is
/// held is read again with more of the file.
class DelimitedBlocks {
 public:
  DelimitedBlocks(const fs::path& path, const ReadOptions& options, bool csv, const std::string& where)
      : path_(path), csv_(csv), max_record_(options.max_record), size_(attune::file_size(path)), held_(block(0, std::min(size_, kBlock))), next_(held_.size()) {
    held_.erase(0, held_.size() - without_bom(held_, where).size());
    // DelimitedParser looks for a line feed in all of the content; here the whole file must be looked through.
    for (uint64_t at = 0; !line_feeds_ && at < size_; at += kBlock) line_feeds_ = block(at, std::min(size_ - at, kBlock)).find('\n') != std::string::npos;
    delimiter_ = !csv ? '\t' : options.delimiter != 0 ? options.delimiter : guess_delimiter(held_);
  }

  bool next(DelimitedRecord& record, size_t max_cells) {
    for (;;) {
      if (!parser_) parser_.emplace(held_, delimiter_, csv_, max_record_, line_, line_feeds_);
      const size_t begin = parser_->position();
      const uint64_t line = parser_->line();
      const bool found = parser_->next(record, max_cells);
      if (parser_->position() < held_.size() || next_ == size_) return found;
      line_ = line;
      more(begin);
    }
  }

 private:
  std::string block(uint64_t at, uint64_t count) const {
    std::string bytes(count, '\0');
    read_range(path_, at, count, bytes.data());
    return bytes;
  }
  /// Holds the file from `begin` of what is held, and more of it than before.
  void more(size_t begin) {
    parser_.reset();
    held_.erase(0, begin);
    const uint64_t count = std::min(size_ - next_, std::max<uint64_t>(kBlock, held_.size()));
    held_ += block(next_, count);
    next_ += count;
  }

  fs::path path_;
  bool csv_, line_feeds_ = false;
  char delimiter_ = ',';
  uint64_t max_record_, size_;
  std::string held_;
  uint64_t next_;      // of the file, behind what is held
  uint64_t line_ = 1;  // of the first byte held
  std::optional<DelimitedParser> parser_;
};

/// Rows that a RowMaker puts into a file, handed on one by one.
class HandOn {
 public:
  HandOn(DataFile& file, const std::function<bool(Row&&)>& each) : file_(file), each_(each) {}
  bool operator()() {
    if (file_.rows.empty()) return true;
    Row row = std::move(file_.rows.front());
    file_.rows.clear();
    row.index = index_++;
    return each_(std::move(row));
  }

 private:
  DataFile& file_;
  const std::function<bool(Row&&)>& each_;
  uint64_t index_ = 0;
};

bool is_packed(const fs::path& path) {
  char begin[2] = {};
  if (path.extension() == ".gz" || attune::file_size(path) < sizeof begin) return path.extension() == ".gz";
  read_range(path, 0, sizeof begin, begin);
  return begin[0] == '\x1f' && begin[1] == '\x8b';
}

/// Keys of all objects, in the order they first appear; nothing for the articles of SQuAD files.
bool collect_keys(const fs::path& path, const ReadOptions& options, DataFile& file) {
  std::unordered_set<std::string> known;
  bool articles = false;
  for_each_line(path, [&](std::string_view line, uint64_t number) {
    if (number == 1) line = without_bom(line, file.name);
    if (line.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos) return true;
    const JsonRecord record = parse_json_line(line, number, options.max_record);
    if (!record.problem.empty()) return true;
    articles = articles || (options.kind == RowKind::kQuestion && is_squad_record(record.object));
    for (const auto& [name, value] : record.object.items())
      if (known.insert(name).second) file.column_names.push_back(name);
    return !articles;
  }, options.max_bytes);
  return !articles;
}

}  // namespace

RowSource::RowSource(const fs::path& path, const ReadOptions& options) : path_(path), options_(options) {
  file_.name = path == "-" ? "standard input" : path.string();
  const bool plain = path != "-" && file_exists(path) && !is_packed(path);
  if (plain) file_.format = format_for(path, options);
  held_ = !plain || (file_.format != DataFormat::kCsv && file_.format != DataFormat::kTsv && file_.format != DataFormat::kJsonLines);
  if (!held_ && attune::file_size(path) > options.max_bytes)
    fail_data("data.too_large", file_.name, fmt::format("{} bytes; the limit is {}", attune::file_size(path), options.max_bytes));
  if (!held_ && attune::file_size(path) == 0) fail_data("data.empty", file_.name, "is empty");
  if (!held_ && file_.format == DataFormat::kJsonLines) {
    held_ = !collect_keys(path, options, file_);
    if (!held_ && !file_.column_names.empty()) resolve(file_, options);
  }
  if (held_) {
    file_ = read_rows(path, options);
    count_ = file_.rows.size();
    return;
  }
  read(file_, [&](Row&&) { return ++count_, true; });
  judge(file_, count_, options_);
  warn_of_bad_rows(file_, count_);
}

void RowSource::for_each(const Each& each) const {
  if (held_) {
    for (const Row& row : file_.rows)
      if (!each(Row(row))) return;
    return;
  }
  DataFile again;
  again.name = file_.name;
  again.format = file_.format;
  if (file_.format == DataFormat::kJsonLines) {
    again.column_names = file_.column_names;
    again.columns = file_.columns;
  }
  uint64_t seen = 0;
  bool stopped = false;
  read(again, [&](Row&& row) {
    ++seen;
    stopped = seen > count_ || !each(std::move(row));
    return !stopped;
  });
  if (stopped ? seen > count_ : seen != count_)
    fail(ErrorCode::kInput, {.id = "file.changed", .where = file_.name, .what = "gives other rows than a moment ago", .hint = "do not write to it while it is read"});
}

void RowSource::read(DataFile& file, const Each& each) const {
  if (file.format == DataFormat::kJsonLines) {
    read_json_lines(file, each);
  } else {
    read_delimited(file, each);
  }
}

void RowSource::read_json_lines(DataFile& file, const Each& each) const {
  RowMaker maker(file, options_);
  HandOn hand_on(file, each);
  for_each_line(path_, [&](std::string_view line, uint64_t number) {
    if (number == 1) line = without_bom(line, file.name);
    if (line.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos) return true;
    JsonRecord record = parse_json_line(line, number, options_.max_record);
    maker.add(record);
    return hand_on();
  }, options_.max_bytes);
}

void RowSource::read_delimited(DataFile& file, const Each& each) const {
  refuse_delimited(file, options_);
  DelimitedBlocks blocks(path_, options_, file.format == DataFormat::kCsv, file.name);
  const NextRecord next = [&](DelimitedRecord& record, size_t cells) { return blocks.next(record, cells); };
  DelimitedRecord record;
  const bool is_row = take_header(next, record, file, options_, false);
  RowMaker maker(file, options_);
  HandOn hand_on(file, each);
  if (is_row) {
    maker.add(record, false);
    if (!hand_on()) return;
  }
  while (blocks.next(record, file.column_names.size())) {
    maker.add(record, false);
    if (!hand_on()) return;
  }
}

}  // namespace attune
