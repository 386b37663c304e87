// Rows a piece at a time are the rows of the whole file, with the same errors.
#include "data/row_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "base/error.h"

namespace attune {
namespace {

using testing::HasSubstr;

struct TempFile {
  fs::path folder, path;
  TempFile(const std::string& name, const std::string& content) {
    std::string pattern = (fs::temp_directory_path() / "attune-rows-XXXXXX").string();
    folder = ::mkdtemp(pattern.data());
    path = folder / name;
    write_file_atomically(path, content);
  }
  ~TempFile() { fs::remove_all(folder); }
  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;
};

bool same(const Row& a, const Row& b) {
  return a.index == b.index && a.line == b.line && a.id == b.id && a.id_is_number == b.id_is_number && a.text == b.text && a.pair == b.pair && a.tokens == b.tokens &&
         a.slice == b.slice && a.group == b.group && a.label == b.label;
}

std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

/// Both ways of reading `content`, as a file of that name.
void expect_same(const std::string& name, const std::string& content, const ReadOptions& options, bool held = false) {
  const TempFile file(name, content);
  DataFile whole;
  const std::string error = error_of([&] { whole = read_rows(file.path, options); });
  if (error != "no error") {
    EXPECT_EQ(error_of([&] { RowSource source(file.path, options); }), error);
    return;
  }
  const RowSource source(file.path, options);
  EXPECT_EQ(source.held(), held) << name;
  ASSERT_EQ(source.rows(), whole.rows.size()) << name;
  for (int again = 0; again < 2; ++again) {
    size_t i = 0;
    source.for_each([&](Row&& row) {
      EXPECT_TRUE(same(row, whole.rows[i])) << name << " row " << i << " line " << row.line << " against " << whole.rows[i].line << ": " << row.text;
      ++i;
      return true;
    });
    EXPECT_EQ(i, whole.rows.size());
  }
}

/// `rows` records of about `bytes` each, some with quotes, separators and line ends in the text.
std::string csv(int rows, int bytes, const std::string& end) {
  std::string out = "id,text,label,kind" + end;
  for (int i = 0; i < rows; ++i) {
    const std::string filler(static_cast<size_t>(bytes + i % 7), static_cast<char>('a' + i % 26));
    const std::string text = i % 5 == 0 ? "\"said \"\"" + filler + "\"\"," + end + "and left\"" : filler;
    out += std::to_string(i) + "," + text + "," + (i % 2 ? "yes" : "no") + "," + (i % 3 ? "short" : "") + end;
    if (i % 11 == 0) out += end;  // a blank line
  }
  return out;
}

TEST(RowSource, DelimitedFilesOfSeveralBlocks) {
  ReadOptions options;
  options.columns.slice = "kind";
  for (const char* end : {"\n", "\r\n"}) expect_same("a.csv", csv(30000, 60, end), options);
  expect_same("a.csv", csv(50, 100000, "\n"), options);  // records around every block's end
  expect_same("a.csv", csv(3, 3000000, "\n"), options);  // records longer than a block
  expect_same("a.csv", "\xef\xbb\xbf" + csv(10, 10, "\n") + "11,no end of line,no,", options);
  std::string tsv = "text\tlabel\n";
  for (int i = 0; i < 60000; ++i) tsv += "a \"text\" with\rreturns " + std::to_string(i) + "\t" + std::to_string(i % 2) + "\n";
  expect_same("a.tsv", tsv, {});
}

TEST(RowSource, JsonLines) {
  std::string content;
  for (int i = 0; i < 5000; ++i) content += "{\"text\": \"row " + std::to_string(i) + "\", \"label\": " + std::to_string(i % 3) + "}\n";
  expect_same("a.jsonl", content, {});
  ReadOptions options;
  options.columns.slice = "source";
  // A key that comes late, numbers, true, null.
  expect_same("a.jsonl", content + "\n{\"text\": \"x\", \"label\": 1, \"id\": 7, \"source\": 2.5}\n{\"text\": \"y\", \"label\": 1, \"source\": null}", options);
}

TEST(RowSource, TheSameErrors) {
  ReadOptions skip;
  skip.on_bad_rows = OnBadRows::kSkip;
  const std::string bad = csv(20000, 60, "\n") + "1,2,3\n" + csv(20000, 60, "\n") + "5,\xff,yes,\n7,\"never closed,yes,\nand on\n";
  for (const ReadOptions& options : {ReadOptions(), skip}) {
    expect_same("a.csv", bad, options);
    expect_same("a.csv", "", options);
    expect_same("a.csv", "\n\n", options);
    expect_same("a.csv", "text,label\n", options);
    expect_same("a.csv", "text,label\nx,\n", options);
    expect_same("a.csv", "\xff\xfet\0e\0", options);
    expect_same("a.csv", "some,columns\n1,2\n", options);
    expect_same("a.jsonl", "{\"text\": \"a\", \"label\": 1}\n{\"text\": 5, \"label\": 1}\n{\"text\n{\"label\": 3}\n", options);
    expect_same("a.jsonl", "{\n", options);
    expect_same("a.jsonl", " \n", options);
  }
  EXPECT_THAT(error_of([] { RowSource("no/such.csv", {}); }), HasSubstr("no/such.csv"));
}

TEST(RowSource, OtherFormatsAreHeld) {
  expect_same("a.json", R"([{"text": "a", "label": "x"}, {"text": "b", "label": "y"}])", {}, true);
  ReadOptions tokens;
  tokens.kind = RowKind::kTokens;
  expect_same("a.conll", "A O\nB B-X\n\nC O\n", tokens, true);
}

TEST(RowSource, ColumnOfTheGroups) {
  ReadOptions options;
  options.columns.slice = "kin";
  const TempFile file("a.csv", csv(3, 5, "\n"));
  EXPECT_THAT(error_of([&] { RowSource(file.path, options); }), testing::AllOf(HasSubstr("there is no column 'kin' for the groups"), HasSubstr("kind")));
  options.kind = RowKind::kTokens;
  const TempFile words("a.conll", "A O\n");
  EXPECT_THAT(error_of([&] { RowSource(words.path, options); }), HasSubstr("rows of this form have no named columns"));
}

TEST(RowSource, SaysWhenTheFileChanges) {
  const TempFile file("a.csv", csv(30, 5, "\n"));
  const RowSource source(file.path, {});
  write_file_atomically(file.path, csv(20, 5, "\n"));
  EXPECT_THAT(error_of([&] { source.for_each([](Row&&) { return true; }); }), HasSubstr("gives other rows than a moment ago"));
  int seen = 0;
  source.for_each([&](Row&&) { return ++seen < 5; });  // stopped before it could be told
  EXPECT_EQ(seen, 5);
}

}  // namespace
}  // namespace attune
