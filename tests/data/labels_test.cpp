// Labels: what the cells are taken for, the order of the classes, and rows that fit none.
#include "data/labels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "data/label_cells.h"

namespace attune {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<Row> rows_of(std::initializer_list<Json> labels) {
  std::vector<Row> rows;
  for (const Json& label : labels) {
    Row row;
    row.index = rows.size();
    row.line = rows.size() + 2;
    row.text = "text " + std::to_string(rows.size());
    row.label = label;
    rows.push_back(row);
  }
  return rows;
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

std::vector<std::string> sorted(std::vector<std::string> names) {
  sort_label_names(names);
  return names;
}

TEST(LabelOrder, WholeNumbersByValueElseByCodePoint) {
  EXPECT_THAT(sorted({"10", "9", "2"}), ElementsAre("2", "9", "10"));
  EXPECT_THAT(sorted({"1", "0", "-1", "-10", "-2"}), ElementsAre("-10", "-2", "-1", "0", "1"));
  EXPECT_THAT(sorted({"Ä", "b", "a", "B", "9", "2", "10", "-1", " x"}), ElementsAre(" x", "-1", "10", "2", "9", "B", "a", "b", "Ä"));
  EXPECT_THAT(sorted({"10", "9", "02"}), ElementsAre("02", "10", "9"));  // a leading zero: text
  EXPECT_THAT(sorted({"positive", "negative"}), ElementsAre("negative", "positive"));
  EXPECT_THAT(sorted({"99999999999999999999999", "100000000000000000000000"}), ElementsAre("99999999999999999999999", "100000000000000000000000"));
}

TEST(LabelCells, Numbers) {
  EXPECT_EQ(cell_number("1.5"), 1.5);
  EXPECT_EQ(cell_number("-2e3"), -2000.0);
  EXPECT_EQ(cell_number(".5"), 0.5);
  for (const char* no : {"", "x", "1x", " 1", "nan", "inf", "-inf", "0x10", "1,5", "1e999", "--1", "+-1"}) EXPECT_FALSE(cell_number(no)) << no;
  for (const char* yes : {"0", "7", "-7", "123456789012345678901234567890"}) EXPECT_TRUE(is_whole_number(yes)) << yes;
  for (const char* no : {"", "-", "00", "01", "-0", "1.0", "+1", "1 "}) EXPECT_FALSE(is_whole_number(no)) << no;
}

TEST(LabelCells, Parts) {
  EXPECT_THAT(cell_parts(Json::parse(R"(["a", 2])"), ""), ElementsAre("a", "2"));
  EXPECT_THAT(cell_parts(R"(["a", "b"])", ""), ElementsAre("a", "b"));
  EXPECT_THAT(cell_parts("a| b |", "|"), ElementsAre("a", "b"));
  EXPECT_THAT(cell_parts("a| b", ""), ElementsAre("a| b"));
  EXPECT_THAT(cell_parts("[not json]", ""), ElementsAre("[not json]"));
  EXPECT_THAT(cell_parts("", ","), ElementsAre());
}

TEST(DeduceLabels, SingleLabelNames) {
  const LabelSet set = deduce_labels(rows_of({"pos", "neg", "pos"}), {}, "f");
  EXPECT_EQ(set.problem_type(), ProblemType::kSingleLabel);
  EXPECT_THAT(set.names(), ElementsAre("neg", "pos"));
  EXPECT_THAT(deduce_labels(rows_of({2, 10, 9}), {}, "f").names(), ElementsAre("2", "9", "10"));
  EXPECT_THAT(deduce_labels(rows_of({true, false}), {}, "f").names(), ElementsAre("false", "true"));
  EXPECT_THAT(deduce_labels(rows_of({"NA", "null"}), {}, "f").names(), ElementsAre("NA", "null"));
}

TEST(DeduceLabels, RegressionWhereANumberHasAFraction) {
  const LabelSet set = deduce_labels(rows_of({"1.0", "2.5", "3"}), {}, "f");
  EXPECT_EQ(set.problem_type(), ProblemType::kRegression);
  EXPECT_THAT(set.names(), ElementsAre("LABEL_0"));
  const std::vector<Row> rows = rows_of({1.5, 2, -3.25});
  const std::vector<Labels> labels = encode_labels(rows, deduce_labels(rows, {}, "f"), "f");
  EXPECT_THAT(labels[2].values, ElementsAre(-3.25F));
  EXPECT_EQ(labels[2].id, -1);
  EXPECT_EQ(deduce_labels(rows_of({Json::parse("[1.5, 2]"), Json::parse("[0, 1]")}), {}, "f").outputs(), 2);
}

TEST(DeduceLabels, MultiLabelFromLists) {
  const std::vector<Row> rows = rows_of({Json::parse(R"(["b", "a"])"), Json::parse("[]"), R"(["c"])"});
  const LabelSet set = deduce_labels(rows, {}, "f");
  EXPECT_EQ(set.problem_type(), ProblemType::kMultiLabel);
  EXPECT_THAT(set.names(), ElementsAre("a", "b", "c"));
  const std::vector<Labels> labels = encode_labels(rows, set, "f");
  EXPECT_THAT(labels[0].values, ElementsAre(1, 1, 0));
  EXPECT_THAT(labels[1].values, ElementsAre(0, 0, 0));
  EXPECT_THAT(labels[2].values, ElementsAre(0, 0, 1));
}

TEST(DeduceLabels, MultiLabelFromVectors) {
  const std::vector<Row> rows = rows_of({Json::parse("[0, 1, 1]"), "[1.0, 0.0, 0.0]", Json::parse("[0, 0, 0]")});
  LabelSet set = deduce_labels(rows, {}, "f");
  EXPECT_EQ(set.problem_type(), ProblemType::kMultiLabel);
  EXPECT_THAT(set.names(), ElementsAre("LABEL_0", "LABEL_1", "LABEL_2"));
  EXPECT_THAT(encode_labels(rows, set, "f")[0].values, ElementsAre(0, 1, 1));
  set = deduce_labels(rows, {.problem_type = {}, .names = {"x", "y", "z"}, .model_names = {}, .separator = ""}, "f");
  EXPECT_THAT(set.names(), ElementsAre("x", "y", "z"));
  EXPECT_THAT(encode_labels(rows, set, "f")[1].values, ElementsAre(1, 0, 0));
}

TEST(DeduceLabels, MultiLabelFromSeparatedText) {
  const std::vector<Row> rows = rows_of({"a|b", "", "b"});
  const LabelSet set = deduce_labels(rows, {.problem_type = {}, .names = {}, .model_names = {}, .separator = "|"}, "f");
  EXPECT_EQ(set.problem_type(), ProblemType::kMultiLabel);
  EXPECT_THAT(encode_labels(rows, set, "f")[0].values, ElementsAre(1, 1));
}

TEST(DeduceLabels, TheModelsNamesWinWhenTheyAreTheSameSet) {
  const auto names = [](std::initializer_list<Json> cells, std::vector<std::string> model) {
    return deduce_labels(rows_of(cells), {.problem_type = {}, .names = {}, .model_names = std::move(model), .separator = ""}, "f").names();
  };
  EXPECT_THAT(names({"entailment", "neutral", "contradiction"}, {"entailment", "neutral", "contradiction"}), ElementsAre("entailment", "neutral", "contradiction"));
  EXPECT_THAT(names({"negative", "positive"}, {"POSITIVE", "NEGATIVE"}), ElementsAre("POSITIVE", "NEGATIVE"));
  EXPECT_THAT(names({"0", "1"}, {"NEGATIVE", "POSITIVE"}), ElementsAre("NEGATIVE", "POSITIVE"));
  EXPECT_THAT(names({"0", "1"}, {"a", "b", "c"}), ElementsAre("0", "1"));          // another task's head
  EXPECT_THAT(names({"bad", "good"}, {"NEGATIVE", "POSITIVE"}), ElementsAre("bad", "good"));
  EXPECT_THAT(names({"bad", "good"}, {"LABEL_0", "LABEL_1"}), ElementsAre("bad", "good"));
  EXPECT_THAT(names({"0", "1"}, {"LABEL_0", "LABEL_1"}), ElementsAre("0", "1"));
}

TEST(DeduceLabels, TheConfigurationsOrderWins) {
  const LabelOptions options{.problem_type = {}, .names = {"pos", "neg", "mixed"}, .model_names = {"neg", "pos"}, .separator = ""};
  EXPECT_THAT(deduce_labels(rows_of({"pos", "neg"}), options, "f").names(), ElementsAre("pos", "neg", "mixed"));
  std::string what;
  EXPECT_EQ(id_of([&] { deduce_labels(rows_of({"pos", "ned"}), options, "f"); }, &what), "data.labels.unknown");
  EXPECT_THAT(what, HasSubstr("did you mean 'neg'"));
}

TEST(DeduceLabels, Refusals) {
  EXPECT_EQ(id_of([] { deduce_labels(rows_of({nullptr, nullptr}), {}, "f"); }), "data.no_labels");
  EXPECT_EQ(id_of([] { deduce_labels(rows_of({Json::parse("[]"), Json::parse("[]")}), {}, "f"); }), "data.no_labels");
  std::string what;
  EXPECT_EQ(id_of([] { deduce_labels(rows_of({"1.5", "2.5", "x"}), {}, "f"); }, &what), "data.labels.mixed");
  EXPECT_THAT(what, HasSubstr("line 4 has 'x'"));
  EXPECT_EQ(id_of([] { deduce_labels(rows_of({Json::parse("[1]"), 2}), {}, "f"); }), "data.labels.mixed");
  EXPECT_EQ(id_of([] { deduce_labels(rows_of({Json::parse("[1.5, 2]"), Json::parse("[0.5, 1]"), Json::parse("[1.5, 2, 3]")}),
                                     {.problem_type = ProblemType::kRegression, .names = {}, .model_names = {}, .separator = ""}, "f"); }),
            "data.labels.unknown");
  std::vector<Row> many;
  for (int i = 0; i < 10002; ++i) {
    many.push_back({});
    many.back().label = "text " + std::to_string(i);
  }
  EXPECT_EQ(id_of([&] { deduce_labels(many, {}, "f"); }), "data.labels.too_many");
}

TEST(DeduceLabels, AStatedTypeOverridesTheCells) {
  const LabelOptions as_classes{.problem_type = ProblemType::kSingleLabel, .names = {}, .model_names = {}, .separator = ""};
  EXPECT_THAT(deduce_labels(rows_of({"0.0", "1.0"}), as_classes, "f").names(), ElementsAre("0.0", "1.0"));
  const LabelOptions as_numbers{.problem_type = ProblemType::kRegression, .names = {}, .model_names = {}, .separator = ""};
  EXPECT_EQ(deduce_labels(rows_of({"0", "1"}), as_numbers, "f").outputs(), 1);
  EXPECT_EQ(id_of([&] { deduce_labels(rows_of({"0", "good"}), as_numbers, "f"); }), "data.labels.unknown");
}

TEST(EncodeLabels, NamesCaseAndIds) {
  const LabelSet set(ProblemType::kSingleLabel, {"NEGATIVE", "POSITIVE"});
  const std::vector<Labels> labels = encode_labels(rows_of({"POSITIVE", "negative", "1", 0}), set, "f");
  EXPECT_EQ(labels[0].id, 1);
  EXPECT_EQ(labels[1].id, 0);
  EXPECT_EQ(labels[2].id, 1);
  EXPECT_EQ(labels[3].id, 0);
  const LabelSet numbers(ProblemType::kSingleLabel, {"1", "2"});
  EXPECT_EQ(numbers.find("1"), 0);   // a name, not an id
  EXPECT_EQ(numbers.find("0"), std::nullopt);
  const LabelSet shades(ProblemType::kSingleLabel, {"us", "US"});
  EXPECT_EQ(shades.find("US"), 1);
  EXPECT_EQ(shades.find("Us"), std::nullopt);
  EXPECT_EQ(set.find("2"), std::nullopt);
  EXPECT_EQ(set.find("-1"), std::nullopt);
  EXPECT_EQ(set.find("99999999999999999999"), std::nullopt);
}

TEST(EncodeLabels, UnknownOnesAreCollectedWithTheirLines) {
  const LabelSet set(ProblemType::kSingleLabel, {"negative", "positive"});
  std::string what;
  EXPECT_EQ(id_of([&] { encode_labels(rows_of({"positive", "positiv", "-1", "positiv", "neutral", nullptr}), set, "dev.csv"); }, &what), "data.labels.unknown");
  EXPECT_THAT(what, HasSubstr("dev.csv:3: label 'positiv' (2 rows): did you mean 'positive'"));
  EXPECT_THAT(what, HasSubstr("dev.csv:4: label '-1' (1 row): '-1' usually marks"));
  EXPECT_THAT(what, HasSubstr("label 'neutral'"));
  EXPECT_THAT(what, HasSubstr("negative, positive"));
  EXPECT_THAT(what, HasSubstr("has no label"));
  EXPECT_EQ(encode_labels(rows_of({"positive", nullptr}), set, "f", true)[1].id, -1);
  EXPECT_EQ(id_of([&] { encode_labels(rows_of({Json::parse(R"(["positive"])")}), set, "f"); }), "data.labels.unknown");
}

TEST(Trainable, OneClassAndOneText) {
  std::vector<Row> rows = rows_of({"a", "a", "a"});
  const LabelSet set(ProblemType::kSingleLabel, {"a", "b"});
  std::string what;
  EXPECT_EQ(id_of([&] { require_trainable(rows, encode_labels(rows, set, "f"), set, "f"); }, &what), "data.one_class");
  EXPECT_THAT(what, HasSubstr("all 3 rows have the same label 'a'"));
  rows[1].label = "b";
  EXPECT_EQ(id_of([&] { require_trainable(rows, encode_labels(rows, set, "f"), set, "f"); }), "no error");
  for (Row& row : rows) row.text = "same";
  EXPECT_EQ(id_of([&] { require_trainable(rows, encode_labels(rows, set, "f"), set, "f"); }), "data.same_text");
  rows[0].pair = "other";
  EXPECT_EQ(id_of([&] { require_trainable(rows, encode_labels(rows, set, "f"), set, "f"); }), "no error");
}

TEST(ProblemTypes, Names) {
  for (ProblemType type : {ProblemType::kSingleLabel, ProblemType::kMultiLabel, ProblemType::kRegression}) EXPECT_EQ(problem_type_from_name(problem_type_name(type)), type);
  EXPECT_EQ(problem_type_from_name("classification"), std::nullopt);
}

}  // namespace
}  // namespace attune
