// attune compare and evaluate --predictions from the command line: what they print, and what ends in one clear error.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "program.h"

namespace attune::e2e {
namespace {

using nlohmann::json;
using testing::HasSubstr;

/// Of `rows` rows, all but every `wrong`-th right.
std::string predictions(int rows, int wrong, int first = 0) {
  std::string out;
  for (int i = first; i < first + rows; ++i) {
    const char *gold = i % 3 ? "neg" : "pos", *other = i % 3 ? "pos" : "neg";
    const bool right = i % wrong != 0;
    out += json{{"id", "r" + std::to_string(i)}, {"gold", gold}, {"prediction", right ? gold : other}, {"scores", {{"neg", (i % 3 != 0) == right ? 0.875 : 0.125}, {"pos", (i % 3 != 0) == right ? 0.125 : 0.875}}},
                {"text", "text " + std::to_string(i)}}.dump() + "\n";
  }
  return out;
}

class Compared : public ::testing::Test {
 protected:
  void SetUp() override {
    f.write("a.jsonl", predictions(300, 4));
    f.write("b.jsonl", predictions(300, 11));
  }
  Folder f;
};

TEST_F(Compared, TwoRunsGiveOneObject) {
  const Outcome r = f.run({"compare", "a.jsonl", "b.jsonl", "--json", "--draws", "500"});
  ASSERT_EQ(r.status, 0) << r.err;
  const json o = json::parse(r.out);
  for (const char* key : {"mcnemar", "delong", "paired_bootstrap", "randomisation", "agreement", "flips", "rows_needed", "equivalence", "verdict", "runs", "tests"}) EXPECT_TRUE(o.contains(key)) << key;
  EXPECT_EQ(o["mcnemar"]["only_b_right"], 68);  // multiples of 4 but not of 11
  EXPECT_EQ(o["flips"]["wrong_to_right"].size(), 68u);
  EXPECT_EQ(o["flips"]["wrong_to_right"][0]["text"], "text 4");
  const Outcome people = f.run({"compare", "a.jsonl", "b.jsonl", "--draws", "500"});
  EXPECT_THAT(people.out, HasSubstr("b.jsonl is better by 1"));
  EXPECT_THAT(people.out, HasSubstr("points of accuracy (95 % interval"));
  EXPECT_THAT(people.out, HasSubstr("... and 63 more (--json lists all)"));
}

TEST_F(Compared, MoreRunsAreAdjusted) {
  f.write("c.jsonl", predictions(300, 5));
  const Outcome r = f.run({"compare", "a.jsonl", "b.jsonl", "c.jsonl", "--json", "--draws", "200"});
  ASSERT_EQ(r.status, 0) << r.err;
  const json o = json::parse(r.out);
  EXPECT_EQ(o["pairs"].size(), 2u);
  EXPECT_EQ(o["holm"].size(), 2u);
}

TEST_F(Compared, AGateThatFailsIsStatusEight) {
  const Outcome good = f.run({"compare", "a.jsonl", "b.jsonl", "--draws", "200", "--fail-if", "f1 < baseline - 0.01 @ 95%", "--fail-if", "accuracy < 0.5"});
  EXPECT_EQ(good.status, 0) << good.err;
  const Outcome bad = f.run({"compare", "b.jsonl", "a.jsonl", "--draws", "200", "--fail-if", "f1 < baseline - 0.01 @ 95%"});
  EXPECT_EQ(bad.status, 8);
  EXPECT_THAT(bad.err, HasSubstr("1 of 1 gates failed"));
  EXPECT_THAT(bad.err, HasSubstr("f1 < baseline - 0.01 @ 95%: a.jsonl has f1 0."));
  EXPECT_THAT(bad.err, HasSubstr("95 % interval -"));
  EXPECT_THAT(bad.out, HasSubstr("points of accuracy")) << "the comparison itself is shown";
}

TEST_F(Compared, RunFoldersAreRead) {
  for (const char* name : {"x", "y"}) {
    f.write("rows.csv", review_csv(24));
    const Outcome t = f.run({"train", "--model", golden_model("bert"), "--train-file", "rows.csv", "--test-file", "rows.csv", "--max-steps", "2", "--max-length", "16", "--output-dir", name, "--seed", name[0] == 'x' ? "1" : "2"});
    ASSERT_EQ(t.status, 0) << t.err;
  }
  const Outcome r = f.run({"compare", "x", "y", "--json", "--draws", "200"});
  ASSERT_EQ(r.status, 0) << r.err;
  const json o = json::parse(r.out);
  EXPECT_EQ(o["rows"], 24);
  EXPECT_EQ(o["runs"][0]["metrics"]["accuracy"], json::parse(f.read("x/all_results.json"))["test_accuracy"]);
  EXPECT_EQ(o["undefined"]["delong"], "is for two classes");
  const json again = json::parse(f.run({"evaluate", "--predictions", "x", "--json"}).out), whole = json::parse(f.read("x/test_results.json"));
  for (const char* key : {"accuracy", "f1_macro", "confusion_matrix", "per_class", "brier"}) EXPECT_EQ(again[key], whole[key]) << key;
  const Outcome language = f.run({"compare", "x", golden_model("bert")});
  EXPECT_EQ(language.status, 3);
  EXPECT_THAT(language.err, HasSubstr("has no predictions.jsonl"));
}

struct Wrong {
  const char* name;
  int status;
  std::vector<std::string> says, args;
};

TEST_F(Compared, EachMistakeEndsInOneError) {
  f.write("empty.jsonl", "");
  f.write("others.jsonl", predictions(300, 4, 1000));
  f.write("fewer.jsonl", predictions(290, 4, 10));
  f.write("gold.jsonl", [] {
    std::string s = predictions(300, 4);
    s.replace(s.find("\"gold\":\"pos\""), 12, "\"gold\":\"neg\"");
    return s;
  }());
  f.write("twice.jsonl", predictions(3, 4) + predictions(3, 4));
  f.write("nogold.jsonl", "{\"id\": \"r0\", \"prediction\": \"neg\"}\n");
  f.write("numbers.jsonl", "{\"id\": \"r0\", \"gold\": 1.5, \"prediction\": 1.25}\n");
  const Wrong cases[] = {
      {"one run", 2, {"two run folders or predictions files"}, {"compare", "a.jsonl"}},
      {"no such file", 3, {"none.jsonl"}, {"compare", "a.jsonl", "none.jsonl"}},
      {"empty", 3, {"empty.jsonl", "holds no predictions"}, {"compare", "a.jsonl", "empty.jsonl"}},
      {"no common ids", 3, {"have no row in common", "'r0'", "'r1000'", "and 290 more"}, {"compare", "a.jsonl", "others.jsonl"}},
      {"other rows", 3, {"do not have the same test rows", "10 of 300 rows only in a.jsonl: 'r0', 'r1'"}, {"compare", "a.jsonl", "fewer.jsonl"}},
      {"other gold", 3, {"1 rows have another gold", "id 'r0': \"pos\" in a.jsonl, \"neg\" in gold.jsonl"}, {"compare", "a.jsonl", "gold.jsonl"}},
      {"ids twice", 3, {"3 ids occur more than once", "twice.jsonl:4: id 'r0' is already that of line 1"}, {"compare", "a.jsonl", "twice.jsonl"}},
      {"no gold", 3, {"nogold.jsonl:1", "have no gold", "--data"}, {"compare", "a.jsonl", "nogold.jsonl"}},
      {"other task", 3, {"predictions of different tasks"}, {"compare", "a.jsonl", "numbers.jsonl"}},
      {"no such metric", 2, {"there is no metric 'f1_makro'", "did you mean 'f1_macro'"}, {"compare", "a.jsonl", "b.jsonl", "--metric", "f1_makro"}},
      {"gate with a slip", 2, {"'baseline' or a number was expected at 'basline'", "METRIC"}, {"compare", "a.jsonl", "b.jsonl", "--fail-if", "f1 < basline"}},
      {"gate of no metric", 2, {"there is no metric 'overall_f1'"}, {"compare", "a.jsonl", "b.jsonl", "--fail-if", "overall_f1 < 0.5"}},
      {"evaluate nothing", 2, {"missing: MODEL", "--predictions"}, {"evaluate"}},
      {"evaluate the empty", 3, {"holds no predictions"}, {"evaluate", "--predictions", "empty.jsonl"}},
      {"evaluate without gold", 3, {"nogold.jsonl:1"}, {"evaluate", "--predictions", "nogold.jsonl"}},
      {"odds of labels", 2, {"is for question answering"}, {"evaluate", "--predictions", "a.jsonl", "--null-odds", "a.jsonl"}},
  };
  for (const Wrong& c : cases) {
    const Outcome r = f.run(c.args);
    EXPECT_EQ(r.status, c.status) << c.name << ": " << r.err;
    for (const std::string& text : c.says) EXPECT_THAT(r.err, HasSubstr(text)) << c.name;
    EXPECT_EQ(r.out, "") << c.name;
  }
}

TEST_F(Compared, NumbersThatAreNoneLeaveTheirFiguresOut) {
  std::string bad = predictions(300, 11);
  bad.replace(bad.find("0.875"), 5, "NaN");
  f.write("nan.jsonl", bad);
  const json o = json::parse(f.run({"compare", "a.jsonl", "nan.jsonl", "--json", "--draws", "200"}).out);
  EXPECT_TRUE(o["delong"].is_null());
  EXPECT_THAT(o["undefined"]["delong"].get<std::string>(), HasSubstr("nan.jsonl:"));
  EXPECT_TRUE(o["mcnemar"].is_object());
  const json e = json::parse(f.run({"evaluate", "--predictions", "nan.jsonl", "--json"}).out);
  EXPECT_TRUE(e["brier"].is_null());
  EXPECT_TRUE(e["accuracy"].is_number());
}

}  // namespace
}  // namespace attune::e2e
