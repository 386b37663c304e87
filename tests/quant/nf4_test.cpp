// NF4 against bitsandbytes (tests/golden/quantized).
#include "quant/nf4.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/random.h"
#include "base/temp_folder.h"
#include "golden_cases.h"
#include "quant/dynamic_map.h"

namespace attune {
namespace {

using testing::bits;
using testing::elements;
using testing::error_of;
using testing::golden_cases;

Nf4Matrix quantized(const Tensor& w, bool double_quant, int threads) {
  return quantize_nf4(w.f32(), w.dim(0), w.dim(1), double_quant, threads, "w");
}

template <typename Matrix>
Tensor dequantized(const Matrix& m, int64_t begin, int64_t end) {
  Tensor y({end - begin, m.in});
  dequantize_rows(m, begin, end, y.f32());
  return y;
}

std::vector<float> normals(size_t n, uint64_t key) {
  Random r(key);
  std::vector<float> w(n);
  for (float& x : w) x = static_cast<float>(0.05 * r.normal());
  return w;
}

// bitsandbytes 0.50.2 on a CPU.
TEST(Nf4, KnownBlock) {
  const Nf4Matrix m = quantized(Tensor::of({2, 2}, std::vector<float>{0.5f, -1.0f, 0.25f, 0.0f}), false, 1);
  EXPECT_EQ(elements<uint8_t>(m.codes), (std::vector<uint8_t>{0xc0, 0xa7}));
  EXPECT_EQ(m.absmax.f32()[0], 1.0f);
  EXPECT_EQ(elements<float>(dequantized(m, 0, 2)), (std::vector<float>{0.44070982933044434f, -1.0f, 0.24611230194568634f, 0.0f}));
}

TEST(Nf4, CodesAndScalesAreThoseOfBitsandbytes) {
  ASSERT_GE(golden_cases().size(), 13u);
  for (const auto& [name, golden] : golden_cases()) {
    SCOPED_TRACE(name);
    const Nf4Matrix m = quantized(golden.at("weight"), false, 2);
    EXPECT_EQ(elements<uint8_t>(m.codes), elements<uint8_t>(golden.at("codes")));
    EXPECT_EQ(bits(m.absmax), bits(golden.at("absmax")));
    EXPECT_EQ(m.bytes(), m.codes.bytes() + m.absmax.bytes());
  }
}

TEST(Nf4, DequantizedValuesAreTheFormulas) {
  for (const auto& [name, golden] : golden_cases()) {
    SCOPED_TRACE(name);
    const Nf4Matrix m = quantized(golden.at("weight"), false, 1);
    const Tensor& want = golden.at("dequantized");
    const int64_t first = *static_cast<const int64_t*>(golden.at("first_row").data());
    EXPECT_EQ(bits(dequantized(m, first, first + want.dim(0))), bits(want));
  }
}

/// The offset is a mean, which everyone adds up in another order; a scale then lies elsewhere between two codes.
TEST(Nf4, DoubleQuantisationIsNearBitsandbytes) {
  for (const auto& [name, golden] : golden_cases()) {
    if (!golden.count("offset")) continue;
    SCOPED_TRACE(name);
    const Nf4Matrix m = quantized(golden.at("weight"), true, 2);
    EXPECT_TRUE(m.double_quant());
    EXPECT_TRUE(m.absmax.empty());
    EXPECT_EQ(elements<uint8_t>(m.codes), elements<uint8_t>(golden.at("codes")));
    const float offset = golden.at("offset").f32()[0];
    EXPECT_NEAR(m.offset, offset, 1e-6 * offset);
    const auto codes = elements<uint8_t>(m.absmax_codes), want = elements<uint8_t>(golden.at("absmax_codes"));
    ASSERT_EQ(codes.size(), want.size());
    for (size_t i = 0; i < codes.size(); ++i) EXPECT_NEAR(codes[i], want[i], 1) << i;
    const auto nested = elements<float>(m.nested_absmax), want_nested = elements<float>(golden.at("nested_absmax"));
    ASSERT_EQ(nested.size(), want_nested.size());
    for (size_t i = 0; i < nested.size(); ++i) EXPECT_NEAR(nested[i], want_nested[i], 1e-6 * offset) << i;
  }
}

TEST(Nf4, ScalesComeBackAsFromBitsandbytes) {
  for (const auto& [name, golden] : golden_cases()) {
    if (!golden.count("offset")) continue;
    SCOPED_TRACE(name);
    Nf4Matrix m;
    m.out = golden.at("weight").dim(0);
    m.in = golden.at("weight").dim(1);
    m.absmax_codes = golden.at("absmax_codes");
    m.nested_absmax = golden.at("nested_absmax");
    m.offset = golden.at("offset").f32()[0];
    Tensor scales({m.blocks()});
    block_scales(m, 0, m.blocks(), scales.f32());
    EXPECT_EQ(bits(scales), bits(golden.at("scales")));
  }
}

TEST(Nf4, RowRangesAreRowsOfTheWhole) {
  for (const bool double_quant : {false, true}) {
    for (const int64_t in : {1, 3, 31, 64, 65, 130, 5000}) {
      SCOPED_TRACE(in);
      const auto w = normals(static_cast<size_t>(7 * in), 5);
      const Nf4Matrix m = quantize_nf4(w.data(), 7, in, double_quant, 1, "w");
      auto whole = elements<float>(dequantized(m, 0, 7));
      EXPECT_THROW(dequantize_rows(m, 6, 8, whole.data()), Bug);
      EXPECT_THROW(block_scales(m, 0, m.blocks() + 1, whole.data()), Bug);
      for (int64_t begin = 0; begin <= 7; ++begin) {
        for (int64_t end = begin; end <= 7; ++end) {
          const auto part = elements<float>(dequantized(m, begin, end));
          EXPECT_EQ(part, std::vector<float>(whole.begin() + begin * in, whole.begin() + end * in));
        }
      }
    }
  }
}

TEST(Nf4, ThreadsDoNotChangeTheResult) {
  const auto w = normals(301 * 127, 1);
  for (const bool double_quant : {false, true}) {
    const Nf4Matrix one = quantize_nf4(w.data(), 301, 127, double_quant, 1, "w");
    for (const int threads : {2, 3, 1000}) {
      const Nf4Matrix many = quantize_nf4(w.data(), 301, 127, double_quant, threads, "w");
      EXPECT_EQ(elements<uint8_t>(many.codes), elements<uint8_t>(one.codes));
      EXPECT_EQ(many.offset, one.offset);
      std::vector<float> a(static_cast<size_t>(one.blocks())), b(a);
      block_scales(one, 0, one.blocks(), a.data());
      block_scales(many, 0, many.blocks(), b.data());
      EXPECT_EQ(a, b);
    }
  }
}

/// Half the widest gap of the code book is 0.152.
TEST(Nf4, EveryWeightIsWithinHalfAGapOfItself) {
  const auto w = normals(64 * 640, 2);
  const Nf4Matrix m = quantize_nf4(w.data(), 64, 640, false, 2, "w");
  const auto y = elements<float>(dequantized(m, 0, 64));
  for (size_t i = 0; i < w.size(); ++i) EXPECT_LE(std::abs(y[i] - w[i]), 0.152f * m.absmax.f32()[i / 64]) << i;
}

TEST(Nf4, RefusesWeightsThatAreNotFinite) {
  for (const float bad : {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(), std::nanf(""), -std::nanf("")}) {
    for (const size_t at : {0u, 77u, 649u}) {  // the last is in a short block
      auto w = normals(650, 3);
      w[at] = w[649] = bad;
      const Error e = error_of([&] { quantize_nf4(w.data(), 65, 10, true, 2, "model.safetensors 'a.weight'"); });
      EXPECT_EQ(e.code(), ErrorCode::kInput);
      EXPECT_EQ(e.info().id, "quant.not_finite");
      EXPECT_EQ(e.info().where, "model.safetensors 'a.weight'");
      EXPECT_NE(e.info().got.find("row " + std::to_string(at / 10) + ", column " + std::to_string(at % 10)), std::string::npos)
          << e.info().got;
    }
  }
}

TEST(Nf4, AMatrixWithoutWeightsIsOne) {
  const float none = 0;
  for (const bool double_quant : {false, true}) {
    const Nf4Matrix m = quantize_nf4(&none, 0, 8, double_quant, 2, "w");
    EXPECT_EQ(m.bytes(), 0);
    EXPECT_EQ(m.double_quant(), double_quant);
    dequantize_rows(m, 0, 0, nullptr);
  }
}

TEST(Nf4, MemoryIsCountedAsQuantised) {
  const auto w = normals(64 * 64, 4);
  const int64_t before = Allocator::global().ledger().now[static_cast<size_t>(MemoryClass::kQuantized)];
  const Nf4Matrix m = quantize_nf4(w.data(), 64, 64, true, 1, "w");
  EXPECT_EQ(m.bytes(), 2048 + 64 + 4);
  EXPECT_GE(Allocator::global().ledger().now[static_cast<size_t>(MemoryClass::kQuantized)] - before, m.bytes());
  for (const Tensor* t : {&m.codes, &m.absmax_codes, &m.nested_absmax}) EXPECT_EQ(t->memory_class(), MemoryClass::kQuantized);
}

}  // namespace
}  // namespace attune
