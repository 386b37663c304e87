// Files to rows: what each format accepts, how columns are found, and what happens to rows that are none.
#include "data/reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace attune {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ReadOptions with(LabelUse labels) {
  ReadOptions o;
  o.labels = labels;
  return o;
}
ReadOptions skipping() {
  ReadOptions o;
  o.on_bad_rows = OnBadRows::kSkip;
  return o;
}

std::vector<std::string> texts(const DataFile& file) {
  std::vector<std::string> out;
  for (const Row& row : file.rows) out.push_back(row.text);
  return out;
}
std::vector<uint64_t> lines(const DataFile& file) {
  std::vector<uint64_t> out;
  for (const Row& row : file.rows) out.push_back(row.line);
  return out;
}
std::string id_of(const std::function<void()>& action, std::string* what = nullptr) {
  try {
    action();
  } catch (const Error& e) {
    if (what) *what = e.what();
    return e.info().id;
  }
  return "no error";
}

TEST(Csv, QuotesCommasAndLineEndsInsideQuotes) {
  const DataFile f = parse_rows("text,label\n\"a, \"\"b\"\"\nc\",1\nplain \"in\" side,0\n\"\",1\n", "x.csv");
  EXPECT_THAT(texts(f), ElementsAre("a, \"b\"\nc", "plain \"in\" side", ""));
  EXPECT_THAT(lines(f), ElementsAre(2u, 4u, 5u));
  EXPECT_EQ(f.rows[0].label, "1");
  EXPECT_EQ(f.rows[2].index, 2u);
}

