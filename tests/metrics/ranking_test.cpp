// Curves and the areas under them, and figures of probabilities, against scikit-learn (tests/golden/metrics.json: ranking, probabilistic).
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "base/error.h"
#include "base/json.h"
#include "metrics/calibration.h"
#include "metrics/ranking.h"

namespace attune {
namespace {

const Json& golden(const char* part) {
  static const Json cases = read_json(fs::path(ATTUNE_SOURCE_DIR) / "tests/golden/metrics.json");
  return cases.at(part);
}

void expect_figure(const Figure& figure, const Json& expected, const std::string& what) {
  if (expected.is_null()) {
    EXPECT_FALSE(figure.value) << what << " = " << *figure.value;
    EXPECT_FALSE(figure.reason.empty()) << what;
  } else {
    ASSERT_TRUE(figure.value) << what << ": " << figure.reason;
    EXPECT_NEAR(*figure.value, expected.get<double>(), 1e-12) << what;
    EXPECT_EQ(figure.reason, "") << what;
  }
}

void expect_points(std::span<const double> points, const Json& expected, const std::string& what) {
  ASSERT_EQ(points.size(), expected.size()) << what;
  for (size_t i = 0; i < points.size(); ++i) EXPECT_NEAR(points[i], expected[i].get<double>(), 1e-12) << what << " " << i;
}

std::vector<double> flat(const Json& rows) {
  std::vector<double> out;
  for (const Json& row : rows)
    for (const Json& p : row) out.push_back(p.get<double>());
  return out;
}

std::vector<std::string> class_names(size_t n) {
  std::vector<std::string> names;
  for (size_t c = 0; c < n; ++c) names.push_back("class " + std::to_string(c));
  return names;
}

TEST(Ranking, EqualsScikitLearn) {
  ASSERT_GE(golden("ranking").size(), 13u);
  for (const Json& c : golden("ranking")) {
    const std::string what = c["name"];
    const auto positive = c["positive"].get<std::vector<uint8_t>>();
    const auto scores = c["scores"].get<std::vector<double>>();
    expect_figure(roc_auc(positive, scores), c["roc_auc"], what + " roc_auc");
    expect_figure(average_precision(positive, scores), c["average_precision"], what + " average_precision");
    for (const auto& [key, drop] : {std::pair{"roc_curve", true}, {"whole_roc_curve", false}}) {
      const RocCurve curve = roc_curve(positive, scores, drop);
      EXPECT_EQ(curve.thresholds.empty(), !c.contains(key)) << what;
      if (!c.contains(key)) continue;
      expect_points(curve.false_positive_rate, c[key]["fpr"], what + " fpr");
      expect_points(curve.true_positive_rate, c[key]["tpr"], what + " tpr");
      EXPECT_TRUE(std::isinf(curve.thresholds.front())) << what;
      expect_points(std::span(curve.thresholds).subspan(1), c[key]["thresholds"], what + " thresholds");
    }
    const PrecisionRecallCurve curve = precision_recall_curve(positive, scores);
    EXPECT_EQ(curve.recall.empty(), !c.contains("precision_recall_curve")) << what;
    if (curve.recall.empty()) continue;
    expect_points(curve.precision, c["precision_recall_curve"]["precision"], what + " precision");
    expect_points(curve.recall, c["precision_recall_curve"]["recall"], what + " recall");
    expect_points(curve.thresholds, c["precision_recall_curve"]["thresholds"], what + " pr thresholds");
  }
}

TEST(Ranking, OfClassesEqualsScikitLearn) {
  ASSERT_GE(golden("probabilistic").size(), 14u);
  for (const Json& c : golden("probabilistic")) {
    const std::string what = c["name"];
    const auto gold = c["gold"].get<std::vector<int32_t>>();
    const std::vector<double> p = flat(c["probabilities"]);
    const std::vector<std::string> names = class_names(p.size() / gold.size());
    for (const auto& [ending, average] : {std::pair{"_macro", Average::kMacro}, {"_weighted", Average::kWeighted}}) {
      expect_figure(roc_auc_one_versus_rest(gold, p, names, average), c[std::string("ovr") + ending], what + " ovr" + ending);
      expect_figure(average_precision(gold, p, names, average), c[std::string("average_precision") + ending], what + " ap" + ending);
      if (names.size() > 2) expect_figure(roc_auc_one_versus_one(gold, p, names, average), c[std::string("ovo") + ending], what + " ovo" + ending);
    }
    if (names.size() > 2) continue;
    expect_figure(class_roc_auc(gold, p, names, 1), c["roc_auc"], what + " roc_auc");
    expect_figure(class_average_precision(gold, p, names, 1), c["average_precision"], what + " average_precision");
  }
}

TEST(Ranking, OfLabelSetsEqualsScikitLearn) {
  ASSERT_GE(golden("multi_label_ranking").size(), 4u);
  for (const Json& c : golden("multi_label_ranking")) {
    const std::string what = c["name"];
    std::vector<uint8_t> gold;
    for (const Json& row : c["gold"])
      for (const Json& v : row) gold.push_back(v.get<uint8_t>());
    const std::vector<double> p = flat(c["scores"]);
    const std::vector<std::string> names = class_names(c["gold"][0].size());
    for (const auto& [ending, average] : {std::pair{"_macro", Average::kMacro}, {"_micro", Average::kMicro}}) {
      expect_figure(multi_label_roc_auc(gold, p, names, average), c[std::string("roc_auc") + ending], what + " roc_auc" + ending);
      expect_figure(multi_label_average_precision(gold, p, names, average), c[std::string("average_precision") + ending], what + " ap" + ending);
    }
  }
  const std::vector<uint8_t> one_sided{1, 0, 1, 1};
  const std::vector<double> scores{0.2, 0.4, 0.6, 0.8};
  EXPECT_EQ(multi_label_roc_auc(one_sided, scores, class_names(2), Average::kMacro).reason, "all rows have the label '" + class_names(2)[0] + "'");
}

TEST(Calibration, EqualsScikitLearnAndTheDefinition) {
  for (const Json& c : golden("probabilistic")) {
    const std::string what = c["name"];
    const auto gold = c["gold"].get<std::vector<int32_t>>();
    const std::vector<double> p = flat(c["probabilities"]);
    const auto classes = static_cast<int64_t>(p.size() / gold.size());
    expect_figure(log_loss(gold, p, classes), c["log_loss"], what + " log_loss");
    expect_figure(brier_score(gold, p, classes), c["brier"], what + " brier");
    expect_figure(expected_calibration_error(gold, p, classes), c["ece"], what + " ece");
    const std::vector<ReliabilityBin> bins = reliability_bins(gold, p, classes);
    ASSERT_EQ(bins.size(), 15u);
    for (size_t b = 0; b < bins.size(); ++b) {
      EXPECT_EQ(bins[b].rows, c["reliability"]["rows"][b].get<int64_t>()) << what << " bin " << b;
      for (const auto& [key, value] : {std::pair{"confidence", bins[b].confidence}, {"accuracy", bins[b].accuracy}}) {
        const Json& expected = c["reliability"][key][b];
        ASSERT_EQ(value.has_value(), !expected.is_null()) << what << " " << key << " of bin " << b;
        if (!value) continue;
        EXPECT_NEAR(*value, expected.get<double>(), 1e-12) << what << " " << key << " of bin " << b;
      }
    }
  }
}

// Pairs of a positive and a negative row, ties half: the definition, which sorting must give.
TEST(Ranking, AreaIsTheShareOfPairsInOrder) {
  std::mt19937 generator(3);
  for (int n = 2; n < 40; ++n) {
    std::vector<uint8_t> positive{0, 1};
    std::vector<double> scores{0.5, 0.25};
    for (int i = 2; i < n; ++i) {
      positive.push_back(generator() % 2);
      scores.push_back(static_cast<double>(generator() % 8) / 8);
    }
    double right = 0, pairs = 0;
    for (size_t i = 0; i < scores.size(); ++i)
      for (size_t j = 0; j < scores.size(); ++j)
        if (positive[i] && !positive[j]) {
          right += scores[i] > scores[j] ? 1.0 : scores[i] == scores[j] ? 0.5 : 0.0;
          ++pairs;
        }
    EXPECT_DOUBLE_EQ(*roc_auc(positive, scores).value, right / pairs);
  }
}

TEST(Ranking, SaysWhyThereIsNoFigure) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
  const std::vector<uint8_t> both{0, 1}, ones{1, 1}, zeros{0, 0};
  const std::vector<double> scores{0.1, 0.9};
  EXPECT_EQ(roc_auc({}, {}).reason, "there are no rows");
  EXPECT_EQ(roc_auc(ones, scores).reason, "all rows are positive");
  EXPECT_EQ(roc_auc(zeros, scores).reason, "no row is positive");
  EXPECT_EQ(average_precision(zeros, scores).reason, "no row is positive");
  EXPECT_EQ(*average_precision(ones, scores).value, 1.0);
  for (const double odd : {nan, infinity}) {
    EXPECT_EQ(roc_auc(both, std::vector<double>{0.1, odd}).reason, "a score is not a finite number");
    EXPECT_EQ(average_precision(both, std::vector<double>{0.1, odd}).reason, "a score is not a finite number");
    EXPECT_TRUE(roc_curve(both, std::vector<double>{0.1, odd}).thresholds.empty());
    EXPECT_TRUE(precision_recall_curve(both, std::vector<double>{odd, 0.1}).thresholds.empty());
  }
  EXPECT_THROW(roc_auc(both, std::vector<double>{0.5}), Bug);

