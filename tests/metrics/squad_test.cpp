// Official SQuAD scores and the n-best search against tests/golden/squad.json, and the worked examples of docs/formats.md.
#include "metrics/squad.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/code_points.h"
#include "base/error.h"
#include "metrics/span_answers.h"

namespace attune {
namespace {

const Json& golden() {
  static const Json cases = read_json(fs::path(ATTUNE_SOURCE_DIR) / "tests/golden/squad.json");
  return cases;
}

TEST(Squad, NormalizesAsPythonDoes) {
  ASSERT_GE(golden()["normalized"].size(), 20u);
  for (const Json& c : golden()["normalized"]) EXPECT_EQ(normalize_answer(c[0].get<std::string>()), c[1].get<std::string>()) << c[0];
  for (const Json& c : golden()["pairs"]) EXPECT_DOUBLE_EQ(answer_f1(c[0].get<std::string>(), c[1].get<std::string>()), c[2].get<double>()) << c[0] << c[1];
  // docs/formats.md, section 10.3
  EXPECT_EQ(normalize_answer("theatre the-end"), "theatre theend");
  EXPECT_EQ(normalize_answer("_the_ a_b"), "ab");
  EXPECT_EQ(answer_f1("the", ""), 1.0) << "both without a word";
  EXPECT_EQ(answer_exact("The U.S.", "us"), 1.0);
}

TEST(Squad, ScoresEqualTheOfficialScript) {
  ASSERT_GE(golden()["scores"].size(), 6u);
  for (const Json& c : golden()["scores"]) {
    std::vector<AnswerScores> questions;
    for (size_t i = 0; i < c["gold"].size(); ++i) {
      questions.push_back(answer_scores({c["gold"][i].get<std::vector<std::string>>(), c["predicted"][i].get<std::string>(), c["odds"][i].get<double>()}));
    }
    SquadOptions options{.no_answer_threshold = std::nullopt, .best = true};
    if (!c["limit"].is_null()) options.no_answer_threshold = c["limit"].get<double>();
    const Json result = squad_json(questions, options);
    ASSERT_EQ(result.size(), c["result"].size()) << c["name"] << result << c["result"];
    for (const auto& [name, value] : c["result"].items()) {
      ASSERT_TRUE(result.contains(name)) << name;
      EXPECT_NEAR(result[name].get<double>(), value.get<double>(), 1e-9) << c["name"] << " " << name;
    }
  }
}

TEST(Answers, EqualTheReference) {
  ASSERT_GE(golden()["answers"].size(), 12u);
  for (const Json& c : golden()["answers"]) {
    const auto context = c["context"].get<std::string>();
    const CodePoints points(context);
    std::vector<std::vector<float>> logits;
    std::vector<std::vector<std::pair<int32_t, int32_t>>> offsets;
    for (const Json& w : c["windows"]) {
      logits.push_back(w["start"].get<std::vector<float>>());
      logits.push_back(w["end"].get<std::vector<float>>());
      offsets.push_back(w["offsets"].get<std::vector<std::pair<int32_t, int32_t>>>());
    }
    std::vector<AnswerWindow> windows;
    for (size_t i = 0; i < offsets.size(); ++i) windows.push_back({logits[2 * i], logits[2 * i + 1], offsets[i]});
    const SpanAnswer a = best_answer(points, windows,
                                     {.n_best_size = c["n_best_size"].get<int64_t>(),
                                      .max_answer_length = c["max_answer_length"].get<int64_t>(),
                                      .may_have_none = c["may_have_none"].get<bool>(),
                                      .null_score_diff_threshold = c["threshold"].get<double>()});
    EXPECT_EQ(a.text, c["answer"].get<std::string>());
    if (!c["null_odds"].is_null()) {
      EXPECT_NEAR(a.null_odds, c["null_odds"].get<double>(), 1e-5);
    }
    ASSERT_EQ(a.candidates.size(), c["candidates"].size());
    for (size_t i = 0; i < a.candidates.size(); ++i) {
      const Json& e = c["candidates"][i];
      EXPECT_EQ(a.candidates[i].text, e["text"].get<std::string>());
      EXPECT_NEAR(a.candidates[i].score, e["score"].get<double>(), 1e-5);
      EXPECT_NEAR(a.candidates[i].probability, e["probability"].get<double>(), 1e-6);
    }
    if (!a.text.empty() && a.text != "empty") {
      EXPECT_EQ(points.slice(a.begin, a.end), a.text);
    }
  }
}

// docs/formats.md, section 10.2: five windows; logits -5 except those named there.
TEST(Answers, WorkedExample) {
  const std::string context = "In 1998 France beat Brazil 3-0. Zidane scored two goals and Petit one.";
  const std::pair<int32_t, int32_t> tokens[] = {{0, 2},   {3, 7},   {8, 14},  {15, 19}, {20, 26}, {27, 28}, {28, 29}, {29, 30}, {30, 31},
                                                {32, 38}, {39, 45}, {46, 49}, {50, 55}, {56, 59}, {60, 65}, {66, 69}, {69, 70}};
  const std::pair<size_t, size_t> parts[] = {{0, 6}, {3, 9}, {6, 12}, {9, 15}, {12, 17}};
  std::vector<std::vector<std::pair<int32_t, int32_t>>> offsets;
  std::vector<std::vector<float>> start, end;
  for (const auto& [from, to] : parts) {
    offsets.emplace_back(5, std::pair<int32_t, int32_t>{-1, -1});  // [CLS] who won ? [SEP]
    offsets.back().insert(offsets.back().end(), tokens + from, tokens + to);
    offsets.back().emplace_back(-1, -1);
    start.emplace_back(offsets.back().size(), -5.0f);
    end.emplace_back(offsets.back().size(), -5.0f);
  }
  const auto set = [&](size_t window, size_t at, float s, float e) {
    start[window][at] = s;
    end[window][at] = e;
  };
  set(0, 0, 3, 2.5f);
  set(0, 7, 2, 1.5f);  // France
  set(1, 0, 1, 1);
  set(2, 0, 2, 1.5f);
  set(3, 0, 0.5f, 1);
  set(3, 5, 4, 3);  // Zidane
  set(3, 8, -5, 2);  // goals
  set(4, 0, 2, 2);
  std::vector<AnswerWindow> windows;
  for (size_t i = 0; i < 5; ++i) windows.push_back({start[i], end[i], offsets[i]});
  const CodePoints points(context);
  AnswerOptions options{.n_best_size = 3, .max_answer_length = 5, .may_have_none = true, .null_score_diff_threshold = 0};
  const SpanAnswer a = best_answer(points, windows, options);
  ASSERT_EQ(a.candidates.size(), 4u) << "the null answer is put back";
  EXPECT_EQ(a.text, "Zidane");
  EXPECT_EQ(a.begin, 32);
  EXPECT_EQ(a.candidates[1].text, "Zidane scored two goals");
  EXPECT_EQ(a.candidates[2].text, "France");
  EXPECT_EQ(a.candidates[3].text, "");
  const double expected[] = {0.713184, 0.262366, 0.021536, 0.002915};
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(a.candidates[i].probability, expected[i], 1e-6);
  EXPECT_NEAR(a.null_odds, -5.5, 1e-6);
  options.null_score_diff_threshold = -6;
  EXPECT_EQ(best_answer(points, windows, options).text, "");
  options.may_have_none = false;
  EXPECT_NEAR(best_answer(points, windows, options).probability, 0.715268, 1e-6);
}

TEST(Answers, PositionsAreCountedByWindow) {
  PositionScores s;
  s.add(std::vector<float>{0, 2, 1}, std::vector<float>{0, 0, 3}, 1, 2);
  s.add(std::vector<float>{0, 2, 1}, std::vector<float>{0, 0, 3}, 1, 1);
  s.add(std::vector<float>{5, 2, 1}, std::vector<float>{5, 0, 3}, 2, 2);
  EXPECT_EQ(s.windows, 3);
  EXPECT_EQ(s.start, 2);
  EXPECT_EQ(s.end, 1);
  EXPECT_EQ(s.both, 1);
}

TEST(CodePoints, CountAsPythonDoes) {
  const CodePoints p("aé中😀b");
  EXPECT_EQ(p.size(), 5);
  EXPECT_EQ(p.slice(1, 4), "é中😀");
  EXPECT_EQ(p.slice(4, 99), "b");
  EXPECT_EQ(p.slice(3, 2), "");
  EXPECT_EQ(p.position_of(0), 0);
  EXPECT_EQ(p.position_of(3), 2);
  EXPECT_EQ(p.position_of(4), 2) << "inside a character";
  EXPECT_EQ(p.position_of(11), 5);
  EXPECT_EQ(CodePoints("a\xff\xfe z").size(), 5);
}

}  // namespace
}  // namespace attune
