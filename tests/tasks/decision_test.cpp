// Labels and probabilities under temperatures and thresholds, and what attune.json keeps of them.
#include "tasks/decision.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "tasks/task.h"

namespace attune {
namespace {

TEST(Decision, WithoutOneTheLikeliestLabelIsSaid) {
  const Decision plain;
  const std::vector<float> z{1.0f, 1.0f};
  EXPECT_EQ(said_label(plain, z, probabilities(ProblemType::kSingleLabel, plain, z)), 0);  // the first of equals
  const std::vector<float> several{0.1f, 0.0f, -0.1f};
  EXPECT_EQ(said_labels(plain, several, probabilities(ProblemType::kMultiLabel, plain, several)), (std::vector<uint8_t>{1, 0, 0}));
  EXPECT_EQ(probabilities(ProblemType::kRegression, plain, std::vector<float>{2.5f}), std::vector<double>{2.5});
}

TEST(Decision, TemperatureKeepsTheLabel) {
  const Decision warm{4.0, {}};
  for (const float gap : {-3.0f, -1e-6f, 1e-6f, 0.5f}) {
    const std::vector<float> z{0.25f, 0.25f + gap};
    const auto p = probabilities(ProblemType::kSingleLabel, warm, z);
    EXPECT_DOUBLE_EQ(p[1], 1 / (1 + std::exp((static_cast<double>(z[0]) - static_cast<double>(z[1])) / 4)));
    EXPECT_EQ(said_label(warm, z, p), gap > 0 ? 1 : 0);
  }
}

TEST(Decision, ThresholdsDecide) {
  const Decision d{1.0, {0.2}};
  const std::vector<float> z{1.0f, 0.0f};  // 0.269 for the second
  EXPECT_EQ(said_label(d, z, probabilities(ProblemType::kSingleLabel, d, z)), 1);
  const Decision exact{1.0, {probabilities(ProblemType::kSingleLabel, d, z)[1]}};
  EXPECT_EQ(said_label(exact, z, probabilities(ProblemType::kSingleLabel, d, z)), 1);
  const Decision two{1.0, {0.9, 0.1}};
  const std::vector<float> both{0.5f, -0.5f};
  EXPECT_EQ(said_labels(two, both, probabilities(ProblemType::kMultiLabel, two, both)), (std::vector<uint8_t>{0, 1}));
}

TEST(Decision, IsWrittenAndReadBack) {
  const std::vector<std::string> labels{"negative", "positive"};
  for (const auto& [type, d] : {std::pair{ProblemType::kSingleLabel, Decision{1.75, {0.3125}}}, std::pair{ProblemType::kSingleLabel, Decision{0.1, {}}},
                                std::pair{ProblemType::kMultiLabel, Decision{1.0, {0.2, 1.0 / 3}}}, std::pair{ProblemType::kRegression, Decision{}}}) {
    Json j = Json::object();
    write_decision(d, labels, j);
    EXPECT_EQ(read_decision(parse_json(dump_json(j), "x"), type, labels, "attune.json"), d) << j.dump();
  }
  Json j = Json::object();
  write_decision({1.75, {0.3125}}, labels, j);
  EXPECT_EQ(j, Json({{"temperature", 1.75}, {"decision_thresholds", {{"positive", 0.3125}}}}));
}

TEST(Decision, RefusesWhatCannotBe) {
  const std::vector<std::string> two{"no", "yes"}, three{"a", "b", "c"};
  const auto id_of = [](const char* text, ProblemType type, const std::vector<std::string>& labels) -> std::string {
    try {
      read_decision(parse_json(text, "x"), type, labels, "attune.json");
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kInput);
      return e.info().id;
    }
    return "";
  };
  for (const char* t : {"0", "-1", "\"2\"", "null"})
    EXPECT_EQ(id_of((std::string("{\"temperature\":") + t + "}").c_str(), ProblemType::kSingleLabel, two), "side_file.temperature") << t;
  EXPECT_EQ(id_of("{\"temperature\":2}", ProblemType::kMultiLabel, two), "side_file.temperature");
  for (const char* t : {"[0.5]", "{}", "{\"no\":0.5}", "{\"maybe\":0.5}", "{\"yes\":1.5}", "{\"yes\":null}"})
    EXPECT_EQ(id_of((std::string("{\"decision_thresholds\":") + t + "}").c_str(), ProblemType::kSingleLabel, two), "side_file.decision_thresholds") << t;
  EXPECT_EQ(id_of("{\"decision_thresholds\":{\"b\":0.5}}", ProblemType::kSingleLabel, three), "side_file.decision_thresholds");
  EXPECT_EQ(id_of("{\"decision_thresholds\":{\"a\":0.5,\"b\":0.5}}", ProblemType::kMultiLabel, three), "side_file.decision_thresholds");
  EXPECT_EQ(id_of("{\"decision_thresholds\":{\"yes\":0.5}}", ProblemType::kRegression, two), "side_file.decision_thresholds");
}

TEST(Decision, TheTaskSaysAnswersAndMetricsWithIt) {
  TaskSettings settings;
  settings.labels = {"negative", "positive"};
  const auto task = make_task(settings);
  EXPECT_TRUE(task->labels_rows());
  std::vector<Row> rows(2);
  std::vector<Example> examples(2);
  Outputs outputs;
  outputs.logits = Tensor({2, 2});
  const float z[] = {1, 0, 3, 0};
  std::copy(std::begin(z), std::end(z), outputs.logits.f32());
  outputs.starts = {0, 1, 2};
  for (size_t i = 0; i < 2; ++i) {
    rows[i].index = examples[i].row = i;
    examples[i].labels.id = i == 0 ? 1 : 0;
  }
  EXPECT_EQ(task->metrics(rows, examples, outputs, 0.5)["accuracy"], 0.5);
  task->decide({2.0, {0.3}});
  const Json metrics = task->metrics(rows, examples, outputs, 0.5);
  EXPECT_EQ(metrics["accuracy"], 1.0);
  EXPECT_EQ(metrics["loss"], 0.5);  // of the logits as they are
  const auto all = by_row(rows, examples, outputs);
  const Json answer = task->answer(all[0], true);
  EXPECT_EQ(answer["label"], "positive");
  EXPECT_NEAR(answer["score"].get<double>(), 1 / (1 + std::exp(0.5)), 1e-12);  // of the label that is said, here below 1/2
  EXPECT_EQ(answer["logits"], Json({1.0, 0.0}));
  EXPECT_EQ(task->judged(all[0])["prediction"], "positive");
  EXPECT_EQ(task->judged(all[1])["prediction"], "negative");
  EXPECT_FALSE(task->same_answer(outputs.of(0), outputs.of(1), 2));
}

}  // namespace
}  // namespace attune
