// Folds of a cross-validation.
#include "data/split.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/error.h"

namespace attune {
namespace {

std::vector<Row> rows_of(size_t n, const std::string& groups = "") {
  std::vector<Row> rows(n);
  for (size_t i = 0; i < n; ++i) {
    rows[i].index = i;
    rows[i].label = i % 3 == 0 ? "a" : "b";
    if (!groups.empty()) rows[i].group = groups + std::to_string(i / 4);
  }
  return rows;
}

TEST(Folds, EveryRowIsHeldOutOnceAndClassesAreSpread) {
  const auto rows = rows_of(50);
  const auto numbers = fold_numbers(rows, 4, 7, true);
  std::map<int64_t, int> sizes, of_a;
  for (size_t i = 0; i < rows.size(); ++i) {
    ++sizes[numbers[i]];
    of_a[numbers[i]] += rows[i].label == "a";
  }
  ASSERT_EQ(sizes.size(), 4u);
  for (const auto& [fold, n] : sizes) {
    EXPECT_TRUE(n == 12 || n == 13) << fold;
    EXPECT_TRUE(of_a[fold] == 4 || of_a[fold] == 5) << fold;
  }
  EXPECT_EQ(numbers, fold_numbers(rows, 4, 7, true));
  EXPECT_NE(numbers, fold_numbers(rows, 4, 8, true));
  size_t held = 0;
  for (int64_t f = 0; f < 4; ++f) {
    const RowSplit split = split_fold(rows, 4, f, 7, true);
    EXPECT_EQ(split.train.size() + split.held_out.size(), rows.size());
    held += split.held_out.size();
  }
  EXPECT_EQ(held, rows.size());
}

TEST(Folds, RowsOfADocumentStayTogether) {
  const auto rows = rows_of(40, "d");
  const auto numbers = fold_numbers(rows, 3, 1, false);
  std::map<std::string, std::set<int64_t>> folds;
  for (size_t i = 0; i < rows.size(); ++i) folds[rows[i].group].insert(numbers[i]);
  for (const auto& [group, in] : folds) EXPECT_EQ(in.size(), 1u) << group;
  EXPECT_THROW(fold_numbers(rows, 11, 1, false), Error);
  EXPECT_THROW(fold_numbers(rows_of(3), 4, 1, false), Error);
}

}  // namespace
}  // namespace attune
