// Simulations with fixed seeds: how often 95 % intervals hold the truth, and how often tests at 5 % reject a true null, in 2,000 samples each. The
// standard error of a share of 0.05 is 0.005.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "base/random.h"
#include "metrics/bootstrap.h"
#include "metrics/clusters.h"
#include "metrics/delong.h"
#include "metrics/equivalence.h"
#include "metrics/paired_tests.h"
#include "metrics/power.h"
#include "metrics/row_kinds.h"
#include "metrics/seeds.h"
#include "metrics/weighted.h"

namespace attune {
namespace {

constexpr int kSamples = 2000;

/// Share of the samples for which `holds`.
double share(const char* name, const std::function<bool(Random&)>& holds) {
  int count = 0;
  for (int s = 0; s < kSamples; ++s) {
    Random random(mix_key(2024, hash_name(name), static_cast<uint64_t>(s)));
    count += holds(random);
  }
  const double result = static_cast<double>(count) / kSamples;
  ::testing::Test::RecordProperty(name, std::to_string(result));
  return result;
}
bool holds(const ConfidenceInterval& i, double truth) { return i.low <= truth && truth <= i.high; }

std::optional<double> f1_of(const ConfusionMatrix& m) { return class_scores(m, 1).f1; }

TEST(Coverage, Wilson) {
  for (double p : {0.6, 0.85, 0.93}) {
    const double covered = share("wilson", [&](Random& random) {
      int64_t hits = 0;
      for (int i = 0; i < 300; ++i) hits += random.uniform() < p;
      return holds(wilson_interval(hits, 300), p);
    });
    EXPECT_GE(covered, 0.94) << p;
    EXPECT_LE(covered, 0.97) << p;
  }
}

/// Rows right or wrong, in clusters of 1 to 9 that differ in difficulty: log odds Normal(1, 0.8).
struct ClusteredRows {
  std::vector<double> right;
  std::vector<uint64_t> cluster;
};
ClusteredRows clustered_rows(Random& random, uint64_t clusters) {
  ClusteredRows rows;
  for (uint64_t c = 0; c < clusters; ++c) {
    const double p = 1 / (1 + std::exp(-1 - 0.8 * random.normal()));
    for (uint64_t k = 1 + random.below(9); k > 0; --k) {
      rows.right.push_back(random.uniform() < p);
      rows.cluster.push_back(c);
    }
  }
  return rows;
}
constexpr double kRateOfClusters = 0.70704244;  ///< mean of the logistic function over Normal(1, 0.8), by quadrature

TEST(Coverage, Clusters) {
  for (uint64_t clusters : {15, 40}) {
    const double covered = share("clusters", [&](Random& random) {
      const ClusteredRows rows = clustered_rows(random, clusters);
      return holds(*clustered_interval(rows.right, rows.cluster, {.draws = 600}), kRateOfClusters);
    });
    EXPECT_GE(covered, 0.94) << clusters;
    EXPECT_LE(covered, 0.97) << clusters;
  }
}

TEST(Coverage, RowsOfClustersAreNotIndependent) {
  int naive = 0, clustered = 0;
  for (int s = 0; s < 300; ++s) {
    Random random(static_cast<uint64_t>(s));
    std::vector<double> values;
    std::vector<uint64_t> clusters, own;
    for (uint64_t c = 0; c < 40; ++c) {
      const double all = 0.5 + 0.2 * random.normal();
      for (int k = 0; k < 6; ++k) {
        values.push_back(all);
        clusters.push_back(c);
        own.push_back(own.size());
      }
    }
    naive += holds(*clustered_interval(values, own, {.draws = 400}), 0.5);
    clustered += holds(*clustered_interval(values, clusters, {.draws = 400}), 0.5);
  }
  EXPECT_LT(naive, 225) << "rows taken as independent are too sure of themselves";
  EXPECT_GT(clustered, 275);
}

TEST(Coverage, BcaOfF1) {
  // 30 % positive; of those 80 % found, of the others 10 % taken for positive: F1 = 2 x 0.24 / (0.3 + 0.31).
  const double covered = share("bca f1", [](Random& random) {
    std::vector<int32_t> gold, predicted;
    for (int i = 0; i < 150; ++i) {
      gold.push_back(random.uniform() < 0.3);
      predicted.push_back(random.uniform() < (gold.back() ? 0.8 : 0.1));
    }
    const std::vector<std::span<const int32_t>> columns{gold, predicted};
    const RowKinds kinds = row_kinds(columns);
    return holds(*bca_interval(kinds.units, matrix_statistic(kinds.columns[0], kinds.columns[1], 2, f1_of), {.draws = 500}), 0.48 / 0.61);
  });
  EXPECT_GE(covered, 0.92);
  EXPECT_LE(covered, 0.97);
}

TEST(Coverage, BcaOfAucByClass) {
  const double truth = 0.5 * std::erfc(-0.5);  // Phi(1 / sqrt 2): scores Normal(1, 1) and Normal(0, 1)
  std::vector<int32_t> strata(80);
  for (size_t i = 0; i < 30; ++i) strata[i] = 1;
  const std::vector<uint8_t> positive(strata.begin(), strata.end());
  const double covered = share("bca auc", [&](Random& random) {
    std::vector<double> scores;
    for (uint8_t p : positive) scores.push_back(p + random.normal());
    return holds(*bca_interval(80, strata, roc_auc_statistic(positive, scores), {.draws = 500}), truth);
  });
  EXPECT_GE(covered, 0.92);
  EXPECT_LE(covered, 0.97);
}

/// Two models equally good at 100 rows: right together on most, alone on 12 % each.
struct Pair {
  std::vector<int32_t> gold, a, b;
};
Pair pair_of(Random& random, int rows = 100) {
  Pair p;
  for (int i = 0; i < rows; ++i) {
    const int32_t gold = random.uniform() < 0.4;
    const double u = random.uniform();
    p.gold.push_back(gold);
    p.a.push_back(u < 0.70 || u >= 0.88 ? gold : 1 - gold);  // both right below 0.70, both wrong up to 0.76, b alone up to 0.88, a alone above
    p.b.push_back(u < 0.70 || (u >= 0.76 && u < 0.88) ? gold : 1 - gold);
  }
  return p;
}

TEST(TrueNull, McNemar) {
  const double rejected = share("mcnemar", [](Random& random) {
    const Pair p = pair_of(random);
    int64_t a = 0, b = 0;
    for (size_t i = 0; i < p.gold.size(); ++i) a += p.a[i] == p.gold[i] && p.b[i] != p.gold[i], b += p.a[i] != p.gold[i] && p.b[i] == p.gold[i];
    return mcnemar(a, b).p < 0.05;
  });
  EXPECT_LE(rejected, 0.06);
  EXPECT_GE(rejected, 0.02);
}

TEST(TrueNull, PairedBootstrap) {
  const double rejected = share("paired bootstrap", [](Random& random) {
    const Pair p = pair_of(random);
    const std::vector<std::span<const int32_t>> columns{p.gold, p.a, p.b};
    const RowKinds k = row_kinds(columns);
    const PairedDifference d = *paired_bootstrap(k.units, matrix_statistic(k.columns[0], k.columns[1], 2, f1_of),
                                                 matrix_statistic(k.columns[0], k.columns[2], 2, f1_of), {.draws = 500});
    EXPECT_EQ(d.p < 0.05, d.low > 0 || d.high < 0);
    return d.p < 0.05;
  });
  EXPECT_LE(rejected, 0.06);
  EXPECT_GE(rejected, 0.03);
}

TEST(TrueNull, Randomisation) {
  const double rejected = share("randomisation", [](Random& random) {
    const Pair p = pair_of(random);
    return approximate_randomisation(100, swapped_matrix_difference(p.gold, p.a, p.b, 2, f1_of), {.draws = 399})->p < 0.05;
  });
  EXPECT_LE(rejected, 0.06);
  EXPECT_GE(rejected, 0.03);
}

TEST(TrueNull, DeLong) {
  const double rejected = share("delong", [](Random& random) {
    std::vector<uint8_t> positive;
    std::vector<double> a, b;
    for (int i = 0; i < 100; ++i) {
      const double both = random.normal();
      positive.push_back(i < 40);
      a.push_back((i < 40) + both + 0.7 * random.normal());
      b.push_back((i < 40) + both + 0.7 * random.normal());
    }
    return delong(positive, a, b)->p < 0.05;
  });
  EXPECT_LE(rejected, 0.06);
  EXPECT_GE(rejected, 0.03);
}

TEST(TrueNull, OverSeeds) {
  struct Named {
    const char* name;
    std::function<double(std::span<const double>, std::span<const double>)> p;
    int runs;
    double least;
  };
  const std::vector<Named> tests{
      {"welch", [](auto a, auto b) { return welch_test(a, b)->p; }, 5, 0.03},
      {"paired t", [](auto a, auto b) { return paired_t_test(a, b)->p; }, 5, 0.03},
      {"signed rank", [](auto a, auto b) { return signed_rank_test(a, b)->p; }, 8, 0.02},
      {"rank sum", [](auto a, auto b) { return rank_sum_test(a, b)->p; }, 5, 0.02},
      {"equivalence, at the margin", [](auto a, auto b) { return equivalent_paired_seeds(a, std::vector<double>(b.begin(), b.end()), 10)->p; }, 5, 0},
  };
  for (const Named& test : tests) {
    const double shift = std::string(test.name).starts_with("equivalence") ? 10 : 0;
    const double rejected = share(test.name, [&](Random& random) {
      std::vector<double> a, b;
      for (int i = 0; i < test.runs; ++i) {
        a.push_back(random.normal());
        b.push_back(shift + random.normal());
      }
      return test.p(a, b) < 0.05;
    });
    EXPECT_LE(rejected, 0.06) << test.name;
    EXPECT_GE(rejected, test.least) << test.name;
  }
}

TEST(TrueNull, EquivalenceOfRowsAtTheMargin) {
  const double found = share("equivalence of rows", [](Random& random) {
    std::vector<double> d;
    for (int i = 0; i < 1000; ++i) {
      const double u = random.uniform();
      d.push_back(u < 0.15 ? 1 : u < 0.25 ? -1 : 0);
    }
    return equivalent_rows(d, 0.05)->equivalent;
  });
  EXPECT_LE(found, 0.06);
  EXPECT_GE(found, 0.03);
}

TEST(Power, McNemarSeesTheGapAboutAsOftenAsSaid) {
  const int64_t rows = *rows_for_paired_gap(0.06, 0.15);
  const double seen = share("power", [&](Random& random) {
    int64_t a = 0, b = 0;
    for (int64_t i = 0; i < rows; ++i) {
      const double u = random.uniform();
      a += u < 0.045;
      b += u >= 0.045 && u < 0.15;
    }
    return mcnemar(a, b).p < 0.05;
  });
  EXPECT_NEAR(seen, 0.78, 0.04);  // the exact test is a little more careful than the normal one the formula is for
}

}  // namespace
}  // namespace attune
