// GGUF blocks against the `gguf` package (tools/make_gguf_goldens.py) and the worked blocks of docs/formats.md.
#include "quant/gguf_blocks.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "tensor/dtype.h"

namespace attune {
namespace {

std::string unhex(const std::string& s) {
  std::string out;
  for (size_t i = 0; i + 1 < s.size(); i += 2) out += static_cast<char>(std::stoi(s.substr(i, 2), nullptr, 16));
  return out;
}

const GgufType& type_named(const std::string& name) {
  for (uint32_t n = 0; n < 40; ++n)
    if (const GgufType* t = gguf_type(n); t && t->name == name) return *t;
  throw Bug("no such type");
}

std::vector<float> decoded(const GgufType& type, const std::string& bytes) {
  const auto blocks = static_cast<int64_t>(bytes.size() / type.bytes);
  std::vector<float> out(static_cast<size_t>(blocks) * type.block);
  dequantize_blocks(type, bytes.data(), blocks, out.data());
  return out;
}

TEST(GgufBlocks, AreThePackagesToTheBit) {
  const Json cases = read_json(fs::path(ATTUNE_SOURCE_DIR) / "tests/golden/gguf/blocks.json");
  ASSERT_EQ(cases.size(), 11u);
  for (const auto& [name, c] : cases.get_ref<const Json::object_t&>()) {
    const GgufType& type = type_named(name);
    EXPECT_TRUE(type.readable);
    EXPECT_NE(readable_gguf_types().find(name), std::string_view::npos);
    const std::string bytes = unhex(c["bytes"]);
    ASSERT_EQ(bytes.size() % type.bytes, 0u) << name;
    const std::vector<float> got = decoded(type, bytes);
    ASSERT_EQ(got.size(), c["values"].size()) << name;
    for (size_t i = 0; i < got.size(); ++i) EXPECT_EQ(std::bit_cast<uint32_t>(got[i]), c["values"][i].get<uint32_t>()) << name << " " << i;
  }
}

TEST(GgufBlocks, OfTheDescription) {
  const std::vector<float> q8 = decoded(type_named("Q8_0"), unhex("003801ff" + std::string(58, '0') + "80"));
  EXPECT_EQ(q8[0], 0.5f);
  EXPECT_EQ(q8[1], -0.5f);
  EXPECT_EQ(q8[31], -64.0f);
  const std::vector<float> q4 = decoded(type_named("Q4_0"), unhex("00381f" + std::string(30, '0')));
  EXPECT_EQ(q4[0], 3.5f);
  EXPECT_EQ(q4[16], -3.5f);
  const std::vector<float> q41 = decoded(type_named("Q4_1"), unhex("003800bc1f" + std::string(30, '0')));
  EXPECT_EQ(q41[0], 6.5f);
  EXPECT_EQ(q41[16], -0.5f);
  const std::vector<float> q5 = decoded(type_named("Q5_0"), unhex("0038010001001f" + std::string(30, '0')));
  EXPECT_EQ(q5[0], 7.5f);
  EXPECT_EQ(q5[16], 0.5f);
  EXPECT_EQ(q5[1], -8.0f);
  std::string k(144, '\0');
  k[1] = 0x38, k[3] = 0x34;
  k[4] = 0x41, k[5] = 0x03, k[8] = '\x82', k[9] = 0x01, k[12] = 0x35, k[16] = 0x21, k[16 + 64] = 0x43;
  const std::vector<float> q4k = decoded(type_named("Q4_K"), k);
  EXPECT_EQ(q4k[0], 0.0f);
  EXPECT_EQ(q4k[32], 2.75f);
  EXPECT_EQ(q4k[128], 22.75f);
  EXPECT_EQ(q4k[160], 0.0f);
  std::string k6(210, '\0');
  for (int i = 0; i < 16; ++i) k6[static_cast<size_t>(192 + i)] = static_cast<char>(i + 1);
  k6[0] = 0x21, k6[32] = 0x43, k6[64] = 0x65, k6[128] = '\xe4', k6[160] = 0x1b, k6[209] = 0x38;
  const std::vector<float> q6 = decoded(type_named("Q6_K"), k6);
  const std::pair<int, float> expected[] = {{0, -15.5f}, {32, -19.5f}, {64, 5}, {96, 70}, {128, 94.5f}, {160, 0}, {192, -65}, {224, -240}, {255, -256}};
  for (const auto& [i, value] : expected) EXPECT_EQ(q6[static_cast<size_t>(i)], value) << i;
}

TEST(GgufBlocks, NameTheTypesThatAreNotRead) {
  EXPECT_EQ(gguf_type(10)->name, "Q2_K");
  EXPECT_FALSE(gguf_type(10)->readable);
  EXPECT_EQ(gguf_type(4), nullptr);
  EXPECT_EQ(gguf_type(1u << 31), nullptr);
}

TEST(Halves, ThereAndBack) {
  for (uint32_t h = 0; h < 0x10000; ++h) {
    const float f = half_to_float(static_cast<uint16_t>(h));
    if (std::isnan(f)) {
      EXPECT_TRUE(std::isnan(half_to_float(float_to_half(f))));
      continue;
    }
    ASSERT_EQ(float_to_half(f), h);
    if (h % 0x8000 == 0 || std::isinf(f)) continue;
    // Between two halves the nearer is taken; in the middle the even one.
    const float below = half_to_float(static_cast<uint16_t>(h - 1));
    if (h % 0x8000 == 1 || (f < 0) != (below < 0)) continue;
    const float middle = (f + below) / 2;
    ASSERT_EQ(float_to_half(middle), h % 2 == 0 ? h : h - 1) << h;
    ASSERT_EQ(float_to_half(std::nextafter(middle, f)), h) << h;
  }
  EXPECT_EQ(float_to_half(65519.0f), 0x7bff);
  EXPECT_EQ(float_to_half(65520.0f), 0x7c00);
  EXPECT_EQ(float_to_half(-1e9f), 0xfc00);
  EXPECT_EQ(float_to_half(2.98023224e-8f), 0x0000);  // 2^-25: half of the least, to even
  EXPECT_EQ(float_to_half(2.9802326e-8f), 0x0001);
}

}  // namespace
}  // namespace attune
