// A table of data files that are not right: each ends in one error with a stable id and a message that names the place (reliability F1,
// F2, F16).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <string>

#include "base/error.h"
#include "data/reader.h"

namespace attune {
namespace {

using namespace std::string_literals;

struct Case {
  std::string name, content, id, says;
};

std::string deep(int n) { return std::string(static_cast<size_t>(n), '[') + std::string(static_cast<size_t>(n), ']'); }

std::vector<Case> cases() {
  return {
      // Nothing there.
      {"x.csv", "", "data.empty", "is empty"},
      {"x.tsv", "", "data.empty", "is empty"},
      {"x.json", "", "data.empty", "is empty"},
      {"x.jsonl", "", "data.empty", "is empty"},
      {"x.csv", "\xef\xbb\xbf", "data.empty", "is empty"},
      {"x.csv", "\n\n\r\n", "data.empty", "blank"},
      {"x.tsv", "\n", "data.empty", "blank"},
      {"x.csv", "text,label", "data.no_rows", "header but no rows"},
      {"x.csv", "text,label\n\n\n", "data.no_rows", "header but no rows"},
      {"x.tsv", "sentence\tlabel\r\n", "data.no_rows", "header but no rows"},
      {"x.jsonl", "\n \n", "data.no_rows", "no rows"},
      {"x.json", "[]", "data.no_rows", "no rows"},
      {"x.json", " \n", "json.syntax", "empty"},
      // Encodings.
      {"x.csv", "\xff\xfet\0e\0x\0t\0"s, "data.encoding", "UTF-16"},
      {"x.csv", "\xfe\xff\0t\0e"s, "data.encoding", "UTF-16"},
      {"x.jsonl", "\xff\xfe{\0"s, "data.encoding", "UTF-16"},
      {"x.csv", "text,label\ncaf\xe9,1\n", "data.bad_rows", "x.csv:2: column 1 ('text'): invalid UTF-8 (byte 0xe9) after 'caf'"},
      {"x.csv", "text,label\nok,1\nok,\xff\n", "data.bad_rows", "x.csv:3: column 2 ('label'): invalid UTF-8"},
      {"x.csv", "text,label\n\xc0\xaf,1\n", "data.bad_rows", "byte 0xc0"},
      {"x.csv", "text,label\n\xed\xa0\x80,1\n", "data.bad_rows", "byte 0xed"},
      {"x.csv", "text,label\n\xf4\x90\x80\x80,1\n", "data.bad_rows", "byte 0xf4"},
      {"x.csv", "text,label\nabc\xe2\x82,1\n", "data.bad_rows", "after 'abc'"},
      {"x.csv", "t\xffxt,label\na,1\n", "data.header", "invalid UTF-8"},
      {"x.tsv", "sentence\tlabel\nna\xefve\t1\n", "data.bad_rows", "x.tsv:2: column 1 ('sentence')"},
      {"x.csv", "text,label\na\0b,1\n"s, "data.bad_rows", "x.csv:2: column 1 ('text'): a NUL byte after 1 bytes"},
      {"x.tsv", "sentence\tlabel\na\t\0\n"s, "data.bad_rows", "column 2 ('label'): a NUL byte"},
      {"x.csv", "\0\0\0\0"s, "data.header", "NUL"},
      {"x.jsonl", "{\"text\": \"caf\xe9\", \"label\": 1}\n", "data.bad_rows", "x.jsonl:1: JSON: "},
      {"x.json", "[{\"text\": \"\xff\", \"label\": 1}]", "json.utf8", ""},
      // Columns and quotes of CSV.
      {"x.csv", "text,label\na\n", "data.bad_rows", "x.csv:2: expected 2 columns, found 1"},
      {"x.csv", "text,label\na,b,1\n", "data.bad_rows", "x.csv:2: expected 2 columns, found 3: begins 'a'; a text that holds the separator must be in double quotes"},
      {"x.csv", "text,label\nok,1\na,1,\n", "data.bad_rows", "x.csv:3: expected 2 columns, found 3"},
      {"x.csv", "text,label\n,,,,,,\n", "data.bad_rows", "x.csv:2: expected 2 columns, found 7"},
      {"x.csv", "text,label\nok,1\n\"never closed,1\nx,0\ny,1\n", "data.bad_rows", "x.csv:3: the quote opened in column 1 is never closed: it takes in the rest of the file, lines 3 to 5"},
      {"x.csv", "text,label\na,\"1\n", "data.bad_rows", "opened in column 2"},
      {"x.csv", "text,label\n\"", "data.bad_rows", "never closed"},
      {"x.csv", "text,label\n\"a\"\"", "data.bad_rows", "never closed"},
      {"x.csv", "text,label\n\"a\"b,1\n", "data.bad_rows", "x.csv:2: text after the closing quote of column 1"},
      {"x.csv", "text,label\n\"He said \"hi\" to me\",1\n", "data.bad_rows", "text after the closing quote"},
      {"x.csv", "text,label\n\"a\" ,1\n", "data.bad_rows", "text after the closing quote"},
      {"x.csv", "text,label\nx,\"1\"2\n", "data.bad_rows", "column 2"},
      {"x.csv", "\"text,label\na,1\n", "data.header", "never closed"},
      {"x.csv", "\"text\"x,label\na,1\n", "data.header", "after the closing quote"},
      {"x.tsv", "sentence\tlabel\na b 1\n", "data.bad_rows", "x.tsv:2: expected 2 columns, found 1"},
      {"x.tsv", "sentence\tlabel\na\tb\t1\n", "data.bad_rows", "x.tsv:2: expected 2 columns, found 3"},
      {"x.tsv", "sentence\tlabel\nok\t1\n\t\t\t\n", "data.bad_rows", "x.tsv:3: expected 2 columns, found 4"},
      // Labels that are not there.
      {"x.csv", "text,label\na,\n", "data.bad_rows", "x.csv:2: column 2 ('label'): the label is missing"},
      {"x.csv", "text,label\na,\"\"\n", "data.bad_rows", "the label is missing"},
      {"x.tsv", "sentence\tlabel\na\t\n", "data.bad_rows", "x.tsv:2: column 2 ('label'): the label is missing"},
      {"x.jsonl", "{\"text\": \"a\", \"label\": null}\n", "data.bad_rows", "x.jsonl:1: 'label': the label is missing"},
      {"x.jsonl", "{\"text\": \"a\", \"label\": \"\"}\n", "data.bad_rows", "the label is missing"},
      {"x.json", "[{\"text\": \"a\", \"label\": 1},\n{\"text\": \"b\"}]", "data.bad_rows", "x.json:2: 'label': the label is missing"},
      {"x.jsonl", "{\"text\": \"a\", \"label\": {\"x\": 1}}\n", "data.bad_rows", "'label' is an object"},
      {"x.jsonl", "{\"text\": \"a\", \"label\": [[1]]}\n", "data.bad_rows", "a list of other things"},
      {"x.jsonl", "{\"text\": \"a\", \"label\": [null]}\n", "data.bad_rows", "a list of other things"},
      // Roles that cannot be found.
      {"x.csv", "text\na\n", "data.no_label_column", "'text'"},
      {"x.csv", "foo,label\na,1\n", "data.no_text_column", "'foo', 'label'"},
      {"x.csv", "I love it,1\nI hate it,0\n", "data.no_text_column", "header: false"},
      {"x.csv", ",\n,\n", "data.no_text_column", ""},
      {"x.csv", "sentence1,label\na,1\n", "data.no_text_column", ""},
      {"x.csv", "text,text,label\na,b,1\n", "data.duplicate_column", "'text' (columns 1 and 2)"},
      {"x.csv", "text,label,label\na,1,2\n", "data.duplicate_column", "'label' (columns 2 and 3)"},
      {"x.csv", "Text,text,label\na,b,1\n", "data.duplicate_column", ""},
      {"x.jsonl", "{\"texxt\": \"a\", \"label\": 1}\n", "data.no_text_column", "'texxt', 'label'"},
      {"x.jsonl", "{\"text\": \"a\"}\n", "data.no_label_column", "'text'"},
      {"x.json", "[{}]", "data.no_text_column", ""},
      {"x.txt", "a\tpositive\n", "data.no_label_column", "plain text has no labels"},
      // Values of JSON rows.
      {"x.jsonl", "{\"text\": 5, \"label\": 1}\n", "data.bad_rows", "x.jsonl:1: 'text' is a number, expected a text"},
      {"x.jsonl", "{\"text\": null, \"label\": 1}\n", "data.bad_rows", "'text' is null"},
      {"x.jsonl", "{\"text\": [\"a\"], \"label\": 1}\n", "data.bad_rows", "'text' is a list"},
      {"x.jsonl", "{\"text\": {\"a\": 1}, \"label\": 1}\n", "data.bad_rows", "'text' is an object"},
      {"x.jsonl", "{\"text\": true, \"label\": 1}\n", "data.bad_rows", "'text' is true or false"},
      {"x.jsonl", "{\"text\": \"a\", \"label\": 1}\n{\"label\": 1}\n", "data.bad_rows", "x.jsonl:2: 'text' is missing"},
      {"x.jsonl", "{\"sentence1\": \"a\", \"sentence2\": null, \"label\": 1}\n", "data.bad_rows", "'sentence2' is null"},
      {"x.jsonl", "[\"a\", 1]\n", "data.bad_rows", "x.jsonl:1: expected an object such as"},
      {"x.jsonl", "\"a\"\n{\"text\": \"a\", \"label\": 1}\n", "data.bad_rows", "found a text"},
      {"x.jsonl", "{\"text\": \"a\", \"label\": 1}\n12\n", "data.bad_rows", "x.jsonl:2: expected an object"},
      // JSON itself.
      {"x.jsonl", "{\"text\": \"a\", \"label\": 1}\n{\"text\": \"b\"\n", "data.bad_rows", "x.jsonl:2: JSON:"},
      {"x.jsonl", "{\"text\": \"a\", \"label\": 1} x\n{\"text\": \"b\", \"label\": 1}\n", "data.bad_rows", "x.jsonl:1: JSON:"},
      {"x.jsonl", "{\"text\": \"a\", \"text\": \"b\", \"label\": 1}\n{\"text\": \"b\", \"label\": 1}\n", "data.bad_rows", "is there twice"},
      {"x.jsonl", "{\"text\": \"a\", \"label\": NaN}\n{\"text\": \"b\", \"label\": 1}\n", "data.bad_rows", "NaN"},
      {"x.jsonl", "{\"text\": \"\\ud800\", \"label\": 1}\n{\"text\": \"b\", \"label\": 1}\n", "data.bad_rows", "x.jsonl:1: JSON:"},
      {"x.jsonl", "{'text': 'a'}\n{\"text\": \"b\", \"label\": 1}\n", "data.bad_rows", "x.jsonl:1: JSON:"},
      {"x.jsonl", "{\"text\": \"a\", \"label\": " + deep(70) + "}\n{\"text\": \"b\", \"label\": 1}\n", "data.bad_rows", "nested deeper"},
      {"x.jsonl", "{\"text\": \"a\", \"label\": 1},\n{\"text\": \"b\", \"label\": 1}\n", "data.bad_rows", "x.jsonl:1: JSON:"},
      {"x.jsonl", "{\"text\": \"a\0\", \"label\": 1}\n{\"text\": \"b\", \"label\": 1}\n"s, "data.bad_rows", "x.jsonl:1: JSON:"},
      {"x.json", "[{\"text\": \"a\", \"label\": 1},]", "json.syntax", "x.json"},
      {"x.json", "[{\"text\": \"a\", \"label\": 1}", "json.syntax", "x.json"},
      {"x.json", "[{\"text\": \"a\", \"label\": 1}] []", "json.trailing", "x.json"},
      {"x.json", deep(100000), "json.depth", "x.json"},
      {"x.json", "{\"text\": \"a\", \"label\": 1}", "data.json_shape", "an object without a list of objects"},
      {"x.json", "{\"a\": [{}], \"b\": [{}]}", "data.json_shape", "2 lists: a, b"},
      {"x.json", "{\"train\": [], \"n\": 3}", "data.json_shape", "an object without a list"},
      {"x.json", "\"text\"", "data.json_shape", "a text"},
      {"x.json", "null", "data.json_shape", "null"},
      {"x.json", "[1, 2]", "data.bad_rows", "x.json:1: expected an object"},
      {"x.json", "[{\"text\": \"a\", \"label\": 1},\n 3,\n null]", "data.bad_rows", "x.json:3: expected an object"},
      {"x.json", "{\"text\": [\"a\"], \"label\": [1, 2]}", "data.json_shape", ""},
      // Names.
      {"x.xlsx", "PK\x03\x04", "data.format", ".csv, .tsv, .json, .jsonl, .conll or .txt"},
      {"x.parquet", "PAR1", "data.format", ".parquet"},
      {"data", "text,label\n", "data.format", "no ending"},
  };
}

TEST(Malformed, EachEndsInItsError) {
  const std::vector<Case> all = cases();
  EXPECT_GE(all.size(), 80u);
  for (const Case& c : all) {
    try {
      parse_rows(c.content, c.name);
      ADD_FAILURE() << "accepted: " << testing::PrintToString(c.content.substr(0, 100));
    } catch (const Error& e) {
      EXPECT_EQ(e.info().id, c.id) << testing::PrintToString(c.content.substr(0, 100)) << "\n" << e.what();
      EXPECT_EQ(e.code(), ErrorCode::kInput);
      EXPECT_THAT(std::string(e.what()), testing::HasSubstr(c.says));
      EXPECT_THAT(std::string(e.what()), testing::HasSubstr(c.name));
      EXPECT_LT(std::string(e.what()).size(), 4000u);
    }
  }
}

TEST(Malformed, EveryPrefixOfGoodFilesEndsInRowsOrAnError) {
  const std::pair<const char*, std::string> files[] = {
      {"x.csv", "\xef\xbb\xbftext,label\r\n\"a, \"\"b\"\"\nc\",1\nüñ,0\r\n"},
      {"x.tsv", "gj04\t1\t\tThe sailors rode.\ngj04\t0\t*\tThe sailors ride by.\n"},
      {"x.jsonl", "{\"text\": \"a\\u00e9\", \"label\": [1, 2]}\n{\"text\": \"b\", \"label\": [0]}\n"},
      {"x.json", "{\"version\": 1, \"data\": [{\"text\": \"ü\", \"label\": 1.5},\n{\"text\": \"b\", \"label\": -2}]}"}};
  for (const auto& [name, content] : files) {
    for (size_t n = 0; n <= content.size(); ++n) {
      try {
        EXPECT_FALSE(parse_rows(content.substr(0, n), name).rows.empty());
      } catch (const Error& e) {
        EXPECT_EQ(e.code(), ErrorCode::kInput) << e.what();
      }
    }
    EXPECT_EQ(parse_rows(content, name).rows.size(), 2u) << name;
  }
}

TEST(Malformed, LongRows) {
  ReadOptions o;
  o.max_record = 1000;
  o.labels = LabelUse::kOptional;
  const std::string text(1100, 'x');
  const std::pair<const char*, std::string> files[] = {{"x.csv", "text,label\nok,1\n\"" + text + "\",1\n"},
                                                       {"x.tsv", "text\tlabel\nok\t1\n" + text + "\t1\n"},
                                                       {"x.jsonl", "{\"text\": \"ok\"}\n{\"text\": \"" + text + "\"}\n"},
                                                       {"x.txt", "ok\n" + text + "\n"}};
  for (const auto& [name, content] : files) {
    try {
      parse_rows(content, name, o);
      ADD_FAILURE() << name;
    } catch (const Error& e) {
      EXPECT_EQ(e.info().id, "data.bad_rows") << e.what();
      EXPECT_THAT(std::string(e.what()), testing::HasSubstr("the limit is 1000"));
    }
  }
  o.max_bytes = 500;
  try {
    parse_rows(files[0].second, "x.csv", o);
    ADD_FAILURE();
  } catch (const Error& e) {
    EXPECT_EQ(e.info().id, "data.too_large");
  }
}

// Time is linear: one second and 20 ms a megabyte are allowed (reliability F1); these would take minutes if anything were quadratic.
TEST(Malformed, HugeOddFilesAreQuick) {
  const std::clock_t begin = std::clock();  // processor time: other programs do not count
  std::string bytes = "text,label\n";
  const size_t mb = size_t{8} << 20;
  const auto attempt = [](const std::string& content, const char* name) {
    try {
      ReadOptions o;
      o.on_bad_rows = OnBadRows::kSkip;
      parse_rows(content, name, o);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kInput);
    }
  };
  attempt(bytes + std::string(mb, ','), "x.csv");
  attempt(std::string(mb, ','), "x.csv");
  attempt(bytes + std::string(mb, '"'), "x.csv");
  attempt(bytes + std::string(mb, '\n'), "x.csv");
  attempt(bytes + "\"" + std::string(mb, '\n'), "x.csv");
  attempt("text\tlabel\n" + std::string(mb, '\t'), "x.tsv");
  attempt("[" + std::string(mb, ' '), "x.json");
  std::string many;
  while (many.size() < mb) many += "\"a\n\"b,1\n";
  attempt(bytes + many, "x.csv");
  std::string lists = "[";
  while (lists.size() < mb) lists += "[],";
  attempt(lists + "{}]", "x.json");
  std::string keys = "{";
  for (int i = 0; keys.size() < mb / 8; ++i) keys += "\"k" + std::to_string(i) + "\": [1], ";
  attempt(keys + "\"text\": [\"a\"]}", "x.json");
  attempt(keys + "\"text\": \"a\", \"label\": 1}", "x.jsonl");
  EXPECT_LT(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC, 90.0);
}

}  // namespace
}  // namespace attune
