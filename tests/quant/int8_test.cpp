// LLM.int8 weights against bitsandbytes (tests/golden/quantized).
#include "quant/int8.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/random.h"
#include "base/temp_folder.h"
#include "golden_cases.h"

namespace attune {
namespace {

using testing::bits;
using testing::elements;
using testing::golden_cases;

Int8Matrix quantized(const Tensor& w, int threads) { return quantize_int8(w.f32(), w.dim(0), w.dim(1), threads, "w"); }

Tensor dequantized(const Int8Matrix& m, int64_t begin, int64_t end) {
  Tensor y({end - begin, m.in});
  dequantize_rows(m, begin, end, y.f32());
  return y;
}

TEST(Int8, IsBitsandbytesBitForBit) {
  int compared = 0;
  for (const auto& [name, golden] : golden_cases()) {
    if (!golden.count("scb")) continue;
    SCOPED_TRACE(name);
    ++compared;
    const Int8Matrix m = quantized(golden.at("weight"), 2);
    EXPECT_EQ(elements<int8_t>(m.codes), elements<int8_t>(golden.at("int8_codes")));
    EXPECT_EQ(bits(m.absmax), bits(golden.at("scb")));
    const auto values = golden.find("int8_dequantized");
    if (values == golden.end()) continue;
    EXPECT_EQ(bits(dequantized(m, 0, m.out)), bits(values->second));
  }
  EXPECT_GE(compared, 9);
}

TEST(Int8, RoundsHalfToEven) {
  const Int8Matrix m = quantized(Tensor::of({1, 9}, std::vector<float>{127, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f, -2.5f, 126.5f, -126.5f}), 1);
  EXPECT_EQ(elements<int8_t>(m.codes), (std::vector<int8_t>{127, 0, 2, 2, 0, -2, -2, 126, -126}));
}

TEST(Int8, RowsOfZerosAndOfAlmostNothingAreZero) {
  const Int8Matrix m = quantized(Tensor::of({3, 2}, std::vector<float>{0, -0.0f, 1e-40f, -5e-37f, 1e-35f, -2.5e-36f}), 1);
  EXPECT_EQ(elements<int8_t>(m.codes), (std::vector<int8_t>{0, 0, 0, 0, 127, -32}));
  EXPECT_EQ(m.absmax.f32()[0], 0.0f);
  const Tensor back = dequantized(m, 0, 2);
  for (const float y : back.span()) EXPECT_EQ(y, 0.0f);
}

TEST(Int8, TheLargestNumbersStayInRange) {
  const float most = std::numeric_limits<float>::max();
  const Int8Matrix m = quantized(Tensor::of({1, 3}, std::vector<float>{most, -most, most / 2}), 1);
  EXPECT_EQ(elements<int8_t>(m.codes), (std::vector<int8_t>{127, -127, 64}));
}

/// One step is absmax / 127.
TEST(Int8, ThreadsAndRangesDoNotChangeTheResultAndErrorsAreHalfAStep) {
  Tensor w({37, 53});
  Random r(1);
  for (float& x : w.span()) x = static_cast<float>(r.normal());
  const Int8Matrix one = quantized(w, 1);
  for (const int threads : {2, 5, 100}) {
    const Int8Matrix many = quantized(w, threads);
    EXPECT_EQ(elements<int8_t>(many.codes), elements<int8_t>(one.codes));
    EXPECT_EQ(bits(many.absmax), bits(one.absmax));
  }
  const Tensor y = dequantized(one, 0, 37);
  EXPECT_THROW(dequantize_rows(one, 36, 38, w.f32()), Bug);
  EXPECT_EQ(bits(dequantized(one, 11, 30)), bits(y.row_range(11, 19).clone()));
  for (int64_t row = 0; row < 37; ++row) {
    for (int64_t i = 0; i < 53; ++i) {
      EXPECT_LE(std::abs(y.f32()[row * 53 + i] - w.f32()[row * 53 + i]), one.absmax.f32()[row] * (0.5f / 127 + 1e-6f));
    }
  }
}

TEST(Int8, RefusesWeightsThatAreNotFinite) {
  for (const float bad : {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(), std::nanf(""), -std::nanf("")}) {
    Tensor w = Tensor::zeros({5, 7});
    w.f32()[3 * 7 + 6] = bad;
    const Error e = testing::error_of([&] { quantize_int8(w.f32(), 5, 7, 2, "here"); });
    EXPECT_EQ(e.info().id, "quant.not_finite");
    EXPECT_EQ(e.info().where, "here");
    EXPECT_NE(e.info().got.find("row 3, column 6"), std::string::npos) << e.info().got;
  }
}

}  // namespace
}  // namespace attune
