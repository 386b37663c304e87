#include "tensor/tensor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "base/error.h"
#include "tensor/arena.h"

namespace attune {
namespace {

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

TEST(Allocator, ScopesHaveALedgerOfTheirOwn) {
  const int64_t before = Allocator::global().ledger().total_now;
  Allocator other;
  {
    Tensor kept;
    {
      const AllocatorScope scope(other);
      kept = Tensor({1000});
    }
    const Tensor outside({1000});
    EXPECT_EQ(other.ledger().total_now, Arena::rounded(4000));
    EXPECT_EQ(Allocator::global().ledger().total_now - before, Arena::rounded(4000));
  }
  EXPECT_EQ(other.ledger().total_now, 0);
  EXPECT_EQ(other.ledger().total_peak, Arena::rounded(4000));
}

TEST(Tensor, ZerosAreZeroInUsedMemory) {
  for (int round = 0; round < 2; ++round) {
    Tensor t = Tensor::zeros({100000});
    for (float& x : t.span()) {
      ASSERT_EQ(x, 0.0f);
      x = 1.0f;
    }
  }
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
