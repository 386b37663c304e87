// Orders of an epoch (equal to PyTorch's), batches, packing, subsets and splits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/error.h"
#include "data/packing.h"
#include "data/samplers.h"
#include "data/split.h"

namespace attune {
namespace {

using testing::ElementsAre;

uint64_t fold(const std::vector<uint64_t>& values) {
  uint64_t h = 0;
  for (uint64_t v : values) h = (h * 31 + v) % 1000000007;
  return h;
}

// torch.randperm(n, generator=torch.Generator().manual_seed(seed)), torch 2.15.
TEST(Randperm, EqualsPyTorch) {
  EXPECT_THAT(torch_randperm(10, 42), ElementsAre(2, 6, 1, 8, 4, 5, 0, 9, 3, 7));
  EXPECT_THAT(torch_randperm(10, 43), ElementsAre(8, 4, 9, 0, 5, 1, 6, 7, 2, 3));
  EXPECT_THAT(shuffled_order(10, 42, 2), ElementsAre(2, 6, 3, 8, 7, 9, 1, 4, 5, 0));
  EXPECT_THAT(torch_randperm(8, 7), ElementsAre(7, 0, 3, 4, 1, 5, 2, 6));
  EXPECT_THAT(torch_randperm(0, 3), ElementsAre());
  EXPECT_THAT(torch_randperm(1, 3), ElementsAre(0));
  EXPECT_THAT(torch_randperm(2, 0), ElementsAre(0, 1));
  EXPECT_EQ(fold(torch_randperm(1000, 123)), 390379530u);
  EXPECT_EQ(fold(torch_randperm(70000, 4294967301u)), 517529591u);  // only the seed's low half counts
}

// transformers 5.23: trainer_pt_utils.get_length_grouped_indices(lengths, batch, generator).
TEST(LengthGrouped, EqualsTheTrainer) {
  const auto order = [](size_t n, uint64_t batch, uint64_t seed) {
    std::vector<int32_t> lengths;
    for (size_t i = 0; i < n; ++i) lengths.push_back(static_cast<int32_t>(i * 37 % 101 + 1));
    return length_grouped_order(lengths, batch, seed, 0);
  };
  EXPECT_THAT(order(10, 2, 42), ElementsAre(8, 6, 2, 1, 5, 4, 9, 0, 7, 3));
  EXPECT_THAT(order(5, 8, 1), ElementsAre(2, 4, 1, 3, 0));
  EXPECT_EQ(fold(order(100, 4, 42)), 397086930u);
  EXPECT_EQ(fold(order(1000, 8, 7)), 328843542u);
  EXPECT_EQ(fold(order(2100, 10, 3)), 379628778u);
  EXPECT_TRUE(length_grouped_order({}, 4, 1, 0).empty());
}

TEST(WeightedOrder, DrawsEveryClassAsOften) {
  std::vector<int32_t> classes(1000);
  for (size_t i = 0; i < classes.size(); ++i) classes[i] = i % 10 == 0 ? 2 : i % 2 == 0 ? 1 : 0;  // 100, 400 and 500 rows
  const std::vector<double> weights = inverse_frequencies(classes);
  EXPECT_DOUBLE_EQ(weights[0], 1.0 / 100);
  EXPECT_DOUBLE_EQ(weights[1], 1.0 / 500);
  std::map<int32_t, double> drawn;
  std::vector<double> rows(classes.size());
  constexpr uint64_t kEpochs = 60;
  for (uint64_t epoch = 0; epoch < kEpochs; ++epoch) {
    const auto order = weighted_order(weights, 42, epoch);
    ASSERT_EQ(order.size(), classes.size());
    for (const uint64_t i : order) {
      ++drawn[classes[i]];
      ++rows[i];
    }
  }
  const double all = 1000.0 * kEpochs;
  for (const auto& [c, n] : drawn) EXPECT_NEAR(n / all, 1.0 / 3, 4 * std::sqrt(2.0 / 9 / all)) << c;
  // Rows of one class are equal: chi square with 1000 - 3 degrees of freedom, within 4 deviations of its mean.
  double chi = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    const double expected = all / 3 * weights[i];
    chi += (rows[i] - expected) * (rows[i] - expected) / expected;
  }
  EXPECT_NEAR(chi, 997, 4 * std::sqrt(2 * 997.0));
}

TEST(WeightedOrder, IsAFunctionOfSeedAndEpoch) {
  std::vector<double> weights(20, 1.0);
  weights[1] = 0;
  EXPECT_EQ(weighted_order(weights, 7, 2), weighted_order(weights, 7, 2));
  std::set<std::vector<uint64_t>> different;
  for (uint64_t seed = 0; seed < 4; ++seed)
    for (uint64_t epoch = 0; epoch < 4; ++epoch) {
      different.insert(weighted_order(weights, seed, epoch));
      for (const uint64_t i : weighted_order(weights, seed, epoch)) EXPECT_NE(i, 1u);
    }
  EXPECT_EQ(different.size(), 16u);
  EXPECT_TRUE(weighted_order({}, 1, 1).empty());
  EXPECT_THROW(weighted_order(std::vector<double>{0, 0}, 1, 1), Bug);
  EXPECT_THROW(inverse_frequencies(std::vector<int32_t>{0, -1}), Bug);
}

TEST(Batches, CutAndDropped) {
  const std::vector<uint64_t> order = sequential_order(7);
  EXPECT_THAT(cut_batches(order, 3), ElementsAre(ElementsAre(0, 1, 2), ElementsAre(3, 4, 5), ElementsAre(6)));
  EXPECT_THAT(cut_batches(order, 3, true), ElementsAre(ElementsAre(0, 1, 2), ElementsAre(3, 4, 5)));
  EXPECT_TRUE(cut_batches({}, 3).empty());
  EXPECT_THROW(cut_batches(order, 0), Bug);
}

TEST(Batches, SortedByLengthWithinABudget) {
  const std::vector<int32_t> lengths{3, 9, 1, 9, 4, 20};
  EXPECT_THAT(length_sorted_batches(lengths, 18, 8), ElementsAre(ElementsAre(5), ElementsAre(1, 3), ElementsAre(4, 0, 2)));
  EXPECT_THAT(length_sorted_batches(lengths, 1000, 4), ElementsAre(ElementsAre(5, 1, 3, 4), ElementsAre(0, 2)));
  EXPECT_TRUE(length_sorted_batches({}, 10, 10).empty());
}

TEST(Batches, PartsKeepTheOrderAndTheRows) {
  const std::vector<int32_t> lengths = {5, 9, 2, 9, 6, 20, 1};
  const std::vector<uint64_t> batch = {6, 3, 0, 5, 2, 4, 1};
  const auto parts = token_parts(batch, lengths, 15);
  std::vector<std::vector<uint64_t>> got;
  for (const auto part : parts) got.emplace_back(part.begin(), part.end());
  EXPECT_THAT(got, ElementsAre(ElementsAre(6, 3, 0), ElementsAre(5), ElementsAre(2, 4), ElementsAre(1)));
  EXPECT_EQ(token_parts(batch, lengths, 52).size(), 1u);
  ASSERT_EQ(token_parts(batch, lengths, 0).size(), 1u);
  EXPECT_EQ(token_parts(batch, lengths, 0)[0].size(), batch.size());
}

TEST(Packing, PutsTokensOneAfterAnother) {
  std::vector<Example> examples(3);
  examples[0] = {.row = 10, .ids = {1, 2, 3}, .type_ids = {0, 0, 1}, .labels = {.id = 1, .values = {}, .tokens = {}}, .truncated = false};
  examples[1] = {.row = 11, .ids = {4}, .type_ids = {}, .labels = {.id = 0, .values = {}, .tokens = {}}, .truncated = false};
  examples[2] = {.row = 12, .ids = {5, 6}, .type_ids = {1, 1}, .labels = {.id = -1, .values = {0.5F}, .tokens = {}}, .truncated = true};
  const Batch b = pack(examples, std::vector<uint64_t>{2, 1, 0});
  EXPECT_THAT(b.ids, ElementsAre(5, 6, 4, 1, 2, 3));
  EXPECT_THAT(b.positions, ElementsAre(0, 1, 0, 0, 1, 2));
  EXPECT_THAT(b.type_ids, ElementsAre(1, 1, 0, 0, 0, 1));
  EXPECT_THAT(b.starts, ElementsAre(0, 2, 3, 6));
  EXPECT_THAT(b.rows, ElementsAre(12, 11, 10));
  EXPECT_EQ(b.labels[0].values, std::vector<float>{0.5F});
  EXPECT_EQ(b.labels[2].id, 1);
  EXPECT_EQ(b.length(2), 3);
  EXPECT_EQ(pack(examples).tokens(), 6);
  EXPECT_THAT(lengths_of(examples), ElementsAre(3, 1, 2));
  EXPECT_EQ(pack(examples, std::vector<uint64_t>{}).sequences(), 0);
  EXPECT_THROW(pack(examples, std::vector<uint64_t>{3}), Bug);
}

std::vector<Row> some_rows(size_t n) {
  std::vector<Row> rows(n);
  for (size_t i = 0; i < n; ++i) {
    rows[i].index = i;
    rows[i].line = i + 2;
    rows[i].id = "r" + std::to_string(i);
    rows[i].label = i % 10 == 0 ? "rare" : i % 3 == 0 ? "some" : "many";
  }
  return rows;
}

std::map<std::string, size_t> counts(std::span<const Row> rows) {
  std::map<std::string, size_t> c;
  for (const Row& row : rows) ++c[row.label.get<std::string>()];
  return c;
}

TEST(Sampling, IsSeededNestedAndKeepsRows) {
  const std::vector<Row> rows = some_rows(500);
  const std::vector<Row> a = sample_rows(rows, 50, 42, false), b = sample_rows(rows, 50, 42, false), c = sample_rows(rows, 50, 43, false);
  const std::vector<Row> larger = sample_rows(rows, 120, 42, false);
  ASSERT_EQ(a.size(), 50u);
  std::set<uint64_t> in_a, in_c, in_larger;
  for (const Row& row : a) in_a.insert(row.index);
  for (const Row& row : c) in_c.insert(row.index);
  for (const Row& row : larger) in_larger.insert(row.index);
  EXPECT_EQ(in_a.size(), 50u);
  EXPECT_NE(in_a, in_c);
  EXPECT_TRUE(std::includes(in_larger.begin(), in_larger.end(), in_a.begin(), in_a.end()));
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].index, b[i].index);
    EXPECT_EQ(a[i].id, "r" + std::to_string(a[i].index));
    if (i > 0) {
      EXPECT_LT(a[i - 1].index, a[i].index);
    }
  }
  EXPECT_EQ(sample_rows(rows, 9999, 1, true).size(), 500u);
  EXPECT_TRUE(sample_rows(rows, 0, 1, true).empty());
  EXPECT_TRUE(sample_rows({}, 5, 1, true).empty());
}

