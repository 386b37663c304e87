#include "quant/nf4.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"

namespace attune {
namespace {

std::vector<uint8_t> bytes_of(const Tensor& t) {
  const auto* p = static_cast<const uint8_t*>(t.data());
  return {p, p + t.bytes()};
}

// bitsandbytes 0.50.2 on a CPU.
TEST(Nf4, KnownBlock) {
  const std::vector<float> w = {0.5f, -1.0f, 0.25f, 0.0f};
  const Nf4Matrix m = quantize_nf4(w.data(), 2, 2, false, 1, "w");
  EXPECT_EQ(bytes_of(m.codes), (std::vector<uint8_t>{0xc0, 0xa7}));
  EXPECT_EQ(m.absmax.f32()[0], 1.0f);
  std::vector<float> y(4);
  dequantize_rows(m, 0, 2, y.data());
  EXPECT_EQ(y, (std::vector<float>{0.44070982933044434f, -1.0f, 0.24611230194568634f, 0.0f}));
}

}  // namespace
}  // namespace attune
