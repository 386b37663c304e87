// Thresholds against scikit-learn's curves and temperatures against SciPy's minimum (tests/golden/decisions.json).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/json.h"
#include "metrics/classification.h"
#include "metrics/temperature.h"
#include "metrics/thresholds.h"

namespace attune {
namespace {

const Json& golden() {
  static const Json cases = read_json(fs::path(ATTUNE_SOURCE_DIR) / "tests/golden/decisions.json");
  return cases;
}

constexpr ThresholdMetric kMetrics[] = {ThresholdMetric::kF1, ThresholdMetric::kBalancedAccuracy, ThresholdMetric::kYouden};

TEST(Thresholds, AreTheBestOnScikitLearnsCurves) {
  ASSERT_GE(golden()["thresholds"].size(), 20u);
  for (const Json& c : golden()["thresholds"]) {
    const auto positive = c["positive"].get<std::vector<uint8_t>>();
    const auto scores = c["scores"].get<std::vector<double>>();
    for (const ThresholdMetric metric : kMetrics) {
      const std::string name = name_of(metric), what = c["name"].get<std::string>() + " " + name;
      const auto best = best_threshold(positive, scores, metric);
      ASSERT_EQ(best.has_value(), c.contains(name)) << what;
      if (!best) continue;
      EXPECT_NEAR(best->value, c[name].get<double>(), 1e-12) << what;
      EXPECT_EQ(threshold_value(positive, scores, best->threshold, metric), best->value) << what;
      const auto said = std::count_if(scores.begin(), scores.end(), [&](double s) { return s >= best->threshold; });
      const auto allowed = c[name + "_said"].get<std::vector<int64_t>>();
      EXPECT_TRUE(std::find(allowed.begin(), allowed.end(), said) != allowed.end()) << what << ": " << said << " rows";
    }
  }
}

TEST(Thresholds, LieBetweenScoresAndNearOneHalf) {
  // Every cut between 0.2 and 0.9 is perfect: the one threshold is halfway.
  EXPECT_DOUBLE_EQ(best_threshold(std::vector<uint8_t>{0, 0, 1, 1}, std::vector<double>{0.1, 0.2, 0.9, 0.95}, ThresholdMetric::kF1)->threshold, 0.55);
  // All rows are positive in the best cut: halfway to 0.
  EXPECT_DOUBLE_EQ(best_threshold(std::vector<uint8_t>{1, 1}, std::vector<double>{0.4, 0.9}, ThresholdMetric::kF1)->threshold, 0.2);
  // Saying the upper one or the upper three gives the same balanced accuracy; 0.45 is nearer to 0.5 than 0.175.
  const auto tie = best_threshold(std::vector<uint8_t>{1, 0, 1, 0}, std::vector<double>{0.25, 0.1, 0.6, 0.3}, ThresholdMetric::kBalancedAccuracy);
  EXPECT_DOUBLE_EQ(tie->threshold, 0.45);
  EXPECT_DOUBLE_EQ(tie->value, 0.75);
  // Scores beside one another: the upper one itself.
  const double low = 0.5, high = std::nextafter(low, 1.0);
  EXPECT_EQ(best_threshold(std::vector<uint8_t>{0, 1}, std::vector<double>{low, high}, ThresholdMetric::kYouden)->threshold, high);
}

TEST(Thresholds, NeedBothSides) {
  for (const ThresholdMetric metric : kMetrics) {
    EXPECT_FALSE(best_threshold(std::vector<uint8_t>{0, 0}, std::vector<double>{0.1, 0.2}, metric));
    EXPECT_FALSE(best_threshold({}, {}, metric));
  }
  EXPECT_FALSE(best_threshold(std::vector<uint8_t>{1, 1}, std::vector<double>{0.1, 0.2}, ThresholdMetric::kYouden));
  EXPECT_THROW(best_threshold(std::vector<uint8_t>{0, 1}, std::vector<double>{0.1, std::numeric_limits<double>::quiet_NaN()}, ThresholdMetric::kF1), Bug);
}

TEST(Temperature, IsSciPysMinimum) {
  ASSERT_GE(golden()["temperatures"].size(), 11u);
  for (const Json& c : golden()["temperatures"]) {
    const std::string what = c["name"];
    std::vector<float> logits;
    for (const Json& row : c["logits"])
      for (const Json& x : row) logits.push_back(x.get<float>());
    const auto gold = c["gold"].get<std::vector<int32_t>>();
    const auto classes = static_cast<int64_t>(c["logits"][0].size());
    EXPECT_NEAR(temperature_loss(logits, gold, classes, 1), c["loss_at_1"].get<double>(), 1e-6) << what;
    const auto found = fit_temperature(logits, gold, classes);
    ASSERT_EQ(found.has_value(), c["temperature"].is_number()) << what;
    if (!found) continue;
    const double want = c["temperature"].get<double>();
    EXPECT_NEAR(*found, want, 1e-6 * want) << what;
    EXPECT_NEAR(temperature_loss(logits, gold, classes, *found), c["loss"].get<double>(), 1e-7) << what;
    for (const double other : {0.999, 1.001}) EXPECT_LT(temperature_loss(logits, gold, classes, *found), temperature_loss(logits, gold, classes, *found * other)) << what;
  }
}

TEST(Temperature, ScalesWithTheLogits) {
  const std::vector<float> z{2, 0, 1, 3, -1, 1, 0.5f, 0.25f};
  const std::vector<int32_t> gold{0, 1, 0, 0};
  std::vector<float> larger;
  for (const float x : z) larger.push_back(8 * x);
  EXPECT_NEAR(*fit_temperature(larger, gold, 2), 8 * *fit_temperature(z, gold, 2), 1e-9);
}

TEST(Temperature, IsUndefinedWhereTheLossOnlyFalls) {
  EXPECT_FALSE(fit_temperature(std::vector<float>{1, 1, 1, 1}, std::vector<int32_t>{0, 1}, 2));  // logits that say nothing
  EXPECT_FALSE(fit_temperature({}, {}, 2));
  EXPECT_FALSE(fit_temperature(std::vector<float>{1, 0, 1, 0}, std::vector<int32_t>{0, 1}, 2));  // right as often as wrong
  EXPECT_THROW(fit_temperature(std::vector<float>{1, std::numeric_limits<float>::infinity()}, std::vector<int32_t>{0}, 2), Bug);
}

}  // namespace
}  // namespace attune
