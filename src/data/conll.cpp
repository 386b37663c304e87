#include "data/conll.h"

#include <fmt/format.h>

#include <charconv>

#include "base/error.h"
#include "data/excerpt.h"
#include "data/row_maker.h"

namespace attune {
namespace {

constexpr std::string_view kDocumentStart = "-DOCSTART-";

bool is_blank_line(std::string_view line) { return line.find_first_not_of(" \t") == std::string_view::npos; }

std::vector<std::string_view> columns_of(std::string_view line, bool tabs) {
  std::vector<std::string_view> cells;
  for (size_t at = 0; at <= line.size();) {
    const size_t end = std::min(tabs ? line.find('\t', at) : line.find_first_of(" \t", at), line.size());
    if (tabs || end > at) cells.push_back(line.substr(at, end - at));
    at = end + 1;
  }
  return cells;
}

class ConllParser {
 public:
  ConllParser(std::string_view content, DataFile& file, const ReadOptions& options, bool checked)
      : content_(content), file_(file), options_(options), checked_(checked) {}

  void parse() {
    find_shape();
    for_each_line([&](std::string_view line) {
      if (is_blank_line(line)) {
        finish_sentence();
      } else if (line.starts_with(kDocumentStart)) {
        finish_sentence();
        ++document_;
      } else if (words_.empty() && problem_.empty() && is_comment(line)) {
        document_ += line.starts_with("# newdoc");
      } else {
        add(line);
      }
      return true;
    });
    finish_sentence();
  }

 private:
  template <typename Each>
  void for_each_line(Each each) {
    number_ = 0;
    for (size_t at = 0; at < content_.size();) {
      const size_t end = std::min(content_.find('\n', at), content_.size());
      std::string_view line = content_.substr(at, end - at);
      at = end + 1;
      ++number_;
      if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
      if (!each(line)) return;
    }
  }

  /// Separator and number of columns, from the first line of words.
  void find_shape() {
    const auto look = [&](bool hashes) {
      for_each_line([&](std::string_view line) {
        if (is_blank_line(line) || line.starts_with(kDocumentStart) || (!hashes && line.front() == '#')) return true;
        tabs_ = line.find('\t') != std::string_view::npos;
        columns_ = columns_of(line, tabs_).size();
        return false;
      });
    };
    look(false);
    if (columns_ == 0) look(true);
    for (size_t i = 1; i <= columns_; ++i) file_.column_names.push_back(std::to_string(i));
    if (columns_ == 0) return;
    word_ = options_.columns.text.empty() ? 0 : column(options_.columns.text, "word");
    if (options_.labels == LabelUse::kIgnored) {
      tag_ = -1;
    } else if (!options_.columns.label.empty()) {
      tag_ = column(options_.columns.label, "tag");
    } else if (columns_ > 1) {
      tag_ = static_cast<int>(columns_) - 1;
    } else if (options_.labels == LabelUse::kRequired) {
      fail(ErrorCode::kInput, {.id = "data.no_label_column",
                               .where = file_.name,
                               .what = "the lines have one column, so there are no tags",
                               .expected = "a word and its tag a line",
                               .got = "",
                               .hint = ""});
    }
    file_.columns.text = word_;
    file_.columns.label = tag_;
  }

  int column(const std::string& name, const char* role) const {
    int n = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), n);
    const int count = static_cast<int>(columns_);
    if (error == std::errc() && end == name.data() + name.size()) {
      if (n >= 1 && n <= count) return n - 1;
      if (n < 0 && n >= -count) return count + n;
    }
    fail(ErrorCode::kInput, {.id = "data.column",
                             .where = file_.name,
                             .what = fmt::format("there is no column '{}' for the {}", name, role),
                             .expected = fmt::format("1 to {}, or -1 for the last", count),
                             .got = name,
                             .hint = "columns of such files have numbers"});
  }

  bool is_comment(std::string_view line) const { return line.front() == '#' && columns_of(line, tabs_).size() != columns_; }

  void add(std::string_view line) {
    if (first_ == 0) first_ = number_;
    bytes_ += line.size();
    if (!problem_.empty()) return;
    const auto bad = [&](std::string reason) {
      problem_ = std::move(reason);
      problem_line_ = number_;
    };
    if (bytes_ > options_.max_record)
      return bad(fmt::format("a sentence of more than {} bytes; the limit is {}", bytes_, options_.max_record));
    const std::vector<std::string_view> cells = columns_of(line, tabs_);
    if (cells.size() != columns_)
      return bad(fmt::format("expected {} columns divided by {}, found {}: '{}'", columns_, tabs_ ? "tabs" : "spaces", cells.size(),
                             excerpt(line)));
    if (!checked_)
      if (std::string problem = text_problem(line); !problem.empty()) return bad(std::move(problem));
    const std::string_view word = cells[static_cast<size_t>(word_)];
    if (is_blank_line(word)) return bad("the word is empty");
    words_.emplace_back(word);
    if (tag_ < 0) return;
    const std::string_view tag = cells[static_cast<size_t>(tag_)];
    if (is_blank_line(tag)) return bad(fmt::format("the tag of '{}' is empty", excerpt(word)));
    tags_.push_back(std::string(tag));
  }

  void finish_sentence() {
    if (!problem_.empty()) {
      file_.bad.push_back({problem_line_, std::move(problem_)});
    } else if (!words_.empty()) {
      Row row;
      row.index = file_.rows.size();
      row.line = first_;
      row.text = joined_words(words_);
      row.tokens = std::move(words_);
      if (tag_ >= 0) row.label = std::move(tags_);
      if (document_ > 0) row.group = fmt::format("document {}", document_);
      file_.rows.push_back(std::move(row));
    }
    problem_.clear();
    words_.clear();
    tags_ = Json::array();
    first_ = bytes_ = 0;
  }

  std::string_view content_;
  DataFile& file_;
  const ReadOptions& options_;
  bool checked_, tabs_ = false;
  size_t columns_ = 0;
  int word_ = 0, tag_ = -1;
  uint64_t number_ = 0, first_ = 0, bytes_ = 0, document_ = 0, problem_line_ = 0;
  std::vector<std::string> words_;
  Json tags_ = Json::array();
  std::string problem_;
};

}  // namespace

void parse_conll(std::string_view content, DataFile& file, const ReadOptions& options, bool checked) {
  ConllParser(content, file, options, checked).parse();
}

}  // namespace attune
