// Every figure against scikit-learn and SciPy on the stored cases (tests/golden/metrics.json), and the values no golden covers.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "base/error.h"
#include "base/json.h"
#include "metrics/classification.h"
#include "metrics/intervals.h"
#include "metrics/multi_label.h"
#include "metrics/regression.h"
#include "metrics/report.h"

namespace attune {
namespace {

const Json& golden() {
  static const Json cases = read_json(fs::path(ATTUNE_SOURCE_DIR) / "tests/golden/metrics.json");
  return cases;
}

/// null stands for NaN.
void expect_equal(double value, const Json& expected, double tolerance, const std::string& what) {
  if (expected.is_null()) {
    EXPECT_TRUE(std::isnan(value)) << what << " = " << value;
  } else {
    EXPECT_NEAR(value, expected.get<double>(), tolerance * std::max(1.0, std::fabs(expected.get<double>()))) << what;
  }
}

void expect_scores(const ClassScores& s, const Json& expected, const std::string& suffix, const std::string& what) {
  expect_equal(s.precision, expected["precision" + suffix], 1e-12, what + " precision" + suffix);
  expect_equal(s.recall, expected["recall" + suffix], 1e-12, what + " recall" + suffix);
  expect_equal(s.f1, expected["f1" + suffix], 1e-12, what + " f1" + suffix);
}

template <typename Counts>
void expect_averages(const Counts& m, const Json& expected, const std::string& what) {
  expect_scores(average_scores(m, Average::kMicro), expected, "_micro", what);
  expect_scores(average_scores(m, Average::kMacroAll), expected, "_macro", what);
  expect_scores(average_scores(m, Average::kWeighted), expected, "_weighted", what);
  ASSERT_EQ(static_cast<size_t>(m.classes()), expected["per_class"].size());
  for (int64_t c = 0; c < m.classes(); ++c) {
    const Json& one = expected["per_class"][static_cast<size_t>(c)];
    expect_scores(class_scores(m, c), one, "", what + " class " + std::to_string(c));
    EXPECT_EQ(class_scores(m, c).support, one["support"].get<int64_t>()) << what;
  }
}

TEST(Classification, EqualsScikitLearn) {
  ASSERT_GE(golden()["single_label"].size(), 10u);
  for (const Json& c : golden()["single_label"]) {
    const std::string what = c["name"];
    const auto gold = c["gold"].get<std::vector<int32_t>>(), predicted = c["predicted"].get<std::vector<int32_t>>();
    const ConfusionMatrix m = confusion_matrix(gold, predicted, c["classes"].get<int64_t>());
    for (int64_t g = 0; g < m.classes(); ++g) {
      for (int64_t p = 0; p < m.classes(); ++p) {
        EXPECT_EQ(m.at(g, p), c["confusion_matrix"][static_cast<size_t>(g)][static_cast<size_t>(p)].get<int64_t>()) << what;
        EXPECT_NEAR(m.share(g, p), c["confusion_matrix_normalized"][static_cast<size_t>(g)][static_cast<size_t>(p)].get<double>(), 1e-15) << what;
      }
    }
    expect_equal(accuracy(m), c["accuracy"], 1e-15, what + " accuracy");
    expect_equal(matthews(m), c["matthews"], 1e-12, what + " matthews");
    expect_equal(cohen_kappa(m), c["cohen_kappa"], 1e-12, what + " kappa");
    expect_equal(majority_rate(m), c["majority_rate"], 1e-15, what + " majority");
    expect_equal(balanced_accuracy(m), c["balanced_accuracy"], 1e-12, what + " balanced");
    expect_averages(m, c, what);
    expect_scores(average_scores(m, Average::kMacro), c["seen_classes"], "_macro", what + " seen");
    if (c.contains("f1_binary")) expect_scores(class_scores(m, 1), c, "_binary", what);
  }
}

TEST(MultiLabel, EqualsScikitLearn) {
  ASSERT_GE(golden()["multi_label"].size(), 6u);
  for (const Json& c : golden()["multi_label"]) {
    const std::string what = c["name"];
    std::vector<uint8_t> gold, predicted;
    for (const Json& row : c["gold"]) {
      for (const Json& v : row) gold.push_back(v.get<uint8_t>());
    }
    for (const Json& row : c["predicted"]) {
      for (const Json& v : row) predicted.push_back(v.get<uint8_t>());
    }
    const MultiLabelCounts m = count_multi_label(gold, predicted, static_cast<int64_t>(c["gold"][0].size()));
    expect_averages(m, c, what);
    expect_equal(subset_accuracy(m), c["subset_accuracy"], 1e-15, what + " subset");
    expect_equal(hamming_loss(m), c["hamming_loss"], 1e-15, what + " hamming");
    expect_equal(f1_samples(m), c["f1_samples"], 1e-12, what + " samples");
  }
}

TEST(Regression, EqualsScikitLearnAndScipy) {
  ASSERT_GE(golden()["regression"].size(), 8u);
  for (const Json& c : golden()["regression"]) {
    const std::string what = c["name"];
    const auto gold = c["gold"].get<std::vector<double>>(), predicted = c["predicted"].get<std::vector<double>>();
    expect_equal(mean_squared_error(gold, predicted), c["mse"], 1e-12, what + " mse");
    expect_equal(mean_absolute_error(gold, predicted), c["mae"], 1e-12, what + " mae");
    expect_equal(r2_score(gold, predicted), c["r2"], 1e-9, what + " r2");
    expect_equal(pearson(gold, predicted), c["pearson"], 1e-9, what + " pearson");
    expect_equal(spearman(gold, predicted), c["spearman"], 1e-12, what + " spearman");
  }
}

TEST(Wilson, EqualsScipy) {
  ASSERT_GE(golden()["wilson_95"].size(), 5u);
  for (const Json& c : golden()["wilson_95"]) {
    const ConfidenceInterval i = wilson_interval(c["right"].get<int64_t>(), c["total"].get<int64_t>());
    EXPECT_NEAR(normal_quantile(0.95), c["z"].get<double>(), 1e-12);
    EXPECT_NEAR(i.low, c["low"].get<double>(), 1e-12);
    EXPECT_NEAR(i.high, c["high"].get<double>(), 1e-12);
  }
  EXPECT_EQ(wilson_interval(0, 0).low, 0.0);
  EXPECT_EQ(wilson_interval(0, 0).high, 1.0);
  EXPECT_THROW(wilson_interval(3, 2), Bug);
}

TEST(Wilson, CoversTheTruthAboutAsOftenAsItSays) {
  std::mt19937 generator(1);
  for (double p : {0.05, 0.5, 0.92}) {
    std::binomial_distribution<int64_t> draw(200, p);
    int covered = 0;
    for (int k = 0; k < 4000; ++k) {
      const ConfidenceInterval i = wilson_interval(draw(generator), 200);
      covered += i.low <= p && p <= i.high;
    }
    EXPECT_NEAR(covered / 4000.0, 0.95, 0.025) << p;
  }
}

TEST(Ranks, TiesShareTheirMean) {
  EXPECT_EQ(average_ranks(std::vector<double>{3, 1, 3, 2}), (std::vector<double>{3.5, 1, 3.5, 2}));
  EXPECT_TRUE(std::isnan(average_ranks(std::vector<double>{1, std::nan("")})[0]));
}

TEST(Classification, ArgmaxTakesTheFirstOfEqualsAndNeverNaN) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(argmax(std::vector<float>{1, 3, 3}), 1);
  EXPECT_EQ(argmax(std::vector<float>{nan, -5, -6}), 1);
  EXPECT_EQ(argmax(std::vector<float>{2, nan, 3}), 2);
  EXPECT_EQ(argmax(std::vector<float>{nan, nan}), 0);
}

TEST(Classification, EmptyAndWrongInput) {
  const ConfusionMatrix m = confusion_matrix({}, {}, 2);
  EXPECT_EQ(accuracy(m), 0.0);
  EXPECT_EQ(majority_rate(m), 0.0);
  EXPECT_EQ(majority_class(m), -1);
  EXPECT_EQ(matthews(m), 0.0);
  EXPECT_EQ(average_scores(m, Average::kMacro).f1, 0.0);
  EXPECT_THROW(confusion_matrix(std::vector<int32_t>{2}, std::vector<int32_t>{0}, 2), Bug);
  EXPECT_THROW(confusion_matrix(std::vector<int32_t>{0}, std::vector<int32_t>{-1}, 2), Bug);
  EXPECT_THROW(confusion_matrix(std::vector<int32_t>{0}, {}, 2), Bug);
}

TEST(Report, HasTheFixedKeys) {
  const std::vector<int32_t> gold{0, 0, 0, 1}, predicted{0, 0, 1, 1};
  const Json out = to_json(classification_report(gold, predicted, {}, {"negative", "positive"}, 0.25));
  for (const char* key : {"rows", "labels", "loss", "accuracy", "accuracy_interval", "f1_macro", "f1_weighted", "per_class", "confusion_matrix", "majority_rate",
                          "majority_label", "correct", "mcc", "matthews_correlation", "f1", "roc_auc", "average_precision", "log_loss", "brier", "ece", "reliability",
                          "confusion_matrix_normalized", "confused_pairs", "undefined"}) {
    EXPECT_TRUE(out.contains(key)) << key;
  }
  EXPECT_EQ(out["accuracy"].get<double>(), 0.75);
  EXPECT_EQ(out["loss"].get<double>(), 0.25);
  EXPECT_EQ(out["majority_rate"].get<double>(), 0.75);
  EXPECT_EQ(out["majority_label"], "negative");
  EXPECT_EQ(out["confusion_matrix"], Json::parse("[[2, 1], [0, 1]]"));
  EXPECT_EQ(out["per_class"]["negative"]["support"], 3);
  EXPECT_EQ(out["per_class"]["positive"]["predicted"], 2);
  EXPECT_DOUBLE_EQ(out["per_class"]["positive"]["precision"].get<double>(), 0.5);
  EXPECT_LT(out["accuracy_interval"][0].get<double>(), 0.75);
  EXPECT_EQ(out["mcc"], out["matthews_correlation"]);
  EXPECT_EQ(out["confusion_matrix_normalized"][1], Json::parse("[0.0, 1.0]"));
  EXPECT_EQ(out["confused_pairs"], Json::parse(R"([{"gold": "negative", "predicted": "positive", "count": 1, "ids": ["2"]}])"));
  for (const char* key : {"roc_auc", "average_precision", "log_loss", "brier", "ece"}) {
    EXPECT_TRUE(out[key].is_null()) << key;
    EXPECT_EQ(out["undefined"][key], "there are no probabilities") << key;
  }
}

TEST(Report, FiguresOfProbabilities) {
  const std::vector<int32_t> gold{0, 0, 1, 1}, predicted{0, 1, 0, 1};
  const std::vector<double> p{0.9, 0.1, 0.4, 0.6, 0.5, 0.5, 0.2, 0.8};
  const std::vector<std::string> ids{"a", "b", "c", "d"};
  const Json out = to_json(classification_report(gold, predicted, p, {"no", "yes"}, 0.25, ids));
  EXPECT_TRUE(out["undefined"].empty());
  EXPECT_DOUBLE_EQ(out["roc_auc"].get<double>(), 0.75);
  EXPECT_NEAR(out["average_precision"].get<double>(), 0.5 + 0.5 * 2 / 3, 1e-15);
  EXPECT_NEAR(out["brier"].get<double>(), 2 * (0.01 + 0.36 + 0.25 + 0.04) / 4, 1e-15);
  EXPECT_EQ(out["reliability"].size(), 15u);
  EXPECT_FALSE(out.contains("roc_auc_ovo"));
  EXPECT_EQ(out["confused_pairs"][0]["ids"], Json::parse(R"(["b"])"));
  EXPECT_EQ(out["confused_pairs"][1]["ids"], Json::parse(R"(["c"])"));
  const std::string table = metrics_table(out);
  for (const char* line : {"  roc_auc            0.7500\n", "  mcc                0.0000\n", "  ece  "}) EXPECT_NE(table.find(line), std::string::npos) << table;
}

TEST(Report, WhatIsUndefinedIsNullWithItsReason) {
  const std::vector<int32_t> one{1, 1};
  const Json constant = to_json(classification_report(one, one, std::vector<double>{0.5, 0.5, 0.25, 0.75}, {"no", "yes"}));
  EXPECT_TRUE(constant["roc_auc"].is_null());
  EXPECT_EQ(constant["undefined"], Json::parse(R"({"roc_auc": "all rows are of class 'yes'"})"));
  EXPECT_DOUBLE_EQ(constant["average_precision"].get<double>(), 1.0);
  EXPECT_NE(metrics_table(constant).find("  not defined: roc_auc (all rows are of class 'yes')\n"), std::string::npos);

  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Json odd = to_json(classification_report(std::vector<int32_t>{0, 1, 2}, std::vector<int32_t>{0, 1, 2},
                                                 std::vector<double>{nan, nan, nan, 0, 1, 0, 0, 0, 1}, {"a", "b", "c"}));
  for (const char* key : {"roc_auc", "roc_auc_ovo", "average_precision", "log_loss", "brier", "ece"}) {
    EXPECT_TRUE(odd[key].is_null()) << key;
    EXPECT_NE(odd["undefined"][key].get<std::string>().find("not a finite number"), std::string::npos) << key;
  }
  EXPECT_EQ(odd["accuracy"], 1.0);
  EXPECT_NE(metrics_table(odd).find("  not defined: log_loss, brier, ece (a probability is not a finite number)\n"), std::string::npos) << metrics_table(odd);

  const Json flat = regression_json(std::vector<double>{1, 2, 3}, std::vector<double>{2, 2, 2}, 1);
  EXPECT_TRUE(flat["pearson"].is_null() && flat["spearman"].is_null());
  EXPECT_EQ(flat["undefined"]["pearson"], "the gold or the predictions are all the same");
  EXPECT_EQ(regression_json(std::vector<double>{1}, std::vector<double>{2}, 1)["undefined"]["r2"], "there is only one row");
  EXPECT_EQ(regression_json(std::vector<double>{1, 2}, std::vector<double>{2, nan}, 1)["undefined"]["mse"], "a value is not a finite number");
}

TEST(Report, ConfusedPairsAreTheWorstWithTheirFirstRows) {
  ConfusedPairs pairs;
  for (int i = 0; i < 100; ++i) pairs.add(0, i % 30, "row " + std::to_string(i));
  const std::vector<ConfusedPair> worst = pairs.worst();
  ASSERT_EQ(worst.size(), ConfusedPairs::kMostPairs);
  EXPECT_EQ(worst[0].predicted, 1);  // not the right ones
  EXPECT_EQ(worst[0].count, 4);
  EXPECT_EQ(worst[0].ids, (std::vector<std::string>{"row 1", "row 31", "row 61", "row 91"}));
  EXPECT_EQ(worst[9].count, 3);
  for (int i = 0; i < 50; ++i) pairs.add(7, 3, std::to_string(i));
  EXPECT_EQ(pairs.worst(1)[0].gold, 7);
  EXPECT_EQ(pairs.worst(1)[0].count, 50);
  EXPECT_EQ(pairs.worst(1)[0].ids.size(), ConfusedPairs::kMostIds);
}

TEST(Report, LossComesFromProbabilitiesWhenNotGiven) {
  const std::vector<int32_t> gold{0, 1};
  const std::vector<double> p{0.5, 0.5, 0.25, 0.75};
  const ClassificationReport r = classification_report(gold, gold, p, {"a", "b"});
  EXPECT_NEAR(*r.loss, -(std::log(0.5) + std::log(0.75)) / 2, 1e-12);
  EXPECT_TRUE(r.brier.value && r.ece.value);
  EXPECT_FALSE(classification_report(gold, gold, {}, {"a", "b"}).loss);
}

TEST(Report, TableStandsClassCountsBesideAccuracy) {
  const std::vector<int32_t> gold{0, 0, 0, 1}, predicted{0, 0, 1, 1};
  const std::string table = metrics_table(to_json(classification_report(gold, predicted, {}, {"schlecht", "überragend"})));
  EXPECT_EQ(table,
            "  accuracy  75.00%  (95% interval 30.06% to 95.44%), 3 of 4 rows\n"
            "  majority  75.00%  (always 'schlecht')\n"
            "  f1_macro     0.7333\n"
            "  f1_weighted  0.7667\n"
            "  f1_micro     0.7500\n"
            "  f1           0.6667\n"
            "  mcc          0.5774\n"
            "  not defined: roc_auc, average_precision, log_loss, brier, ece (there are no probabilities)\n"
            "\n"
            "  class       precision  recall      f1  rows  predicted\n"
            "  schlecht       1.0000  0.6667  0.8000     3          2\n"
            "  überragend     0.5000  1.0000  0.6667     1          2\n"
            "\n"
            "  gold \\ predicted  schlecht  überragend\n"
            "  schlecht                 2           1\n"
            "  überragend               0           1\n");
}

TEST(Report, TableSurvivesOddLabels) {
  const std::vector<int32_t> gold{0, 1};
  const std::string table = metrics_table(to_json(classification_report(gold, gold, {}, {std::string(200, 'x'), "a\nb"})));
  EXPECT_EQ(table.find(std::string(31, 'x')), std::string::npos);
  EXPECT_NE(table.find("a b"), std::string::npos);
}

TEST(Report, MultiLabelAndRegression) {
  const Json multi = multi_label_json(std::vector<uint8_t>{1, 0, 1, 1, 0, 0, 1, 0}, std::vector<uint8_t>{1, 0, 1, 0, 0, 0, 0, 1}, {}, {"a", "b"}, 0.5);
  EXPECT_TRUE(multi["roc_auc"].is_null());
  EXPECT_EQ(multi["undefined"]["average_precision_micro"], "there are no probabilities");
  EXPECT_DOUBLE_EQ(multi["accuracy"].get<double>(), 0.5);
  EXPECT_DOUBLE_EQ(multi["majority_rate"].get<double>(), 0.5);
  EXPECT_EQ(multi["per_class"]["a"]["support"], 3);
  EXPECT_NE(metrics_table(multi).find("wholly right"), std::string::npos);
  const Json one = regression_json(std::vector<double>{1, 2, 3}, std::vector<double>{2, 3, 5}, 1);
  EXPECT_DOUBLE_EQ(one["mse"].get<double>(), 2.0);
  EXPECT_NEAR(one["spearman"].get<double>(), 1.0, 1e-15);
  const Json two = regression_json(std::vector<double>{1, 5, 2, 6, 3, 7}, std::vector<double>{1, 6, 2, 7, 3, 8}, 2);
  EXPECT_DOUBLE_EQ(two["mse"].get<double>(), 0.5);
  EXPECT_NE(metrics_table(one).find("pearson"), std::string::npos);
}

}  // namespace
}  // namespace attune
