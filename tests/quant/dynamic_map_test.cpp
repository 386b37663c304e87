#include "quant/dynamic_map.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "golden_cases.h"

namespace attune {
namespace {

TEST(DynamicMap, IsTheOneInBitsandbytesFiles) {
  const SafetensorsFile file(testing::quantized_golden("linear_nf4_double.safetensors"));
  const Tensor want = file.read("encoder.query.weight.nested_quant_map");
  EXPECT_EQ(testing::bits(Tensor::of({256}, dynamic_map())), testing::bits(want));
}

TEST(DynamicMap, CodesAreTheNearest) {
  Random r(7);
  std::vector<float> x(1000);
  for (float& v : x) v = static_cast<float>(r.normal() * std::pow(10.0, -4.0 * r.uniform()));
  std::vector<uint8_t> codes(x.size());
  std::vector<float> scales(4);
  quantize_dynamic(x.data(), 1000, codes.data(), scales.data(), 2);
  const auto map = dynamic_map();
  for (size_t i = 0; i < x.size(); ++i) {
    const float scaled = x[i] * (1.0f / scales[i / 256]);
    float nearest = 2;
    for (const float value : map) nearest = std::min(nearest, std::abs(value - scaled));
    EXPECT_NEAR(std::abs(map[codes[i]] - scaled), nearest, 1e-7) << i;
  }
}

TEST(DynamicMap, ScalesAreTheLargestMagnitudesAndTiesGoDown) {
  const auto map = dynamic_map();
  std::vector<float> x(300, 0.0f);
  x[0] = -2.0f;
  x[1] = map[200] + map[201];  // 2 * the middle of the two
  const std::vector<float> zeros(44, 0.0f);
  std::vector<uint8_t> codes(300);
  std::vector<float> scales(2);
  quantize_dynamic(x.data(), 300, codes.data(), scales.data(), 1);
  EXPECT_EQ(scales, (std::vector<float>{2.0f, 0.0f}));
  EXPECT_EQ(codes[0], 0);
  EXPECT_EQ(codes[1], 200);
  EXPECT_EQ(map[codes[2]], 0.0f);
  EXPECT_EQ(codes[299], 0);  // of a block of zeros
}

}  // namespace
}  // namespace attune
