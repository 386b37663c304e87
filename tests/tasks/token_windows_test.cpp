// Windows over words: all covered, none too long, each word with the window that sees most around it.
#include "tasks/token_windows.h"

#include <gtest/gtest.h>

#include <random>

namespace attune {
namespace {

TEST(TokenWindows, ByHand) {
  const std::vector<int32_t> ones(10, 1);
  const WordWindows one = plan_windows(ones, 10, 4);
  ASSERT_EQ(one.windows.size(), 1u);
  EXPECT_EQ(one.owner, std::vector<size_t>(10, 0));
  const WordWindows w = plan_windows(ones, 6, 2);  // 0-6, 4-10
  ASSERT_EQ(w.windows.size(), 2u);
  EXPECT_EQ(w.windows[1].begin, 4u);
  // Word 4 has one token after it in the first window, none before it in the second; word 5 the other way round.
  EXPECT_EQ(w.owner, (std::vector<size_t>{0, 0, 0, 0, 0, 1, 1, 1, 1, 1}));
}

TEST(TokenWindows, LongWordsEmptyWordsAndNoWords) {
  const WordWindows w = plan_windows(std::vector<int32_t>{1, 50, 0, 1}, 8, 7);
  for (const auto& [begin, end] : w.windows) EXPECT_LT(begin, end);
  EXPECT_EQ(w.windows.back().end, 4u);
  EXPECT_EQ(plan_windows({}, 8, 2).windows.size(), 1u);
}

TEST(TokenWindows, CoverEveryWordWithinTheBudget) {
  std::mt19937 g(5);
  for (int trial = 0; trial < 300; ++trial) {
    const auto budget = static_cast<int64_t>(1 + g() % 20), overlap = static_cast<int64_t>(g() % 25);
    std::vector<int32_t> pieces(1 + g() % 60);
    for (int32_t& p : pieces) p = static_cast<int32_t>(g() % 5);
    const WordWindows w = plan_windows(pieces, budget, overlap);
    EXPECT_EQ(w.windows.front().begin, 0u);
    EXPECT_EQ(w.windows.back().end, pieces.size());
    for (size_t k = 0; k < w.windows.size(); ++k) {
      int64_t used = 0;
      for (size_t i = w.windows[k].begin; i < w.windows[k].end; ++i) used += std::min<int64_t>(pieces[i], budget);
      EXPECT_LE(used, budget);
      if (k > 0) {
        EXPECT_LE(w.windows[k].begin, w.windows[k - 1].end);
        EXPECT_GT(w.windows[k].begin, w.windows[k - 1].begin);
        EXPECT_GT(w.windows[k].end, w.windows[k - 1].end);
      }
    }
    for (size_t i = 0; i < pieces.size(); ++i) {
      EXPECT_GE(i, w.windows[w.owner[i]].begin);
      EXPECT_LT(i, w.windows[w.owner[i]].end);
    }
  }
}

}  // namespace
}  // namespace attune
