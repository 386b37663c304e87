// Edges of the tests over seeds, of DeLong, Holm, equivalence and power, and the rules for degenerate runs.
#include "metrics/seeds.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <string>

#include "base/error.h"
#include "metrics/delong.h"
#include "metrics/equivalence.h"
#include "metrics/multiple.h"
#include "metrics/null.h"
#include "metrics/power.h"

namespace attune {
namespace {

using Values = std::vector<double>;

TEST(Seeds, SummaryAndEdges) {
  EXPECT_FALSE(summarise_seeds(Values{}));
  const SeedSummary one = *summarise_seeds(Values{0.5});
  EXPECT_FALSE(one.sd);
  EXPECT_FALSE(one.interval);
  const SeedSummary loss = *summarise_seeds(Values{0.3, 0.1, 0.1, 0.9}, false);
  EXPECT_EQ(loss.best, 1u);
  EXPECT_EQ(loss.worst, 3u);
  const SeedSummary same = *summarise_seeds(Values{0.1, 0.1, 0.1});
  EXPECT_EQ(*same.sd, 0);
  EXPECT_EQ(same.interval->low, same.interval->high);
  EXPECT_THROW((summarise_seeds(Values{0.1, std::nan("")})), Bug);
}

TEST(Seeds, TestsWithoutSpreadAreUndefined) {
  EXPECT_FALSE(welch_test(Values{0.5}, Values{0.1, 0.2}));
  EXPECT_FALSE(welch_test(Values{0.1, 0.1, 0.1}, Values{0.3, 0.3, 0.3}));
  EXPECT_TRUE(welch_test(Values{0.1, 0.1}, Values{0.3, 0.4}));
  EXPECT_FALSE(paired_t_test(Values{0.25, 0.5}, Values{0.5, 0.75}));
  EXPECT_FALSE(paired_t_test(Values{0.25}, Values{0.5}));
  EXPECT_THROW((paired_t_test(Values{0.25}, Values{0.5, 0.6})), Bug);
  EXPECT_EQ(signed_rank_test(Values{1, 2}, Values{1, 2})->p, 1);
  EXPECT_FALSE(signed_rank_test(Values{}, Values{}));
  EXPECT_FALSE(rank_sum_test(Values{}, Values{1}));
  EXPECT_NEAR(rank_sum_test(Values{1, 2, 3}, Values{4, 5, 6})->p, 0.1, 1e-15);
  EXPECT_NEAR(signed_rank_test(Values{0, 0, 0, 0, 0}, Values{1, 2, 3, 4, 5})->p, 2.0 / 32, 1e-15);
}

TEST(Seeds, DegenerateRuns) {
  const std::vector<SeedRun> runs{{.score = 0.91, .accuracy = 0.91, .majority_rate = 0.55, .matthews = 0.8, .classes_predicted = 2, .classes_in_gold = 2},
                                  {.score = 0.55, .accuracy = 0.55, .majority_rate = 0.55, .matthews = 0.0, .classes_predicted = 1, .classes_in_gold = 2},
                                  {.score = 0.54, .accuracy = 0.54, .majority_rate = 0.55, .matthews = 0.02, .classes_predicted = 2, .classes_in_gold = 2},
                                  {.score = 0.70, .accuracy = 0.70, .majority_rate = 0.55, .matthews = 0.4, .classes_predicted = 2, .classes_in_gold = 2},
                                  {.score = 0.92, .accuracy = 0.92, .majority_rate = 0.55, .matthews = 0.8, .classes_predicted = 2, .classes_in_gold = 2},
                                  {.score = 0.90, .accuracy = 0.90, .majority_rate = 0.95, .matthews = 0.6, .classes_predicted = 2, .classes_in_gold = 2},
                                  {.score = 0.91}, {.score = 0.90}};
  const std::vector<std::string> reasons = degenerate_runs(runs);
  EXPECT_EQ(reasons[0], "");
  EXPECT_EQ(reasons[1], "predicts one class for every row");
  EXPECT_NE(reasons[2].find("majority rate"), std::string::npos);
  EXPECT_NE(reasons[3].find("below the median"), std::string::npos);
  EXPECT_EQ(reasons[4], "");
  EXPECT_EQ(reasons[5], "") << "useful, though below the majority rate";
  const std::vector<SeedRun> close{{.score = 0.9}, {.score = 0.9}, {.score = 0.86}}, two{{.score = 0.9}, {.score = 0.1}};
  EXPECT_EQ(degenerate_runs(close)[2], "") << "a drop below the least that counts";
  EXPECT_EQ(degenerate_runs(two)[1], "") << "of two runs neither is the outlier";
  EXPECT_TRUE(degenerate_runs({}).empty());
}

TEST(DeLongTest, Edges) {
  const std::vector<uint8_t> positive{1, 1, 0, 0, 1, 0};
  const Values a{3, 2, 1, 0, 0.5, 0.7}, shifted{30, 20, 10, 0, 5, 7}, constant(6, 1.0), perfect{3, 2, 1, 0, 4, 1};
  const DeLong same = *delong(positive, a, shifted);
  EXPECT_EQ(same.p, 1);
  EXPECT_EQ(same.low, 0);
  EXPECT_EQ(same.high, 0);
  EXPECT_FALSE(delong(positive, constant, perfect)) << "no variance to judge by";
  EXPECT_FALSE(delong(std::vector<uint8_t>{1, 0, 0, 0, 0, 0}, a, perfect));
  EXPECT_FALSE(delong(positive, a, Values{1, 2, 3, 4, 5, std::nan("")}));
  EXPECT_NEAR(delong(positive, a, perfect)->p, delong(positive, perfect, a)->p, 1e-15);
}

TEST(EquivalenceTest, Edges) {
  EXPECT_FALSE(equivalent_rows(Values{0, 0, 0}, 0.1)) << "no spread";
  EXPECT_FALSE(equivalent_rows(Values{1}, 0.1));
  Values differences;
  std::vector<uint64_t> own, fours;
  for (size_t i = 0; i < 400; ++i) {
    differences.push_back(i % 20 == 0 ? 1 : i % 20 == 4 ? -1 : 0);
    own.push_back(i);
    fours.push_back(i / 4);
  }
  EXPECT_TRUE(equivalent_rows(differences, 0.05)->equivalent);
  EXPECT_FALSE(equivalent_rows(differences, 0.02)->equivalent);
  const Equivalence rows = *equivalent_rows(differences, 0.05), single = *equivalent_rows(differences, 0.05, own);
  EXPECT_NEAR(rows.high, single.high, 2e-4) << "Student's t instead of the normal distribution";
  EXPECT_TRUE(equivalent_rows(differences, 0.05, fours));
  EXPECT_THROW((equivalent_rows(differences, 0.0)), Bug);
}

TEST(PowerTest, Edges) {
  EXPECT_FALSE(rows_for_paired_gap(0, 0.2));
  EXPECT_FALSE(rows_for_paired_gap(0.3, 0.2));
  EXPECT_EQ(rows_for_paired_gap(-0.05, 0.2), rows_for_paired_gap(0.05, 0.2));
  EXPECT_FALSE(rows_for_unpaired_gap(0.2, 0.9));
  EXPECT_FALSE(paired_gap_of_rows(20, 0.1));
  EXPECT_FALSE(unpaired_gap_of_rows(10, 0.95));
  EXPECT_FALSE(paired_gap_of_rows(0, 0.5));
  const double gap = *unpaired_gap_of_rows(1000, 0.85);
  EXPECT_EQ(rows_for_unpaired_gap(gap, 0.85), 1000);
  EXPECT_GT(gap, *paired_gap_of_rows(1000, 0.1)) << "pairing shows smaller gaps";
}

TEST(Holm, KeepsOrderAndRefusesWhatIsNoP) {
  EXPECT_TRUE(holm({}).empty());
  EXPECT_THROW((holm(Values{0.1, std::nan("")})), Bug);
}

TEST(Nulls, EachTestHasItsLines) {
  std::set<std::string> seen;
  for (int k = 0; k <= static_cast<int>(TestKind::kEquivalence); ++k)
    for (const char* line : {name_of(TestKind(k)), null_of(TestKind(k)), assumption_of(TestKind(k))}) {
      EXPECT_FALSE(std::string(line).empty());
      EXPECT_EQ(std::string(line).find('\n'), std::string::npos);
      seen.insert(line);
    }
  EXPECT_EQ(seen.size(), 30u);
}

}  // namespace
}  // namespace attune