TEST(Csv, MixedLineEndsByteOrderMarkAndNoFinalLineEnd) {
  const DataFile f = parse_rows("\xef\xbb\xbftext,label\r\na,1\nb,0\rc,1\r\n\r\nd,0", "x.csv");
  EXPECT_THAT(texts(f), ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(lines(f), ElementsAre(2u, 3u, 4u, 6u));
  EXPECT_EQ(f.blank_lines, 1u);
}

TEST(Csv, OtherDelimiters) {
  EXPECT_THAT(texts(parse_rows("text;label\na, b;1\n", "x.csv")), ElementsAre("a, b"));
  EXPECT_THAT(texts(parse_rows("text\tlabel\n\"a\tb\"\t1\n", "x.csv")), ElementsAre("a\tb"));
  ReadOptions o;
  o.delimiter = '|';
  EXPECT_THAT(texts(parse_rows("text|label\na, b|1\n", "x.csv", o)), ElementsAre("a, b"));
}

TEST(Tsv, QuotesAreText) {
  const DataFile f = parse_rows("sentence\tlabel\n\"he said\t1\nit \"\" is\t0\r\n", "x.tsv");
  EXPECT_THAT(texts(f), ElementsAre("\"he said", "it \"\" is"));
  EXPECT_EQ(f.rows[1].label, "0");
}

TEST(Tsv, ALoneCarriageReturnIsText) {
  EXPECT_THAT(texts(parse_rows("sentence\tlabel\na\rb\t1\n", "x.tsv")), ElementsAre("a\rb"));
  EXPECT_THAT(texts(parse_rows("sentence\tlabel\ra\t1\rb\t0", "x.tsv")), ElementsAre("a", "b"));
}

TEST(Tsv, ColaHasNoHeader) {
  const DataFile f = parse_rows("gj04\t1\t\tThe sailors rode.\ngj04\t0\t*\tThe sailors ride by.\n", "train.tsv");
  EXPECT_THAT(texts(f), ElementsAre("The sailors rode.", "The sailors ride by."));
  EXPECT_EQ(f.rows[1].label, "0");
  EXPECT_EQ(f.glue_task, "cola");
  EXPECT_EQ(f.rows[0].line, 1u);
}

TEST(Tsv, WithoutHeaderColumnsAreNumbers) {
  ReadOptions o;
  o.header = false;
  o.columns = {.text = "2", .pair = "", .label = "1", .id = ""};
  EXPECT_THAT(texts(parse_rows("pos\tgood\nneg\tbad\n", "x.tsv", o)), ElementsAre("good", "bad"));
}

TEST(Tsv, QqpRowsWithMissingFieldsAreSkippedAsGlueDoesAndListed) {
  const DataFile f = parse_rows("id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n1\t2\t3\ta\tb\t1\n4\t5\t6\tc\n7\t8\t9\td\te\t0\n", "train.tsv");
  EXPECT_EQ(f.glue_task, "qqp");
  EXPECT_THAT(texts(f), ElementsAre("a", "d"));
  EXPECT_EQ(f.rows[1].pair, "e");
  EXPECT_EQ(f.rows[1].id, "7");
  ASSERT_EQ(f.bad.size(), 1u);
  EXPECT_EQ(f.bad[0].line, 3u);
}

TEST(JsonRows, LinesDocumentsAndColumns) {
  const std::vector<std::pair<std::string, std::string>> same = {
      {"x.jsonl", "{\"text\": \"a\", \"label\": 1, \"id\": 7}\n\n{\"text\": \"b\", \"label\": 0, \"id\": \"q\"}\r\n"},
      {"x.ndjson", "{\"text\": \"a\", \"label\": 1, \"id\": 7}\n{\"text\": \"b\", \"label\": 0, \"id\": \"q\"}"},
      {"x.json", "[{\"text\": \"a\", \"label\": 1, \"id\": 7},\n {\"text\": \"b\", \"label\": 0, \"id\": \"q\"}]"},
      {"x.json", "{\"version\": \"1\", \"data\": [{\"text\": \"a\", \"label\": 1, \"id\": 7}, {\"text\": \"b\", \"label\": 0, \"id\": \"q\"}]}"},
      {"x.json", "{\"rows\": [{\"text\": \"a\", \"label\": 1, \"id\": 7}, {\"text\": \"b\", \"label\": 0, \"id\": \"q\"}], \"other\": [{}]}"},
      {"x.json", "{\"text\": \"a\", \"label\": 1, \"id\": 7}\n{\"text\": \"b\", \"label\": 0, \"id\": \"q\"}\n"},
      {"x.json", "{\"text\": [\"a\", \"b\"], \"label\": [1, 0], \"id\": [7, \"q\"]}"}};
  for (const auto& [name, content] : same) {
    const DataFile f = parse_rows(content, name);
    EXPECT_THAT(texts(f), ElementsAre("a", "b")) << content;
    EXPECT_EQ(f.rows[0].label, 1) << content;
    EXPECT_EQ(f.rows[0].id, "7") << content;
    EXPECT_EQ(f.rows[1].id, "q") << content;
  }
}

TEST(JsonRows, LinesOfDocumentsAreRight) {
  const DataFile f = parse_rows("{\n \"note\": \"data: [{\\\"\",\n \"n\": {\"data\": [1,\n2]},\n \"data\": [\n  {\"text\": \"a [\\\" \", \"label\": 1},\n\n  {\"text\":\n\"b\", \"label\": 0}\n ]}",
                                "x.json");
  EXPECT_THAT(lines(f), ElementsAre(6u, 8u));
  EXPECT_EQ(f.rows[0].text, "a [\" ");
}

TEST(JsonRows, KeysMayDifferFromRowToRow) {
  const DataFile f = parse_rows("{\"text\": \"a\"}\n{\"label\": \"x\", \"text\": \"b\"}\n", "x.jsonl", with(LabelUse::kOptional));
  EXPECT_TRUE(f.rows[0].label.is_null());
  EXPECT_EQ(f.rows[1].label, "x");
  std::string what;
  EXPECT_EQ(id_of([] { parse_rows("{\"text\": \"a\"}\n{\"label\": \"x\", \"text\": \"b\"}\n", "x.jsonl"); }, &what), "data.bad_rows");
  EXPECT_THAT(what, HasSubstr("x.jsonl:1: 'label': the label is missing"));
}

TEST(JsonRows, LabelsMayBeListsNumbersAndBooleans) {
  const DataFile f = parse_rows("{\"text\": \"a\", \"label\": [\"x\", \"y\"]}\n{\"text\": \"a\", \"label\": []}\n{\"text\": \"a\", \"label\": 2.5}\n{\"text\": \"a\", \"label\": true}\n", "x.jsonl");
  EXPECT_TRUE(f.rows[0].label.is_array());
  EXPECT_TRUE(f.rows[1].label.is_array());
  EXPECT_EQ(f.rows[2].label, 2.5);
  EXPECT_EQ(f.rows[3].label, true);
}

TEST(Text, OneTextALineBlankOnesToo) {
  const DataFile f = parse_rows("first\r\n\nthird", "x.txt", with(LabelUse::kIgnored));
  EXPECT_THAT(texts(f), ElementsAre("first", "", "third"));
  EXPECT_EQ(id_of([] { parse_rows("a\n", "x.txt"); }), "data.no_label_column");
}

TEST(Columns, UsualNamesAndPairs) {
  const auto text_and_pair = [](const std::string& header) {
    const DataFile f = parse_rows(header + "\n" + "1\t2\t3\t4\n", "x.tsv", with(LabelUse::kOptional));
    return f.rows[0].text + " " + f.rows[0].pair.value_or("-") + " " + (f.rows[0].label.is_null() ? "-" : f.rows[0].label.get<std::string>()) + " " + (f.rows[0].id.empty() ? "-" : f.rows[0].id);
  };
  EXPECT_EQ(text_and_pair("text\tlabel\tid\tx"), "1 - 2 3");
  EXPECT_EQ(text_and_pair("sentiment\treview\tx\ty"), "2 - 1 -");
  EXPECT_EQ(text_and_pair("Label\tContent\tx\ty"), "2 - 1 -");
  EXPECT_EQ(text_and_pair("index\tsentence1\tsentence2\tlabel"), "2 3 4 1");
  EXPECT_EQ(text_and_pair("index\tquestion\tsentence\tlabel"), "2 3 4 1");
  EXPECT_EQ(text_and_pair("question1\tquestion2\tis_duplicate\tid"), "1 2 3 4");
  EXPECT_EQ(text_and_pair("premise\thypothesis\tgold_label\tlabel1"), "1 2 3 -");
  EXPECT_EQ(text_and_pair("Quality\t#1 ID\t#1 String\t#2 String"), "3 4 1 -");
  EXPECT_EQ(text_and_pair("sentence1\tsentence2\tscore\tindex"), "1 2 3 4");
  EXPECT_EQ(text_and_pair("sentence\tscore\tlabel\tx"), "1 - 3 -");
  EXPECT_EQ(text_and_pair("target\ttweet\tx\ty"), "2 - 1 -");
  EXPECT_EQ(text_and_pair(" text \tclass\tx\ty"), "1 - 2 -");
}

TEST(Columns, NamedOnesWin) {
  ReadOptions o;
  o.columns = {.text = "title", .pair = "text", .label = "stars", .id = ""};
  const DataFile f = parse_rows("text,title,stars,label\nt,u,5,x\n", "x.csv", o);
  EXPECT_EQ(f.rows[0].text, "u");
  EXPECT_EQ(f.rows[0].pair, "t");
  EXPECT_EQ(f.rows[0].label, "5");
}

TEST(Columns, AMissingOneSuggests) {
  ReadOptions o;
  o.columns.text = "reveiw";
  std::string what;
  EXPECT_EQ(id_of([&] { parse_rows("review,label\na,1\n", "x.csv", o); }, &what), "data.column");
  EXPECT_THAT(what, HasSubstr("no column 'reveiw'"));
  EXPECT_THAT(what, HasSubstr("did you mean 'review'"));
  EXPECT_THAT(what, HasSubstr("label"));
}

TEST(BadRows, AreListedTheFirstTenThenACount) {
  std::string content = "text,label\n";
  for (int i = 0; i < 14; ++i) content += "good,1\nbad\n";
  std::string what;
  EXPECT_EQ(id_of([&] { parse_rows(content, "x.csv"); }, &what), "data.bad_rows");
  EXPECT_THAT(what, HasSubstr("14 of 28 rows cannot be used"));
  EXPECT_THAT(what, HasSubstr("x.csv:3: expected 2 columns, found 1: begins 'bad'"));
  EXPECT_THAT(what, HasSubstr("x.csv:21:"));
  EXPECT_THAT(what, testing::Not(HasSubstr("x.csv:23:")));
  EXPECT_THAT(what, HasSubstr("and 4 more"));

  const DataFile f = parse_rows(content, "x.csv", skipping());
  EXPECT_EQ(f.rows.size(), 14u);
  EXPECT_EQ(f.bad.size(), 14u);
  EXPECT_EQ(f.rows[13].index, 13u);
}

TEST(BadRows, ARowIsNeverBothAndNeverNeither) {
  // Random small files of the characters that matter: every record is a row or a bad row, and skipping changes nothing else.
  uint64_t state = 7;
  const auto draw = [&](uint64_t n) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 40) % n;
  };
  size_t accepted = 0, refused = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string content = "text,label\n";
    const char* pieces[] = {"a", ",", "\n", "\"", "\r\n", "1", "\"\"", "\xff", "b c", "\r", "\t"};
    for (uint64_t k = draw(30); k > 0; --k) content += pieces[draw(11)];
    for (const char* name : {"x.csv", "x.tsv", "x.jsonl", "x.txt", "x.json"}) {
      try {
        ReadOptions o = skipping();
        o.labels = LabelUse::kOptional;
        if (std::string(name) == "x.tsv") o.columns.text = "text,label";
        const DataFile f = parse_rows(content, name, o);
        ++accepted;
        for (size_t i = 0; i < f.rows.size(); ++i) ASSERT_EQ(f.rows[i].index, i);
        ASSERT_FALSE(f.rows.empty());
      } catch (const Error& e) {
        ++refused;
        ASSERT_EQ(e.code(), ErrorCode::kInput) << e.what();
      }
    }
  }
  EXPECT_GT(accepted, 3000u);
  EXPECT_GT(refused, 3000u);
}

