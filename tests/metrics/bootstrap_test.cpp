// What the resampling functions promise beyond the golden numbers: draws, edges, agreement of interval and p value.
#include "metrics/bootstrap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/random.h"
#include "metrics/clusters.h"
#include "metrics/paired_tests.h"
#include "metrics/row_kinds.h"
#include "metrics/sampler.h"
#include "metrics/weighted.h"

namespace attune {
namespace {

std::optional<double> f1_of(const ConfusionMatrix& m) { return class_scores(m, 1).f1; }

TEST(Sampler, BinomialHasItsMeanAndVariance) {
  Random random(1);
  for (const auto& [n, p] : {std::pair<int64_t, double>{7, 0.3}, {1000, 0.004}, {40, 0.5}, {500, 0.03}, {10'000, 0.37}, {10'000, 0.93}}) {
    constexpr int kDraws = 40'000;
    double sum = 0, squares = 0, cubes = 0;
    const double mean = static_cast<double>(n) * p, variance = mean * (1 - p), skew = (1 - 2 * p) / std::sqrt(variance);
    for (int i = 0; i < kDraws; ++i) {
      const int64_t k = draw_binomial(random, n, p);
      ASSERT_TRUE(k >= 0 && k <= n);
      const double z = (static_cast<double>(k) - mean) / std::sqrt(variance);
      sum += z;
      squares += z * z;
      cubes += z * z * z;
    }
    EXPECT_NEAR(sum / kDraws, 0, 0.02) << n << " " << p;
    EXPECT_NEAR(squares / kDraws, 1, 0.03) << n << " " << p;
    EXPECT_NEAR(cubes / kDraws, skew, 0.08) << n << " " << p;
  }
  EXPECT_EQ(draw_binomial(random, 5, 0.0), 0);
  EXPECT_EQ(draw_binomial(random, 5, 1.0), 5);
}

TEST(Sampler, GivesEachStratumItsNumberOfUnits) {
  const Units units{.counts = {3, 0, 5, 900, 100}, .strata = {0, 0, 0, 7, 7}};
  const Sampler sampler(units);
  std::array<double, 5> sums{};
  for (uint64_t d = 0; d < 2000; ++d) {
    Random random(d);
    std::array<int32_t, 5> w{};
    sampler.draw(random, w);
    ASSERT_EQ(w[0] + w[2], 8);
    ASSERT_EQ(w[1], 0);
    ASSERT_EQ(w[3] + w[4], 1000);
    for (size_t k = 0; k < 5; ++k) sums[k] += w[k] / 2000.0;
  }
  EXPECT_NEAR(sums[0], 3, 0.15);
  EXPECT_NEAR(sums[4], 100, 1);
}

TEST(Bootstrap, KindsOfRowsGiveTheIntervalsOfRows) {
  std::vector<int32_t> gold, predicted, stratum;
  Random random(3);
  for (int i = 0; i < 1500; ++i) {
    gold.push_back(random.uniform() < 0.4);
    predicted.push_back(random.uniform() < 0.85 ? gold.back() : 1 - gold.back());
    stratum.push_back(i % 3);
  }
  const std::vector<std::span<const int32_t>> columns{gold, predicted, stratum};
  const RowKinds kinds = row_kinds(columns, 2);
  ASSERT_EQ(kinds.units.counts.size(), 12u);
  const WeightedStatistic of_rows = matrix_statistic(gold, predicted, 2, f1_of), of_kinds = matrix_statistic(kinds.columns[0], kinds.columns[1], 2, f1_of);
  const Bootstrap rows = *bootstrap(Units::single(1500, stratum), of_rows), fast = *bootstrap(kinds.units, of_kinds);
  EXPECT_DOUBLE_EQ(rows.estimate, fast.estimate);
  EXPECT_NEAR(jackknife_acceleration(Units::single(1500, stratum), of_rows), jackknife_acceleration(kinds.units, of_kinds), 1e-3);  // groups against single units
  const ConfidenceInterval a = rows.bca(0.95), b = fast.bca(0.95);
  EXPECT_NEAR(a.low, b.low, 0.06 * (a.high - a.low));
  EXPECT_NEAR(a.high, b.high, 0.06 * (a.high - a.low));
  EXPECT_EQ(fast.units, 1500);
  EXPECT_EQ(fast.strata, 3);
}

TEST(Bootstrap, SameSeedSameInterval) {
  const std::vector<double> values{0.1, 0.25, 0.4, 0.7, 0.9, 0.3};
  const auto interval = [&](uint64_t seed) { return *bca_interval(6, {}, mean_statistic(values), {.draws = 100, .seed = seed}); };
  EXPECT_EQ(interval(1).low, interval(1).low);
  EXPECT_EQ(interval(1).high, interval(1).high);
  EXPECT_NE(interval(1).low, interval(2).low);
  // More draws begin with the fewer ones: draw d depends on the seed and on d alone.
  const Bootstrap few = *bootstrap(Units::single(6), mean_statistic(values), {.draws = 50}), many = *bootstrap(Units::single(6), mean_statistic(values), {.draws = 51});
  EXPECT_TRUE(std::includes(many.values.begin(), many.values.end(), few.values.begin(), few.values.end()));
}

TEST(Bootstrap, Edges) {
  EXPECT_FALSE(bca_interval(0, {}, mean_statistic({})));
  EXPECT_FALSE(bca_interval(1, {}, mean_statistic({1})));
  EXPECT_FALSE(bca_interval(2, std::vector<int32_t>{1, 2}, mean_statistic({1, 2}))) << "nothing varies where every unit is a stratum";
  const ConfidenceInterval same = *bca_interval(5, {}, mean_statistic({0.3, 0.3, 0.3, 0.3, 0.3}));
  EXPECT_DOUBLE_EQ(same.low, 0.3);
  EXPECT_DOUBLE_EQ(same.high, 0.3);
  EXPECT_FALSE(bca_interval(3, {}, ratio_statistic({1, 2, 3}, {0, 0, 0})));
  EXPECT_FALSE(bca_interval(3, {}, ratio_statistic({1, 2, 3}, {0, 0, 1}))) << "undefined in 8 draws of 27";
  EXPECT_FALSE(bca_interval(3, {}, mean_statistic({1, 2, std::numeric_limits<double>::quiet_NaN()})));
  EXPECT_THROW((bca_interval(3, {}, mean_statistic({1, 2}))), Bug);
  // A class of three among twenty: without strata some draws lack it (4 %), with them none does.
  std::vector<uint8_t> positive(20);
  std::vector<double> scores(20);
  for (size_t i = 0; i < 20; ++i) positive[i] = i < 3, scores[i] = static_cast<double>(i * 7 % 20);
  const std::vector<int32_t> strata(positive.begin(), positive.end());
  EXPECT_FALSE(bca_interval(20, {}, roc_auc_statistic(positive, scores)));
  EXPECT_TRUE(bca_interval(20, strata, roc_auc_statistic(positive, scores)));
}

TEST(Bootstrap, PValueAndIntervalAgree) {
  std::vector<double> values;
  Random random(5);
  for (int i = 0; i < 60; ++i) values.push_back(std::exp(random.normal()));
  const Bootstrap b = *bootstrap(Units::single(60), mean_statistic(values));
  for (double confidence : {0.5, 0.8, 0.95, 0.99}) {
    const ConfidenceInterval i = b.bca(confidence);
    EXPECT_NEAR(b.p_of(i.low), 1 - confidence, 1e-9);
    EXPECT_NEAR(b.p_of(i.high), 1 - confidence, 1e-9);
  }
  EXPECT_EQ(b.p_of(-100), 2.0 / 2001);
  EXPECT_EQ(b.p_of(100), 2.0 / 2001);
  EXPECT_GT(b.p_of(b.estimate), 0.8);
}

TEST(WeightedStatistics, CountRowsAsOftenAsTheirWeights) {
  const std::vector<uint8_t> positive{1, 0, 1, 0, 1};
  const std::vector<double> scores{0.9, 0.5, 0.5, 0.1, 0.2};
  const WeightedStatistic auc = roc_auc_statistic(positive, scores);
  EXPECT_DOUBLE_EQ(*auc(std::vector<int32_t>{1, 1, 1, 1, 1}), (2 + 1.5 + 1) / 6);
  EXPECT_DOUBLE_EQ(*auc(std::vector<int32_t>{0, 2, 3, 1, 0}), (3 * 2 * 0.5 + 3 * 1) / 9);
  EXPECT_FALSE(auc(std::vector<int32_t>{1, 0, 1, 0, 1}));
  EXPECT_FALSE(roc_auc_statistic(positive, std::vector<double>{1, 2, 3, 4, std::nan("")})(std::vector<int32_t>{1, 1, 1, 1, 1}));
  EXPECT_DOUBLE_EQ(*matrix_statistic({1, 1, 0}, {1, 0, 1}, 2, f1_of)(std::vector<int32_t>{4, 1, 2}), 8.0 / 11);
  EXPECT_DOUBLE_EQ(*difference_of(mean_statistic({1, 2}), mean_statistic({2, 5}))(std::vector<int32_t>{1, 1}), 2);
}

TEST(Clusters, AreDrawnWhole) {
  const std::vector<double> values{0, 1, 1, 0, 1, 1, 1}, twos(7, 2.0);
  const std::vector<uint64_t> names{1, 1, 2, 3, 3, 4, 4};
  const ConfidenceInterval a = *clustered_interval(values, names), half = *clustered_interval(values, twos, names);
  EXPECT_LT(a.low, 5.0 / 7);
  EXPECT_GT(a.high, 5.0 / 7);
  EXPECT_DOUBLE_EQ(half.high, a.high / 2);
  const ConfidenceInterval slow = *bca_interval(4, {}, by_cluster(clusters_of(names), mean_statistic(values)));
  EXPECT_DOUBLE_EQ(slow.low, a.low);
  EXPECT_DOUBLE_EQ(slow.high, a.high);
  EXPECT_FALSE(clustered_interval(values, std::vector<uint64_t>(7, 9)));
  EXPECT_FALSE(clustered_interval({}, {}));
  const SwappedDifference rows = swapped_mean_difference({1, 0, 0, 0, 0, 0, 0}, values), whole = by_cluster(clusters_of(names), rows);
  EXPECT_DOUBLE_EQ(*whole(std::vector<uint8_t>{1, 0, 0, 0}), *rows(std::vector<uint8_t>{1, 1, 0, 0, 0, 0, 0}));
}

TEST(PairedBootstrap, Edges) {
  const WeightedStatistic a = mean_statistic({1, 0, 1, 1}), worse = mean_statistic({0, 0, 0, 0});
  const PairedDifference same = *paired_bootstrap(4, {}, a, a);
  EXPECT_EQ(same.difference, 0);
  EXPECT_EQ(same.low, 0);
  EXPECT_EQ(same.high, 0);
  EXPECT_EQ(same.p, 1);
  const PairedDifference forth = *paired_bootstrap(4, {}, a, worse), back = *paired_bootstrap(4, {}, worse, a);
  EXPECT_DOUBLE_EQ(forth.difference, -0.75);
  EXPECT_DOUBLE_EQ(back.difference, 0.75);
  EXPECT_NEAR(forth.p, back.p, 1e-12);
  EXPECT_FALSE(paired_bootstrap(1, {}, mean_statistic({1}), mean_statistic({0})));
  EXPECT_FALSE(paired_bootstrap(4, {}, a, ratio_statistic({1, 1, 1, 1}, {0, 0, 0, 0})));
}

TEST(Randomisation, CountsDrawsAtLeastAsFar) {
  // Three rows, all for b: of the eight exchanges two are as far from 0.
  const PairedDifference d = *approximate_randomisation(3, swapped_mean_difference({0, 0, 0}, {1, 1, 1}), {.draws = 20'000});
  EXPECT_DOUBLE_EQ(d.difference, 1);
  EXPECT_NEAR(d.p, 0.25, 0.01);
  EXPECT_NEAR(d.low, -1, 1e-12);
  EXPECT_NEAR(d.high, 1, 1e-12);
  const PairedDifference same = *approximate_randomisation(3, swapped_mean_difference({1, 0, 1}, {1, 0, 1}));
  EXPECT_EQ(same.p, 1);
  EXPECT_FALSE(approximate_randomisation(0, swapped_mean_difference({}, {})));
  const std::vector<int32_t> gold{1, 0, 1, 1, 0, 1}, a{1, 0, 0, 0, 1, 1}, b{1, 0, 1, 1, 0, 0};
  const SwappedDifference f1 = swapped_matrix_difference(gold, a, b, 2, f1_of);
  EXPECT_DOUBLE_EQ(*f1(std::vector<uint8_t>(6, 1)), -*f1(std::vector<uint8_t>(6, 0)));
  EXPECT_DOUBLE_EQ(*f1(std::vector<uint8_t>(6, 0)), 6.0 / 7 - 4.0 / 7);
}

}  // namespace
}  // namespace attune
