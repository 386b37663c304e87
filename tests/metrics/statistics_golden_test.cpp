// Intervals and tests against SciPy, statsmodels and definitions worked out row by row (tests/golden/statistics.json).
#include <gtest/gtest.h>

#include <cmath>

#include "base/json.h"
#include "metrics/bootstrap.h"
#include "metrics/delong.h"
#include "metrics/equivalence.h"
#include "metrics/multiple.h"
#include "metrics/paired_tests.h"
#include "metrics/power.h"
#include "metrics/seeds.h"
#include "metrics/weighted.h"

namespace attune {
namespace {

using Values = std::vector<double>;

const Json& golden(const char* part) {
  static const Json cases = read_json(fs::path(ATTUNE_SOURCE_DIR) / "tests/golden/statistics.json");
  return cases[part];
}
double number(const Json& c, const char* key) { return c[key].get<double>(); }
Values values(const Json& c, const char* key) { return c[key].get<Values>(); }
void expect_close(double value, const Json& c, const char* key, double tolerance = 1e-11) {
  EXPECT_NEAR(value, number(c, key), tolerance * std::max(1.0, std::fabs(number(c, key)))) << key << " of " << c.dump().substr(0, 200);
}
/// p values to their own size.
void expect_p(double value, const Json& c, const char* key = "p") {
  EXPECT_NEAR(value, number(c, key), 1e-9 * number(c, key) + 1e-300) << key << " of " << c.dump().substr(0, 200);
}

/// One sample: its mean. Two: the area under the ROC curve, positives first, a stratum each.
struct Sample {
  Units units;
  WeightedStatistic statistic;
};
Sample sample_of(const Json& samples) {
  if (samples.size() == 1) return {Units::single(samples[0].size()), mean_statistic(samples[0].get<Values>())};
  Values scores = samples[0].get<Values>();
  const Values negative = samples[1].get<Values>();
  std::vector<uint8_t> positive(scores.size(), 1);
  scores.insert(scores.end(), negative.begin(), negative.end());
  positive.resize(scores.size(), 0);
  const std::vector<int32_t> strata(positive.begin(), positive.end());
  return {Units::single(scores.size(), strata), roc_auc_statistic(positive, scores)};
}

TEST(BcaGolden, BiasAndAccelerationAreScipys) {
  ASSERT_EQ(golden("bootstrap")["parts"].size(), 3u);
  for (const Json& c : golden("bootstrap")["parts"]) {
    const Sample s = sample_of(c["samples"]);
    const std::vector<int32_t> once(s.units.counts.size(), 1);
    expect_close(*s.statistic(once), c, "estimate");
    Bootstrap b{.estimate = number(c, "estimate"), .values = values(c, "draws")};
    b.bias = bias_correction(b.values, b.estimate);
    b.acceleration = jackknife_acceleration(s.units, s.statistic);
    expect_close(b.acceleration, c, "acceleration");
    expect_close(b.share_at(-normal_quantile(0.95)), c, "low_share");
    expect_close(b.share_at(normal_quantile(0.95)), c, "high_share");
  }
}

TEST(BcaGolden, IntervalsAreScipysButForChance) {
  ASSERT_EQ(golden("bootstrap")["intervals"].size(), 2u);
  for (const Json& c : golden("bootstrap")["intervals"]) {
    const Sample s = sample_of(c["samples"]);
    const ConfidenceInterval i = *bca_interval(s.units, s.statistic, {.draws = 20'000});
    const double width = number(c, "high") - number(c, "low");
    EXPECT_NEAR(i.low, number(c, "low"), 0.04 * width) << c["name"];
    EXPECT_NEAR(i.high, number(c, "high"), 0.04 * width) << c["name"];
    EXPECT_GT(i.high - i.low, width * 0.98);
  }
}

TEST(McNemarGolden, EqualsStatsmodels) {
  for (const Json& c : golden("mcnemar")) {
    const McNemar m = mcnemar(c["only_a_right"], c["only_b_right"]), other = mcnemar(c["only_b_right"], c["only_a_right"]);
    expect_p(m.p, c);
    EXPECT_EQ(m.p, other.p);
  }
}

// Bentur et al. 2009 (airway hyper-responsiveness) and Cavo et al. 2012 (complete response), as worked out in Fagerland, Lydersen and Laake
// 2013, "The McNemar test for binary matched-pairs data"; the tails of the binomial by hand.
TEST(McNemarGolden, PublishedTables) {
  EXPECT_NEAR(mcnemar(1, 7).p, 2 * (1.0 + 8.0) / 256, 1e-15);
  EXPECT_NEAR(mcnemar(6, 16).p, 0.0525, 5e-5);
  // Approval of the prime minister, Agresti 2013, table 11.1: 86 against 150 of 1,600. z^2 = (86 - 150)^2 / 236 = 17.36.
  EXPECT_LT(mcnemar(86, 150).p, 5e-5);
  EXPECT_GT(mcnemar(86, 150).p, 2e-5);
}

TEST(SeedsGolden, TTestsEqualScipy) {
  int paired = 0;
  for (const Json& c : golden("t")) {
    const Values a = values(c, "a"), b = values(c, "b");
    const MeanTest w = *welch_test(a, b);
    expect_close(w.t, c, "t");
    expect_close(w.degrees, c, "degrees");
    expect_p(w.p, c);
    expect_close(w.low, c, "low");
    expect_close(w.high, c, "high");
    expect_p(equivalent_seeds(a, b, number(c, "margin"))->p, c, "equivalent_p");
    const SeedSummary s = *summarise_seeds(a);
    expect_close(s.mean, c, "mean");
    expect_close(*s.sd, c, "sd");
    expect_close(s.interval->low, c, "mean_low");
    if (!c.contains("paired")) continue;
    ++paired;
    const Json& p = c["paired"];
    const MeanTest r = *paired_t_test(a, b);
    expect_close(r.t, p, "t");
    expect_p(r.p, p);
    expect_close(r.low, p, "low");
    expect_close(r.high, p, "high");
    expect_p(equivalent_paired_seeds(a, b, number(c, "margin"))->p, p, "equivalent_p");
  }
  EXPECT_EQ(paired, 4);
}

TEST(SeedsGolden, RankTestsEqualScipy) {
  int exact = 0, normal = 0;
  for (const Json& c : golden("signed_rank")) {
    const RankTest t = *signed_rank_test(values(c, "a"), values(c, "b"));
    expect_close(t.statistic, c, "statistic");
    expect_p(t.p, c);
    ++(t.exact ? exact : normal);
  }
  for (const Json& c : golden("rank_sum")) {
    const RankTest t = *rank_sum_test(values(c, "a"), values(c, "b"));
    expect_close(t.statistic, c, "statistic");
    expect_p(t.p, c);
    ++(t.exact ? exact : normal);
  }
  EXPECT_GE(exact, 12);
  EXPECT_GE(normal, 8);
}

TEST(EquivalenceGolden, RowsEqualStatsmodels) {
  for (const Json& c : golden("equivalent_rows")) {
    const Equivalence e = *equivalent_rows(values(c, "differences"), number(c, "margin"));
    expect_p(e.p, c);
    EXPECT_EQ(e.equivalent, -number(c, "margin") < e.low && e.high < number(c, "margin"));
  }
}

TEST(DeLongGolden, EqualsTheDefinitionOverAllPairs) {
  ASSERT_EQ(golden("delong").size(), 4u);
  for (const Json& c : golden("delong")) {
    const DeLong d = *delong(c["positive"].get<std::vector<uint8_t>>(), values(c, "a"), values(c, "b"));
    expect_close(d.auc_a, c, "auc_a");
    expect_close(d.auc_b, c, "auc_b");
    expect_close(d.low, c, "low");
    expect_close(d.high, c, "high");
    expect_p(d.p, c);
  }
}

TEST(PowerGolden, EqualsStatsmodels) {
  for (const Json& c : golden("power")["unpaired"]) {
    const Power p{.alpha = number(c, "alpha"), .power = number(c, "power")};
    EXPECT_EQ(rows_for_unpaired_gap(number(c, "gap"), number(c, "rate"), p), std::ceil(number(c, "rows")));
  }
  for (const Json& c : golden("power")["paired"]) {
    const Power p{.alpha = number(c, "alpha"), .power = number(c, "power")};
    const int64_t rows = *rows_for_paired_gap(number(c, "gap"), number(c, "discordant"), p);
    EXPECT_EQ(rows, std::ceil(number(c, "rows")));
    EXPECT_LE(*paired_gap_of_rows(rows, number(c, "discordant"), p), number(c, "gap"));
    EXPECT_GT(paired_gap_of_rows(rows - 1, number(c, "discordant"), p).value_or(1), number(c, "gap"));
  }
}

TEST(HolmGolden, EqualsStatsmodels) {
  for (const Json& c : golden("holm")) {
    const Values adjusted = holm(values(c, "p")), expected = values(c, "adjusted");
    ASSERT_EQ(adjusted.size(), expected.size());
    for (size_t i = 0; i < adjusted.size(); ++i) EXPECT_NEAR(adjusted[i], expected[i], 1e-15);
  }
}

TEST(WilsonGolden, EqualsStatsmodels) {
  for (const Json& c : golden("wilson")) {
    const ConfidenceInterval i = wilson_interval(c["hits"], c["n"], number(c, "confidence"));
    expect_close(i.low, c, "low");
    expect_close(i.high, c, "high");
  }
}

}  // namespace
}  // namespace attune