  const std::vector<std::string> names{"no", "yes", "maybe"};
  const std::vector<int32_t> gold{0, 1}, one{1, 1};
  const std::vector<double> p{0.5, 0.25, 0.25, 0.25, 0.5, 0.25};
  EXPECT_EQ(roc_auc_one_versus_rest(gold, p, names, Average::kMacro).reason, "no row is of class 'maybe'");
  EXPECT_EQ(average_precision(gold, p, names, Average::kMacro).reason, "no row is of class 'maybe'");
  EXPECT_EQ(roc_auc_one_versus_one(one, p, names, Average::kMacro).reason, "all rows are of class 'yes'");
  EXPECT_EQ(class_roc_auc(one, p, names, 1).reason, "all rows are of class 'yes'");
  EXPECT_EQ(roc_auc_one_versus_one({}, {}, names, Average::kMacro).reason, "there are no rows");
  EXPECT_THROW(roc_auc_one_versus_rest(gold, p, names, Average::kMicro), Bug);
  EXPECT_THROW(roc_auc_one_versus_rest(gold, scores, names, Average::kMacro), Bug);
}

TEST(Calibration, ByHand) {
  const std::vector<int32_t> gold{0, 1, 1, 0};
  const std::vector<double> p{0.9, 0.1, 0.2, 0.8, 0.6, 0.4, 1.0, 0.0};
  EXPECT_NEAR(*log_loss(gold, p, 2).value, -(std::log(0.9) + std::log(0.8) + std::log(0.4)) / 4, 1e-12);
  EXPECT_NEAR(*brier_score(gold, p, 2).value, (0.02 + 0.08 + 0.72 + 0.0) / 4, 1e-12);
  // Ten bins: 0.9 right, 0.8 right, 0.6 wrong, 1.0 right, each alone in its bin.
  EXPECT_NEAR(*expected_calibration_error(gold, p, 2, 10).value, (0.1 + 0.2 + 0.6 + 0.0) / 4, 1e-12);
  // On an edge: the bin that ends there.
  EXPECT_EQ(reliability_bins(gold, p, 2, 10)[5].rows, 1);
  EXPECT_EQ(reliability_bins(gold, p, 2, 10)[9].rows, 1);
  // A certain wrong answer is expensive, not infinite: what sklearn.metrics.log_loss gives (1.9.1).
  EXPECT_NEAR(*log_loss(std::vector<int32_t>{1}, std::vector<double>{1.0, 0.0}, 2).value, 36.04365338911715, 1e-9);
}

TEST(Calibration, SaysWhyThereIsNoFigure) {
  const std::vector<int32_t> gold{0};
  const std::vector<double> odd{0.5, std::nan("")};
  for (const auto& figure : {log_loss(gold, odd, 2), brier_score(gold, odd, 2), expected_calibration_error(gold, odd, 2)}) {
    EXPECT_FALSE(figure.value);
    EXPECT_EQ(figure.reason, "a probability is not a finite number");
  }
  EXPECT_TRUE(reliability_bins(gold, odd, 2).empty());
  EXPECT_EQ(log_loss({}, {}, 2).reason, "there are no rows");
  EXPECT_THROW(log_loss(gold, std::vector<double>{0.5}, 2), Bug);
}

}  // namespace
}  // namespace attune
