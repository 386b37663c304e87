// Problems of a data set: each planted one is found, counted and shown where it is.
#include "data/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/excerpt.h"

namespace attune {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

Row row(uint64_t line, std::string text, Json label) {
  Row r;
  r.line = line;
  r.index = line - 2;
  r.text = std::move(text);
  r.label = std::move(label);
  return r;
}

TEST(CheckData, FindsWhatIsWrong) {
  const std::vector<Row> train{row(2, "good", "pos"), row(3, "bad", "neg"), row(4, "good", "pos"), row(5, "good", "neg"), row(6, "  ", "pos"), row(7, "fine", "Pos"), row(8, "dull", nullptr)};
  const std::vector<Row> test{row(2, "bad", "neg"), row(3, "new", "odd")};
  const std::vector<int32_t> lengths{5, 6, 7, 8, 2, 200, 20};
  const SplitToCheck splits[] = {{.name = "train", .file = "train.csv", .rows = train, .lengths = lengths, .bad_rows = 2},
                                 {.name = "test", .file = "test.csv", .rows = test}};
  const DataReport report = check_data(splits, 10);
  const SplitReport& t = report.splits[0];
  EXPECT_EQ(t.rows, 7u);
  EXPECT_EQ(t.unlabelled, 1u);
  EXPECT_THAT(t.classes, ElementsAre(Pair("Pos", 1u), Pair("neg", 2u), Pair("pos", 3u)));
  EXPECT_DOUBLE_EQ(t.majority_rate, 0.5);
  EXPECT_EQ(t.empty.count, 1u);
  EXPECT_THAT(t.empty.lines, ElementsAre(6u));
  EXPECT_THAT(t.duplicates.lines, ElementsAre(4u));
  EXPECT_THAT(t.conflicts.lines, ElementsAre(5u));
  EXPECT_EQ(t.lengths.most, 200);
  EXPECT_EQ(t.lengths.median, 7);
  EXPECT_EQ(t.lengths.truncated, 2u);
  EXPECT_EQ(t.lengths.tokens_lost, 200u);
  EXPECT_EQ(t.lengths.bins_end, 20);
  EXPECT_THAT(report.splits[1].in_train.lines, ElementsAre(2u));

  const std::string problems = testing::PrintToString(report.problems);
  for (const char* part : {"train: 2 rows cannot be used", "1 row without text (line 6)", "1 row without a label", "repeat an earlier text with another label (line 5)",
                           "(14.3%) repeat an earlier row (line 4)", "test: 1 row (50.0%) have a text that is also in train (line 2)", "the label 'odd' (1 row) is not in train",
                           "the labels 'Pos' and 'pos' differ only in case", "longer than max_length 10 and lose 200 tokens"}) {
    EXPECT_THAT(problems, HasSubstr(part));
  }
  const Json json = to_json(report);
  EXPECT_EQ(json["splits"]["train"]["class_counts"]["pos"], 3);
  EXPECT_EQ(json["splits"]["train"]["truncated"], 2);
  EXPECT_EQ(json["splits"]["test"]["in_train"]["count"], 1);
  EXPECT_EQ(json["problems"].size(), report.problems.size());
  uint64_t in_bins = 0;
  for (const Json& bin : json["splits"]["train"]["token_lengths"]["histogram"]) in_bins += bin["rows"].get<uint64_t>();
  EXPECT_EQ(in_bins, 7u);
}

TEST(CheckData, CleanDataHasNoProblems) {
  std::vector<Row> train;
  for (uint64_t i = 0; i < 40; ++i) train.push_back(row(i + 2, "text " + std::to_string(i), i % 2 ? "a" : "b"));
  const SplitToCheck splits[] = {{.name = "train", .file = "x.csv", .rows = train}};
  const DataReport report = check_data(splits, 0);
  EXPECT_TRUE(report.problems.empty()) << testing::PrintToString(report.problems);
  EXPECT_THAT(to_text(report), HasSubstr("No problems found."));
  EXPECT_FALSE(to_json(report)["splits"]["train"].contains("token_lengths"));
}

TEST(CheckData, SortedSkewedAndOneClassData) {
  std::vector<Row> sorted, skewed, one;
  for (uint64_t i = 0; i < 400; ++i) {
    sorted.push_back(row(i + 2, "text " + std::to_string(i), i < 200 ? "0" : "1"));
    skewed.push_back(row(i + 2, "text " + std::to_string(i), i % 100 == 0 ? "1" : "0"));
    one.push_back(row(i + 2, "text " + std::to_string(i), "1"));
  }
  const auto problems = [](const std::vector<Row>& rows) {
    const SplitToCheck splits[] = {{.name = "train", .file = "x", .rows = rows}};
    return testing::PrintToString(check_data(splits, 0).problems);
  };
  EXPECT_THAT(problems(sorted), HasSubstr("the first 200 rows are of one class"));
  EXPECT_THAT(problems(skewed), HasSubstr("99.0% of the rows are of one class"));
  EXPECT_THAT(problems(skewed), HasSubstr("the label '1' has only 4 rows"));
  EXPECT_THAT(problems(one), HasSubstr("nothing to learn"));
  EXPECT_THAT(problems(one), testing::Not(HasSubstr("the first")));
}

TEST(CheckData, PairsAreNotConfused) {
  std::vector<Row> rows{row(2, "ab", "x"), row(3, "a", "y")};
  rows[0].pair = "c";
  rows[1].pair = "bc";
  rows.push_back(row(4, "ab", "x"));  // no second text
  const SplitToCheck splits[] = {{.name = "train", .file = "x", .rows = rows}};
  const DataReport report = check_data(splits, 0);
  EXPECT_EQ(report.splits[0].duplicates.count + report.splits[0].conflicts.count, 0u);
}

TEST(CheckData, TextIsAlignedAndMarksTheLimit) {
  std::vector<Row> rows;
  std::vector<int32_t> lengths;
  for (uint64_t i = 0; i < 16; ++i) {
    rows.push_back(row(i + 2, "t" + std::to_string(i), i % 4 ? "überlang" : "b"));
    lengths.push_back(static_cast<int32_t>(i % 8 + 1));
  }
  const SplitToCheck splits[] = {{.name = "train", .file = "x.csv", .rows = rows, .lengths = lengths}};
  const std::string text = to_text(check_data(splits, 4));
  EXPECT_THAT(text, HasSubstr("    b          4   25.0%  ##########\n    überlang  12   75.0%  ##############################\n"));
  EXPECT_THAT(text, HasSubstr("    4  2  ########################################  <- max_length 4\n"));
  EXPECT_THAT(text, HasSubstr("longer than max_length 4: 8 rows (50.0%), 20 tokens lost"));
}

TEST(CheckData, EmptyInput) {
  const SplitToCheck splits[] = {{.name = "train", .file = "x", .rows = {}}};
  EXPECT_EQ(check_data(splits, 10).splits[0].rows, 0u);
  EXPECT_FALSE(to_text(check_data(splits, 10)).empty());
}

TEST(Excerpt, ShowsAnyBytes) {
  EXPECT_EQ(excerpt("a\nb\xff" "c"), "a\\x0ab\\xffc");
  EXPECT_EQ(excerpt("äöü", 3), "ä...");
  EXPECT_EQ(excerpt(std::string(100, 'x'), 4), "xxxx...");
  EXPECT_EQ(pad_left("ü", 3), "  ü");
  EXPECT_EQ(pad_right("ü", 3), "ü  ");
}

}  // namespace
}  // namespace attune