TEST(Sampling, EveryRowIsAsLikely) {
  std::vector<size_t> taken(20);
  for (uint64_t seed = 0; seed < 4000; ++seed) {
    for (size_t i : sample_positions(20, 5, seed)) ++taken[i];
  }
  for (size_t n : taken) EXPECT_NEAR(static_cast<double>(n), 1000.0, 120.0);
}

TEST(Sampling, StratifiedSharesAreWithinOneOfExact) {
  for (size_t n : {7u, 100u, 503u}) {
    const std::vector<Row> rows = some_rows(n);
    const auto all = counts(rows);
    for (size_t count : {1u, 3u, 6u, 50u, 99u, 250u}) {
      if (count > n) continue;
      for (uint64_t seed : {1u, 2u}) {
        const std::vector<Row> sample = sample_rows(rows, count, seed, true);
        ASSERT_EQ(sample.size(), count);
        auto got = counts(sample);
        for (const auto& [label, total] : all) {
          const double exact = static_cast<double>(total * count) / static_cast<double>(n);
          EXPECT_LT(std::abs(static_cast<double>(got[label]) - exact), 1.0) << label << " " << n << " " << count;
        }
      }
    }
  }
}

TEST(Splitting, PartsAreDisjointAndComplete) {
  for (bool stratified : {false, true}) {
    const RowSplit s = split_rows(some_rows(1000), 0.1, 42, stratified);
    EXPECT_EQ(s.held_out.size(), 100u);
    EXPECT_EQ(s.train.size(), 900u);
    std::set<uint64_t> seen;
    for (const Row& row : s.train) seen.insert(row.index);
    for (const Row& row : s.held_out) seen.insert(row.index);
    EXPECT_EQ(seen.size(), 1000u);
    if (stratified) {
      EXPECT_EQ(counts(s.held_out)["rare"], 10u);
    }
  }
  EXPECT_EQ(split_rows(some_rows(10), 3, 1, false).held_out.size(), 3u);
  EXPECT_EQ(split_rows(some_rows(10), 0.25, 1, false).held_out.size(), 3u);  // rounded up
  for (double size : {0.0, -1.0, 10.0, 11.0, 1e300}) {
    EXPECT_THROW(split_rows(some_rows(10), size, 1, false), Error) << size;
  }
}

}  // namespace
}  // namespace attune
