// GGUF headers: a real one, and one malformed file for each limit.
#include "io/gguf.h"

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <random>

#include "base/temp_folder.h"

namespace attune {
namespace {

using testing::error_id;
using testing::error_of;
using testing::put;
using testing::TempFolder;

const fs::path kTiny = fs::path(ATTUNE_SOURCE_DIR) / "tests/golden/gguf/tiny.gguf";

/// Writes a file piece by piece; every piece can be made wrong.
struct Builder {
  std::string bytes;
  template <typename T>
  Builder& number(T v) {
    bytes.append(reinterpret_cast<const char*>(&v), sizeof v);
    return *this;
  }
  Builder& text(const std::string& s) {
    number<uint64_t>(s.size());
    bytes += s;
    return *this;
  }
  Builder& head(uint64_t tensors, uint64_t values, uint32_t version = 3) {
    bytes += "GGUF";
    return number(version).number(tensors).number(values);
  }
  Builder& key(const std::string& name, uint32_t type) { return text(name).number(type); }
  Builder& tensor(const std::string& name, const std::vector<uint64_t>& ne, uint32_t type, uint64_t offset) {
    text(name).number<uint32_t>(static_cast<uint32_t>(ne.size()));
    for (uint64_t n : ne) number(n);
    return number(type).number(offset);
  }
  Builder& pad(size_t alignment = 32) {
    while (bytes.size() % alignment != 0) bytes += '\0';
    return *this;
  }
  Builder& data(size_t n) {
    bytes.append(n, '\0');
    return *this;
  }
};

std::string id_of(const std::string& bytes) {
  TempFolder t;
  put(t / "f.gguf", bytes);
  return error_id([&] { GgufFile f(t / "f.gguf"); });
}
std::string id_of(const Builder& b) { return id_of(b.bytes); }

TEST(Gguf, ReadsARealHeader) {
  const GgufFile f(kTiny);
  EXPECT_EQ(f.text("general.architecture", ""), "llama");
  EXPECT_EQ(f.integer("llama.block_count", 0), 2);
  EXPECT_EQ(f.integer("general.alignment", 0), 64);
  EXPECT_EQ(f.number("llama.attention.layer_norm_rms_epsilon", 0), 1e-5);
  EXPECT_EQ(f.number("llama.rope.freq_base", 0), 100000.0);
  EXPECT_FALSE(f.boolean("tokenizer.ggml.add_bos_token", true));
  EXPECT_EQ(f.texts("tokenizer.ggml.tokens").size(), 300u);
  EXPECT_EQ(f.integer("no such key", -7), -7);
  EXPECT_EQ(f.tensors().size(), 20u);
  const GgufTensor* down = f.find("blk.1.ffn_down.weight");
  ASSERT_NE(down, nullptr);
  EXPECT_EQ(down->shape, (Shape{32, 256}));
  EXPECT_EQ(down->type->name, "Q4_K");
  EXPECT_EQ(down->begin % 64, 0u);
  EXPECT_EQ(f.find("blk.1.ffn_down"), nullptr);
  EXPECT_EQ(error_id([&] { f.integer("general.architecture", 0); }), "gguf.value");
  EXPECT_EQ(error_id([&] { f.integer("llama.block_count", 0, 3); }), "gguf.value");
  EXPECT_EQ(error_id([&] { f.text("llama.block_count", ""); }), "gguf.value");
  EXPECT_EQ(error_id([&] { f.texts("llama.block_count"); }), "gguf.value");
  EXPECT_EQ(error_id([&] { f.boolean("llama.block_count", true); }), "gguf.value");
  EXPECT_EQ(error_id([&] { f.number("general.name", 0); }), "gguf.value");
}

TEST(Gguf, ReadsEveryKindOfValue) {
  Builder b;
  b.head(1, 13);
  b.key("u8", 0).number<uint8_t>(200).key("i8", 1).number<int8_t>(-5).key("u16", 2).number<uint16_t>(60000).key("i16", 3).number<int16_t>(-3);
  b.key("u32", 4).number<uint32_t>(4000000000u).key("i32", 5).number<int32_t>(-9).key("f32", 6).number<float>(0.1f).key("bool", 7).number<uint8_t>(1);
  b.key("text", 8).text("h\u00e9").key("list", 9).number<uint32_t>(8).number<uint64_t>(2).text("a").text("").key("u64", 10).number<uint64_t>(1ull << 63);
  b.key("i64", 11).number<int64_t>(-1).key("f64", 12).number<double>(0.1);
  b.tensor("w", {4, 2}, 0, 0).pad();
  for (float x : {1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f, 7.0f, 8.0f}) b.number(x);
  TempFolder t;
  put(t / "f.gguf", b.bytes);
  const GgufFile f(t / "f.gguf");
  EXPECT_EQ(f.integer("u8", 0), 200);
  EXPECT_EQ(f.integer("i8", 0, -10), -5);
  EXPECT_EQ(f.integer("u16", 0), 60000);
  EXPECT_EQ(f.integer("i16", 0, -10), -3);
  EXPECT_EQ(f.integer("u32", 0, 0, INT64_MAX), 4000000000);
  EXPECT_EQ(error_id([&] { f.integer("u32", 0); }), "gguf.value");
  EXPECT_EQ(f.integer("i32", 0, -10), -9);
  EXPECT_EQ(f.number("f32", 0), 0.1);
  EXPECT_TRUE(f.boolean("bool", false));
  EXPECT_EQ(f.text("text", ""), "h\u00e9");
  EXPECT_EQ(f.texts("list"), (std::vector<std::string>{"a", ""}));
  EXPECT_EQ(error_id([&] { f.integer("u64", 0, 0, INT64_MAX); }), "gguf.value");
  EXPECT_EQ(f.integer("i64", 0, -1), -1);
  EXPECT_EQ(f.number("f64", 0), 0.1);
  const Tensor w = f.read_f32(*f.find("w"));
  EXPECT_EQ(w.shape(), (Shape{2, 4}));
  EXPECT_EQ(w.f32()[7], 8.0f);
}

TEST(Gguf, RefusesWhatIsNone) {
  EXPECT_EQ(id_of(""), "gguf.magic");
  EXPECT_EQ(id_of("GGU"), "gguf.magic");
  EXPECT_EQ(id_of("GGJT" + std::string(40, '\0')), "gguf.magic");
  EXPECT_EQ(id_of(std::string("GGUF\3\0\0\0", 8)), "gguf.truncated");
  EXPECT_EQ(id_of(Builder().head(0, 0, 1)), "gguf.version");
  EXPECT_EQ(id_of(Builder().head(0, 0, 4)), "gguf.version");
  EXPECT_EQ(id_of(Builder().head(0, 0, 3u << 24)), "gguf.version");
  EXPECT_EQ(id_of(Builder().head(0, 0, 2)), "");
}

TEST(Gguf, RefusesCountsThatCannotBe) {
  EXPECT_EQ(id_of(Builder().head(0, 1ull << 60)), "gguf.truncated");
  EXPECT_EQ(id_of(Builder().head(1ull << 60, 0)), "gguf.truncated");
  EXPECT_EQ(id_of(Builder().head(0, 1).key("k", 9).number<uint32_t>(4).number<uint64_t>(1ull << 62)), "gguf.truncated");
  EXPECT_EQ(id_of(Builder().head(0, 1).key("k", 9).number<uint32_t>(0).number<uint64_t>((1ull << 24) + 1).data((1 << 24) + 1)), "gguf.value");
  EXPECT_EQ(id_of(Builder().head(0, 1).key("k", 9).number<uint32_t>(9).number<uint64_t>(0)), "gguf.value");
  EXPECT_EQ(id_of(Builder().head(0, 1).number<uint64_t>(1ull << 50).data(40)), "gguf.truncated");
  EXPECT_EQ(id_of(Builder().head(0, 1).key("k", 8).number<uint64_t>(~0ull).data(8)), "gguf.truncated");
}

TEST(Gguf, RefusesValues) {
  EXPECT_EQ(id_of(Builder().head(0, 1).key("", 0).number<uint8_t>(1).data(20)), "gguf.key");
  EXPECT_EQ(id_of(Builder().head(0, 1).key(std::string(65536, 'k'), 0).number<uint8_t>(1)), "gguf.truncated");
  EXPECT_EQ(id_of(Builder().head(0, 2).key("k", 0).number<uint8_t>(1).key("k", 0).number<uint8_t>(1)), "gguf.key");
  EXPECT_EQ(id_of(Builder().head(0, 1).key("k", 13).data(8)), "gguf.value");
  EXPECT_EQ(id_of(Builder().head(0, 1).key("k", 7).number<uint8_t>(2)), "gguf.value");
  EXPECT_EQ(id_of(Builder().head(0, 1).key("k\xff", 0).number<uint8_t>(2)), "gguf.value");
  EXPECT_EQ(id_of(Builder().head(0, 1).key("k", 8).text("\xc3").data(4)), "gguf.value");
  for (const uint32_t bad : {0u, 3u, 48u}) EXPECT_EQ(id_of(Builder().head(0, 1).key("general.alignment", 4).number(bad)), "gguf.alignment") << bad;
  EXPECT_EQ(id_of(Builder().head(0, 1).key("general.alignment", 5).number<int32_t>(-32)), "gguf.alignment");
  EXPECT_EQ(id_of(Builder().head(0, 1).key("split.count", 2).number<uint16_t>(3)), "gguf.split");
  EXPECT_EQ(id_of(Builder().head(0, 1).key("split.count", 2).number<uint16_t>(1)), "");
}

TEST(Gguf, RefusesTensors) {
  const auto one = [](const std::string& name, const std::vector<uint64_t>& ne, uint32_t type, uint64_t offset, size_t data) {
    return id_of(Builder().head(1, 0).tensor(name, ne, type, offset).pad().data(data));
  };
  EXPECT_EQ(one("w", {32, 2}, 8, 0, 68), "");
  EXPECT_EQ(one("w", {32, 2}, 8, 0, 67), "gguf.layout");
  EXPECT_EQ(one("w", {32, 2}, 8, 32, 68), "gguf.layout");
  EXPECT_EQ(one("w", {32, 2}, 8, 1, 200), "gguf.layout");
  EXPECT_EQ(one("w", {32, 2}, 8, ~0ull - 31, 200), "gguf.layout");
  EXPECT_EQ(one("", {32}, 8, 0, 34), "gguf.tensor");
  EXPECT_EQ(one(std::string(64, 'w'), {32}, 8, 0, 34), "gguf.truncated");
  EXPECT_EQ(one("w", {}, 8, 0, 34), "gguf.tensor");
  EXPECT_EQ(one("w", {1, 1, 1, 1, 1}, 0, 0, 34), "gguf.tensor");
  EXPECT_EQ(one("w", {33}, 8, 0, 100), "gguf.tensor");
  EXPECT_EQ(one("w", {1ull << 63}, 0, 0, 100), "gguf.tensor");
  EXPECT_EQ(one("w", {1ull << 62, 4}, 0, 0, 100), "gguf.tensor");
  EXPECT_EQ(one("w", {1ull << 61, 2}, 0, 0, 100), "gguf.tensor");
  EXPECT_EQ(one("w", {32}, 4, 0, 100), "gguf.type");
  EXPECT_EQ(one("w", {32}, 12345, 0, 100), "gguf.type");
  EXPECT_EQ(one("w", {0}, 8, 0, 0), "");
  EXPECT_EQ(id_of(Builder().head(2, 0).tensor("a", {8}, 0, 0).tensor("a", {8}, 0, 32).pad().data(64)), "gguf.tensor");
  EXPECT_EQ(id_of(Builder().head(2, 0).tensor("a", {16}, 0, 0).tensor("b", {8}, 0, 32).pad().data(64)), "gguf.layout");
  EXPECT_EQ(id_of(Builder().head(2, 0).tensor("a", {8}, 0, 32).tensor("b", {8}, 0, 0).pad().data(64)), "");
}

TEST(Gguf, RefusesNumbersThatAreNone) {
  TempFolder t;
  put(t / "f.gguf", Builder().head(1, 0).tensor("w", {32}, 8, 0).pad().number<uint16_t>(0x7c00).number<uint8_t>(1).data(31).bytes);
  const GgufFile f(t / "f.gguf");
  EXPECT_EQ(error_id([&] { f.read_f32(f.tensors()[0]); }), "quant.not_finite");
  put(t / "g.gguf", Builder().head(1, 0).tensor("w", {256}, 10, 0).pad().data(84).bytes);
  const GgufFile g(t / "g.gguf");
  EXPECT_EQ(error_id([&] { g.read_f32(g.tensors()[0]); }), "gguf.type");
}

/// Any prefix and any damage ends in a value or an Error.
TEST(Gguf, DamagedFilesEndInAnError) {
  const std::string whole = read_file(kTiny);
  TempFolder t;
  const auto load = [&](const std::string& bytes) {
    put(t / "f.gguf", bytes);
    try {
      const GgufFile f(t / "f.gguf");
      for (const GgufTensor& x : f.tensors()) f.read_f32(x);
      return true;
    } catch (const Error&) {
      return false;
    }
  };
  EXPECT_TRUE(load(whole));
  for (size_t n = 0; n < whole.size(); n += 997) EXPECT_FALSE(load(whole.substr(0, n))) << n;
  std::mt19937 rng(5);
  for (int i = 0; i < 1500; ++i) {
    std::string bytes = whole;
    for (unsigned k = rng() % 3 + 1; k > 0; --k) bytes[rng() % 12000] = static_cast<char>(rng());
    load(bytes);
  }
}

}  // namespace
}  // namespace attune
