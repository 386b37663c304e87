#include "tensor/tensor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "base/error.h"

namespace attune {
namespace {

TEST(Allocator, ReusesBlocksAndKeepsTheLedger) {
  Allocator& a = Allocator::global();
  a.trim();
  const Ledger before = a.ledger();
  void* first = a.take(5000, MemoryClass::kOther);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(first) % 64, 0u);
  EXPECT_GE(a.ledger().total_now - before.total_now, 5000);
  EXPECT_LT(a.ledger().total_now - before.total_now, 5000 + 64);
  a.give(first, MemoryClass::kOther);
  EXPECT_EQ(a.ledger().total_now, before.total_now);
  void* second = a.take(4100, MemoryClass::kOther);  // a little smaller: the same block
  EXPECT_EQ(first, second);
  a.give(second, MemoryClass::kOther);
}

/// Batches of ever new shapes must not pile up blocks: what is held stays near what is live at most.
TEST(Allocator, HeldMemoryStaysNearThePeakOfLiveMemory) {
  Allocator& a = Allocator::global();
  a.trim();
  a.reset_peaks();
  const int64_t begin = a.ledger().total_now;
  uint64_t x = 1;
  for (int step = 0; step < 300; ++step) {
    std::vector<void*> blocks;
    x = x * 6364136223846793005u + 1442695040888963407u;
    const int64_t tokens = 200 + static_cast<int64_t>((x >> 33) % 1800);
    for (int64_t width : {1536, 4608, 1536, 6144, 1536}) blocks.push_back(a.take(tokens * width, MemoryClass::kActivations));
    for (void* p : blocks) a.give(p, MemoryClass::kActivations);
  }
  const Ledger l = a.ledger();
  EXPECT_LE(l.held, (l.total_peak - begin) * 9 / 8 + begin + (int64_t{17} << 20));
}

TEST(Allocator, RefusesAboveTheLimitWithTheMemoryCode) {
  Allocator& a = Allocator::global();
  a.set_limit(a.ledger().total_now + 1000);
  try {
    a.take(100000, MemoryClass::kGradients);
    FAIL() << "took more than the limit";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kMemory);
    EXPECT_EQ(e.info().id, "memory.exhausted");
    EXPECT_EQ(e.info().where, "gradients");
  }
  a.set_limit(0);
}

TEST(Allocator, FaultsReachTheCaller) {
  Allocator::global().set_fault([](int64_t, MemoryClass) { throw std::bad_alloc(); });
  EXPECT_THROW(Tensor({3}), std::bad_alloc);
  Allocator::global().set_fault(nullptr);
  EXPECT_NO_THROW(Tensor({3}));
}

TEST(Tensor, ViewsShareStorageAndKeepThePitch) {
  const Tensor t = Tensor::of({2, 4}, std::vector<float>{0, 1, 2, 3, 4, 5, 6, 7});
  const Tensor middle = t.columns(1, 2);
  EXPECT_EQ(middle.pitch(), 4);
  EXPECT_FALSE(middle.contiguous());
  EXPECT_EQ(middle.f32()[middle.pitch()], 5.0f);
  const Tensor copy = middle.clone();
  EXPECT_TRUE(copy.contiguous());
  EXPECT_EQ(copy.f32()[2], 5.0f);
  EXPECT_EQ(t.row_range(1, 1).f32()[0], 4.0f);
  EXPECT_EQ(t.reshaped({8}).f32()[7], 7.0f);
  EXPECT_THROW(t.columns(3, 2), Bug);
  EXPECT_THROW(middle.reshaped({4}), Bug);
}

TEST(Tensor, CountsRejectOverflow) {
  EXPECT_EQ(count({}), 1);
  EXPECT_EQ(count({3, 0}), 0);
  EXPECT_THROW(count({int64_t{1} << 40, int64_t{1} << 40}), Bug);
  EXPECT_THROW(count({-1}), Bug);
}

TEST(Tensor, ConvertsHalvesExactly) {
  // IEEE 754 binary16: 1, -2, smallest subnormal, largest, infinity; bfloat16: 1.0 is 0x3f80.
  const uint16_t halves[] = {0x3c00, 0xc000, 0x0001, 0x7bff, 0x7c00};
  Tensor f16({5}, DType::kF16);
  std::memcpy(f16.data(), halves, sizeof halves);
  const Tensor f = f16.to_f32(MemoryClass::kOther);
  EXPECT_EQ(f.f32()[0], 1.0f);
  EXPECT_EQ(f.f32()[1], -2.0f);
  EXPECT_EQ(f.f32()[2], std::ldexp(1.0f, -24));
  EXPECT_EQ(f.f32()[3], 65504.0f);
  EXPECT_TRUE(std::isinf(f.f32()[4]));
  const uint16_t b[] = {0x3f80, 0xbf80};
  Tensor bf16({2}, DType::kBF16);
  std::memcpy(bf16.data(), b, sizeof b);
  EXPECT_EQ(bf16.to_f32(MemoryClass::kOther).f32()[1], -1.0f);
}

}  // namespace
}  // namespace attune