TEST(Formats, ByTheNamesEnding) {
  EXPECT_EQ(format_of("a/b.CSV"), DataFormat::kCsv);
  EXPECT_EQ(format_of("b.tsv.gz"), DataFormat::kTsv);
  EXPECT_EQ(format_of("b.jsonl.gz"), DataFormat::kJsonLines);
  EXPECT_EQ(format_of("b.txt"), DataFormat::kText);
  EXPECT_EQ(id_of([] { format_of("b.parquet"); }), "data.format");
  EXPECT_EQ(id_of([] { format_of("gz"); }), "data.format");
  EXPECT_EQ(format_from_name("jsonl"), DataFormat::kJsonLines);
  EXPECT_EQ(id_of([] { format_from_name("jsnol"); }), "data.format");
  ReadOptions o;
  o.format = DataFormat::kCsv;
  EXPECT_EQ(parse_rows("text,label\na,1\n", "no-ending", o).rows.size(), 1u);
}

class OnDisk : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("attune-reader-" + std::to_string(::getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path file(const std::string& name, std::string_view content) {
    write_file_atomically(folder_ / name, content);
    return folder_ / name;
  }
  fs::path folder_;
};

TEST_F(OnDisk, FoldersMissingFilesAndDamagedGzip) {
  EXPECT_EQ(id_of([&] { read_rows(folder_); }), "file.folder");
  EXPECT_EQ(id_of([&] { read_rows(folder_ / "none.csv"); }), "file.missing");
  EXPECT_EQ(id_of([&] { read_rows(file("x.csv.gz", "\x1f\x8b\x08 not really")); }), "gzip.damaged");
  EXPECT_EQ(id_of([&] { read_rows(file("x.csv", "")); }), "data.empty");
}

TEST_F(OnDisk, RowByRow) {
  const fs::path path = file("x.jsonl", "{\"text\": \"a\", \"id\": 1}\n\n{\"text\": \"b\", \"id\": 2}\n{\"text\": \"c\", \"id\": 3}\n");
  std::string seen;
  for_each_row(path, with(LabelUse::kOptional), [&](Row&& row) {
    seen += row.id + row.text + std::to_string(row.index) + std::to_string(row.line) + " ";
    return row.text != "b";
  });
  EXPECT_EQ(seen, "1a01 2b13 ");

  std::string all;
  for_each_row(file("x.txt", "\xef\xbb\xbfone\n\ntwo\r\n"), with(LabelUse::kIgnored), [&](Row&& row) { all += "<" + row.text + ">"; return true; });
  EXPECT_EQ(all, "<one><><two>");

  std::string csv;
  for_each_row(file("x.csv", "text,label\n\"a\nb\",1\n"), {}, [&](Row&& row) { csv += row.text; return true; });
  EXPECT_EQ(csv, "a\nb");
}

TEST_F(OnDisk, RowByRowStopsAtABadRowOrSkipsIt) {
  const fs::path path = file("x.jsonl", "{\"text\": \"a\"}\nnope\n{\"text\": 3}\n{\"text\": \"d\"}\n");
  std::string what;
  EXPECT_EQ(id_of([&] { for_each_row(path, with(LabelUse::kIgnored), [](Row&&) { return true; }); }, &what), "data.bad_rows");
  EXPECT_THAT(what, HasSubstr("x.jsonl:2"));
  ReadOptions o = skipping();
  o.labels = LabelUse::kIgnored;
  std::string seen;
  for_each_row(path, o, [&](Row&& row) { seen += row.text + std::to_string(row.index); return true; });
  EXPECT_EQ(seen, "a0d1");
}

}  // namespace
}  // namespace attune
