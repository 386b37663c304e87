// Baselines against scikit-learn (tools/goldens/bag_of_words.py), and beside a model in a run's folder.
#include "app/baselines.h"

#include <gmock/gmock.h>

#include <cmath>

#include "app/synthesize.h"
#include "app/train.h"
#include "data/bag_of_words.h"
#include "metrics/classification.h"
#include "metrics/logistic_regression.h"
#include "train_rig.h"

namespace attune {
namespace {

const fs::path kSource = ATTUNE_SOURCE_DIR;

std::vector<Row> reviews(const char* file, size_t most, const char* label) {
  ReadOptions options;
  options.columns.label = label;
  std::vector<Row> rows = read_rows(kSource / "examples/reviews" / file, options).rows;
  rows.resize(most);
  return rows;
}

TEST(BagOfWordsBaseline, IsScikitLearns) {
  const Json file = read_json(kSource / "tests/golden/bag_of_words.json");
  ASSERT_EQ(file["cases"].size(), 4u);
  for (const Json& golden : file["cases"]) {
    SCOPED_TRACE(golden["name"].get<std::string>());
    std::vector<std::string> train, test, labels;
    if (golden.contains("train")) {
      train = golden["train"];
      test = golden["test"];
      labels = golden["labels"];
    } else {
      for (const Row& row : reviews("train.csv", 400, golden["name"] == "reviews" ? "label" : "source")) {
        train.push_back(row.text);
        labels.push_back(row.label);
      }
      for (const Row& row : reviews("test.csv", 40, "label")) test.push_back(row.text);
    }
    const std::vector<std::string> names = golden["names"];
    std::vector<int32_t> ids;
    for (const std::string& l : labels) ids.push_back(static_cast<int32_t>(std::find(names.begin(), names.end(), l) - names.begin()));
    const BagOfWords bag(train);
    ASSERT_EQ(bag.words().size(), golden["features"].get<size_t>());
    const LogisticRegression model = fit_logistic(bag.transform(train), ids, static_cast<int64_t>(names.size()), golden["c"]);
    ASSERT_EQ(model.intercepts.size(), golden["intercepts"].size());
    double mean = 0;
    for (const double b : model.intercepts) mean += b / static_cast<double>(model.intercepts.size());
    for (size_t k = 0; k < model.intercepts.size(); ++k) {
      EXPECT_NEAR(model.intercepts[k] - (names.size() > 2 ? mean : 0), golden["intercepts"][k].get<double>(), 1e-5);
      for (size_t w = 0; w < golden["words"].size(); ++w) {
        const auto at = std::find(bag.words().begin(), bag.words().end(), golden["words"][w].get<std::string>());
        ASSERT_NE(at, bag.words().end()) << golden["words"][w];
        const auto column = static_cast<size_t>(at - bag.words().begin());
        EXPECT_NEAR(bag.weights()[column], golden["idf"][w].get<double>(), 1e-12);
        EXPECT_NEAR(model.weights[k * bag.words().size() + column], golden["coefficients"][k][w].get<double>(), 1e-5);
      }
    }
    const std::vector<double> p = model.probabilities(bag.transform(test));
    for (size_t i = 0; i < test.size(); ++i)
      for (size_t k = 0; k < names.size(); ++k) EXPECT_NEAR(p[i * names.size() + k], golden["probabilities"][i][k].get<double>(), 1e-5);
  }
}

Row row_of(const char* text, const char* label) {
  Row row;
  row.text = text;
  row.label = label;
  return row;
}

TEST(Baselines, ClassesThatNoTrainingRowHasAreNotPredicted) {
  const LabelSet labels(ProblemType::kSingleLabel, {"bad", "good", "never"});
  const std::vector<Row> train = {row_of("good film", "good"), row_of("bad film", "bad"), row_of("good soup", "good")}, test = {row_of("bad", "never")};
  for (const Baseline b : {Baseline::kMajority, Baseline::kBow}) {
    const Outputs o = baseline_predictions(b, train, test, labels, "train.csv");
    const std::vector<double> p = softmax(o.of(0));
    EXPECT_LT(p[2], 1e-30);
    EXPECT_NEAR(p[0] + p[1], 1, 1e-6);
    if (b == Baseline::kMajority) {
      EXPECT_NEAR(p[1], 2.0 / 3, 1e-6);
    }
  }
  EXPECT_EQ(argmax(baseline_predictions(Baseline::kBow, std::vector<Row>{train[1]}, test, labels, "train.csv").of(0)), 0) << "one class only";
}

using BaselineRun = TrainRig;

TEST_F(BaselineRun, LeavesNumbersAndPredictionsBesideTheModels) {
  RunConfig c = config("lora", "run");
  c.training.num_train_epochs = 1;
  c.baselines = {"majority", "bow"};
  const TrainResult r = train(c);
  for (const char* name : {"majority", "bow"}) {
    const std::string key = std::string("baseline_") + name;
    ASSERT_TRUE(r.results.contains(key + "_accuracy"));
    EXPECT_EQ(r.results[key + "_accuracy_interval"].size(), 2u);
    EXPECT_TRUE(r.results.contains(key + "_f1_macro"));
    size_t lines = 0, right = 0;
    for_each_line(root_ / "run" / (key + "_predictions.jsonl"), [&](std::string_view line, uint64_t) {
      const Json p = parse_json(line, "predictions");
      EXPECT_TRUE(p.contains("id") && p.contains("scores"));
      right += p["gold"] == p["prediction"];
      return ++lines, true;
    });
    EXPECT_EQ(lines, 10u);
    EXPECT_DOUBLE_EQ(r.results[key + "_accuracy"].get<double>(), static_cast<double>(right) / 10);
  }
  c.task = "token-classification";
  EXPECT_EQ(id_of([&] { settle_run_config(c, {}); }), "config.conflict");
  c.task = "text-classification";
  c.baselines = {"bag"};
  EXPECT_EQ(id_of([&] { settle_run_config(c, {}); }), "baselines.unknown");
}

TEST_F(BaselineRun, SyntheticReviewsAreSeparableByWordsOnlyWhenAsked) {
  SynthesizeOptions o;
  o.task = "sentiment";
  o.seed = 7;
  o.output = (root_ / "a.csv").string();
  const Json hard = synthesize(o);
  EXPECT_LT(hard["baseline"]["accuracy"].get<double>(), 0.70);
  EXPECT_EQ(id_of([&] { synthesize(o); }), "synthesize.exists");
  o.overwrite = true;
  const std::string bytes = read_file(o.output);
  synthesize(o);
  EXPECT_EQ(read_file(o.output), bytes);
  o.separable = true;
  EXPECT_GT(synthesize(o)["baseline"]["accuracy"].get<double>(), 0.97);
  o.length = "3..4";
  EXPECT_EQ(id_of([&] { synthesize(o); }), "synthesize.length");
  o.length = "";
  o.output = (root_ / "a.json").string();
  EXPECT_EQ(id_of([&] { synthesize(o); }), "synthesize.format");
}

}  // namespace
}  // namespace attune
