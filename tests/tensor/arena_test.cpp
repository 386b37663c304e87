#include "tensor/arena.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>

#include "base/random.h"
#include "tensor/poison.h"

namespace attune {
namespace {

TEST(Arena, HolesAreReusedFromTheBottomAndGrowTogether) {
  Arena a;
  void* first = a.take(5000).data;
  void* second = a.take(100).data;
  void* third = a.take(300).data;
  EXPECT_EQ(reinterpret_cast<uintptr_t>(second) % 64, 0u);
  const int64_t held = a.held();
  EXPECT_EQ(held, Arena::rounded(5000) + Arena::rounded(100) + Arena::rounded(300));
  EXPECT_EQ(a.give(first), Arena::rounded(5000));
  EXPECT_EQ(a.take(4100).data, first);
  a.give(second);
  a.give(first);
  EXPECT_EQ(a.take(5100).data, first) << "two holes side by side are one";
  a.give(third);
  EXPECT_EQ(a.held(), held);
}

/// Batches of ever new shapes leave nothing behind: what is held is what the largest one needed.
TEST(Arena, HoldsNoMoreThanTheLargestStep) {
  Arena a;
  int64_t largest = 0;
  Random random(1);
  for (int step = 0; step < 300; ++step) {
    std::vector<void*> blocks;
    const int64_t tokens = 200 + static_cast<int64_t>(random.next() % 1800);
    int64_t live = 0;
    for (int64_t width : {1536, 4608, 1536, 6144, 1536}) {
      blocks.push_back(a.take(tokens * width).data);
      live += Arena::rounded(tokens * width);
    }
    largest = std::max(largest, live);
    while (!blocks.empty()) {  // as backward frees: the newest first, some earlier
      const size_t at = blocks.size() > 1 && random.next() % 3 == 0 ? blocks.size() - 2 : blocks.size() - 1;
      a.give(blocks[at]);
      blocks.erase(blocks.begin() + static_cast<std::ptrdiff_t>(at));
    }
  }
  EXPECT_EQ(a.held(), largest);
}

TEST(Arena, BlocksNeverOverlapAndCleanMemoryIsZero) {
  Arena a;
  Random random(2);
  std::map<char*, std::pair<int64_t, char>> live;
  for (int i = 0; i < 3000; ++i) {
    if (random.next() % 20 == 0) a.trim();
    if (live.size() < 40 && random.next() % 5 < 3) {
      const auto n = static_cast<int64_t>(random.next() % 20000);
      const Arena::Block block = a.take(n);
      char* p = static_cast<char*>(block.data);
      for (int64_t k = block.dirty; k < n; ++k) ASSERT_EQ(p[k], 0);
      const char mark = static_cast<char>(1 + i % 100);
      std::memset(p, mark, static_cast<size_t>(n));
      live[p] = {n, mark};
    } else if (!live.empty()) {
      auto it = live.begin();
      std::advance(it, static_cast<std::ptrdiff_t>(random.next() % live.size()));
      for (int64_t k = 0; k < it->second.first; ++k) ASSERT_EQ(it->first[k], it->second.second);
      a.give(it->first);
      live.erase(it);
    }
  }
}

TEST(Arena, ReturnsWhatLiesAboveTheLastBlock) {
  Arena a;
  void* first = a.take(1 << 20).data;
  void* second = a.take(4 << 20).data;
  std::memset(second, 1, 4 << 20);
  a.give(second);
  a.trim();
  EXPECT_EQ(a.held(), Arena::rounded(1 << 20) + (Arena::rounded(1 << 20) % 4096 ? 4096 - Arena::rounded(1 << 20) % 4096 : 0));
  a.give(first);
  a.trim();
  EXPECT_EQ(a.held(), 0);
}

TEST(Arena, MoreThanOneMapping) {
  Arena a;
  const int64_t size = int64_t{kPoisonedGap > 0 ? 700 : 30'000} << 20;  // never touched, but for a sanitizer's marks
  std::vector<void*> blocks;
  for (int i = 0; i < 5; ++i) blocks.push_back(a.take(size).data);
  EXPECT_EQ(a.held(), 5 * Arena::rounded(size));
  for (void* p : blocks) a.give(p);
  a.trim();
  EXPECT_EQ(a.held(), 0);
}

TEST(Arena, TheSystemMayRefuse) {
  Arena a;
  EXPECT_EQ(a.take(int64_t{1} << 60).data, nullptr);
  EXPECT_NE(a.take(100).data, nullptr);
}

}  // namespace
}  // namespace attune
