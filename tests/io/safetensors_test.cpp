// safetensors against the official writer and reader (tests/golden/safetensors), and against files made to break a reader.
#include "io/safetensors.h"

#include <chrono>
#include <cmath>
#include <cstring>

#include "base/json.h"
#include "base/temp_folder.h"

namespace attune {
namespace {

using testing::error_id;
using testing::error_of;
using testing::put;
using testing::TempFolder;

const fs::path kGolden = fs::path(ATTUNE_SOURCE_DIR) / "tests/golden/safetensors";

std::string unhex(const std::string& s) {
  std::string out;
  for (size_t i = 0; i + 1 < s.size(); i += 2) out += static_cast<char>(std::stoi(s.substr(i, 2), nullptr, 16));
  return out;
}

std::string length_bytes(uint64_t n) {
  std::string s(8, '\0');
  std::memcpy(s.data(), &n, 8);
  return s;
}

std::string file_of(const std::string& header, const std::string& data = "") { return length_bytes(header.size()) + header + data; }

class StringFile final : public OutputFile {
 public:
  void write(std::string_view b) override { bytes += b; }
  void sync() override {}
  void close() override {}
  std::string bytes;
};

std::string written(const TensorMap& tensors, const std::map<std::string, std::string>& metadata) {
  StringFile f;
  write_safetensors(f, tensors, metadata);
  EXPECT_EQ(f.bytes.size(), safetensors_size(tensors, metadata));
  return f.bytes;
}

TEST(Safetensors, SaysWhatTheOfficialReaderSays) {
  TempFolder t;
  const Json cases = read_json(kGolden / "read.json");
  ASSERT_GE(cases.size(), 60u);
  for (const Json& c : cases) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    put(t / "f", unhex(c.at("bytes").get<std::string>()));
    const std::string rule = c.at("rule").get<std::string>();
    const std::string id = error_id([&] { SafetensorsFile f(t / "f"); });
    if (c.at("ours") == "accepts") {
      EXPECT_EQ(id, "");
    } else if (c.at("name") == "two different entries of one name") {
      EXPECT_EQ(id, "safetensors.duplicate");  // found while parsing, before any offset is looked at
    } else {
      EXPECT_EQ(id, "safetensors." + rule);
    }
  }
}

TEST(Safetensors, ReadsWhatTheOfficialWriterWrites) {
  TempFolder t;
  for (const Json& c : read_json(kGolden / "written.json")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    put(t / "f", unhex(c.at("bytes").get<std::string>()));
    const SafetensorsFile f(t / "f");
    EXPECT_EQ(f.entries().size(), c.at("tensors").size());
    for (const Json& tensor : c.at("tensors")) {
      const TensorEntry* e = f.find(tensor.at("name").get<std::string>());
      ASSERT_NE(e, nullptr);
      EXPECT_EQ(e->dtype, tensor.at("dtype").get<std::string>());
      EXPECT_EQ(e->shape, tensor.at("shape").get<Shape>());
      const std::string data = unhex(tensor.at("data").get<std::string>());
      if (e->dtype.starts_with("F8")) {
        EXPECT_EQ(error_id([&] { f.read(e->name); }), "safetensors.dtype");
        EXPECT_EQ(error_id([&] { f.read_f32(e->name); }), "safetensors.dtype");
        continue;
      }
      const Tensor read = f.read(e->name);
      ASSERT_EQ(static_cast<size_t>(read.bytes()), data.size());
      EXPECT_EQ(std::memcmp(read.data(), data.data(), data.size()), 0);
    }
  }
}

TEST(Safetensors, WritesTheBytesOfTheOfficialWriter) {
  int compared = 0;
  for (const Json& c : read_json(kGolden / "written.json")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    TensorMap tensors;
    bool all = true;
    for (const Json& tensor : c.at("tensors")) {
      const auto type = dtype_named(tensor.at("dtype").get<std::string>());
      if (!type) {
        all = false;
        continue;
      }
      Tensor x(tensor.at("shape").get<Shape>(), *type);
      const std::string data = unhex(tensor.at("data").get<std::string>());
      std::memcpy(x.data(), data.data(), data.size());
      tensors[tensor.at("name").get<std::string>()] = x;
    }
    std::map<std::string, std::string> metadata;
    if (!c.at("metadata").is_null()) {
      for (const auto& [k, v] : c.at("metadata").items()) metadata[k] = v.get<std::string>();
    }
    const std::string bytes = written(tensors, metadata), official = unhex(c.at("bytes").get<std::string>());
    if (all) {
      EXPECT_EQ(bytes, official);
      ++compared;
      continue;
    }
    size_t last = 0;  // types we do not hold: the others must come in the official order
    const Json ours = parse_json(bytes.substr(8, bytes.find("}}", 8) - 6), "ours");
    for (const auto& [key, value] : ours.items()) {
      const size_t at = official.find("\"" + key + "\":{");
      EXPECT_NE(at, std::string::npos);
      EXPECT_GE(at, last) << key;
      last = at;
    }
  }
  EXPECT_GE(compared, 15);
}

TEST(Safetensors, RowsWithAPitchAreWrittenWhole) {
  TempFolder t;
  Tensor wide({2, 4}, DType::kF32);
  for (int i = 0; i < 8; ++i) wide.f32()[i] = static_cast<float>(i);
  const TensorMap tensors{{"left", wide.columns(0, 2)}, {"right", wide.columns(2, 2)}};
  put(t / "f", written(tensors, {}));
  const SafetensorsFile f(t / "f");
  EXPECT_EQ(f.read("right").f32()[2], 6.f);
  EXPECT_EQ(f.read("left").f32()[3], 5.f);
  EXPECT_EQ(f.read_all().size(), 2u);
  EXPECT_EQ(error_id([&] { f.read("middle"); }), "safetensors.tensor");
}

TEST(Safetensors, ConvertsToFloat) {
  TempFolder t;
  const std::string half("\x00\x3c\x00\xc0\xff\x7b\x01\x00\x00\x7c", 10);  // 1, -2, 65504, 2^-24, inf
  const std::string brain("\x80\x3f\x00\xc0", 4);                          // 1, -2
  const double wide[] = {0.1, -1e300};
  const int64_t whole[] = {-3, int64_t{1} << 24};
  std::string data("\1", 1);  // everything behind one byte: nothing is aligned
  data += half + brain + std::string(reinterpret_cast<const char*>(wide), 16) + std::string(reinterpret_cast<const char*>(whole), 16);
  put(t / "f",
      file_of(R"({"a":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]},"h":{"dtype":"F16","shape":[5],"data_offsets":[1,11]},)"
              R"("b":{"dtype":"BF16","shape":[2,1],"data_offsets":[11,15]},"d":{"dtype":"F64","shape":[2],"data_offsets":[15,31]},)"
              R"("i":{"dtype":"I64","shape":[2],"data_offsets":[31,47]}})",
              data));
  const SafetensorsFile f(t / "f");
  const auto values = [&](const char* name) {
    const Tensor x = f.read_f32(name);
    return std::vector<float>(x.span().begin(), x.span().end());
  };
  EXPECT_EQ(values("a"), (std::vector<float>{1}));
  EXPECT_EQ(values("h"), (std::vector<float>{1, -2, 65504, 0x1p-24f, INFINITY}));
  EXPECT_EQ(values("b"), (std::vector<float>{1, -2}));
  EXPECT_EQ(values("d"), (std::vector<float>{0.1f, -INFINITY}));
  EXPECT_EQ(values("i"), (std::vector<float>{-3, 16777216}));
}

TEST(Safetensors, WhatIsNoFile) {
  TempFolder t;
  EXPECT_EQ(error_id([&] { SafetensorsFile f(t / "none"); }), "file.missing");
  EXPECT_EQ(error_id([&] { SafetensorsFile f(t.path()); }), "file.folder");
  EXPECT_EQ(error_id([&] { SafetensorsFile f("/dev/zero"); }), "file.special");
}

TEST(Safetensors, ErrorsNameTheTensorThePlaceAndTheRule) {
  TempFolder t;
  put(t / "f", file_of(R"({"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,20]}})", std::string(20, 'x')));
  const Error e = error_of([&] { SafetensorsFile f(t / "f"); });
  EXPECT_EQ(e.code(), ErrorCode::kInput);
  EXPECT_EQ(e.info().where, (t / "f").string() + ", tensor \"w\"");
  EXPECT_EQ(e.info().expected, "24 bytes");
  EXPECT_EQ(e.info().got, "20 bytes");
  put(t / "f", file_of(R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", "1234567"));
  EXPECT_NE(std::string(error_of([&] { SafetensorsFile f(t / "f"); }).what()).find("the file is incomplete"), std::string::npos);
}

// F6, F7: every numeric field with every extreme ends at once, and nothing is allocated.
TEST(Safetensors, ExtremeNumbersInEveryField) {
  TempFolder t;
  const char* const extremes[] = {"-1",
                                  "0",
                                  "1",
                                  "2147483647",
                                  "2147483648",
                                  "2147483649",
                                  "4294967295",
                                  "4294967296",
                                  "4294967297",
                                  "9007199254740993",
                                  "9223372036854775807",
                                  "9223372036854775808",
                                  "9223372036854775809",
                                  "18446744073709551615",
                                  "18446744073709551616",
                                  "1e308",
                                  "1e999",
                                  "0.5",
                                  "1.0",
                                  "-0",
                                  "NaN",
                                  "null",
                                  "\"1\"",
                                  "true",
                                  "[]"};
  const int64_t before = Allocator::global().ledger().total_now;
  int accepted = 0;
  for (const char* x : extremes) {
    for (int field = 0; field < 5; ++field) {
      const auto at = [&](int i, const char* usual) { return std::string(i == field ? x : usual); };
      const std::string header = R"({"a":{"dtype":"F32","shape":[)" + at(0, "1") + "," + at(1, "1") + R"(],"data_offsets":[)" + at(2, "0") +
                                 "," + at(3, "4") + "]" + (field == 4 ? std::string(",\"") + "more\":" + x : "") + "}}";
      put(t / "f", file_of(header, "1234"));
      const auto begin = std::chrono::steady_clock::now();
      const std::string id = error_id([&] { SafetensorsFile f(t / "f"); });
      EXPECT_LT(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(), 0.1);
      EXPECT_TRUE(id == "" || id.starts_with("safetensors.R")) << id;
      accepted += id.empty();
    }
  }
  EXPECT_EQ(accepted, 2 + 1 + 0 + 23);  // the usual value in its place (shape twice, begin), and what an unknown field may hold
  for (const char* shape : {"[2147483648,2147483648]", "[2147483648]", "[2147483648,2147483648,2147483648]", "[9223372036854775807]",
                            "[0,9223372036854775807,2147483648]"}) {
    put(t / "f", file_of(std::string(R"({"a":{"dtype":"F32","shape":)") + shape + R"(,"data_offsets":[0,4]}})", "1234"));
    EXPECT_TRUE(error_id([&] { SafetensorsFile f(t / "f"); }).starts_with("safetensors.R")) << shape;
  }
  EXPECT_EQ(Allocator::global().ledger().total_now, before);
}

TEST(Safetensors, EveryTruncationAndEveryByteEndsInAValueOrAnError) {
  TempFolder t;
  TensorMap tensors{{"a", Tensor::of({2, 2}, std::vector<float>{1, 2, 3, 4})}, {"b", Tensor::of({}, std::vector<float>{5})}};
  const std::string good = written(tensors, {{"format", "pt"}});
  for (size_t n = 0; n < good.size(); ++n) {
    put(t / "f", good.substr(0, n));
    EXPECT_TRUE(error_id([&] { SafetensorsFile f(t / "f"); }).starts_with("safetensors.R")) << n;
  }
  for (size_t at = 0; at < good.size(); ++at) {
    for (const int x : {0x00, 0x01, 0x20, 0x80, 0xff}) {
      std::string bad = good;
      bad[at] = static_cast<char>(x == 1 ? bad[at] ^ 1 : x);
      put(t / "f", bad);
      error_id([&] { SafetensorsFile(t / "f").read_all(); });
    }
  }
}

TEST(Safetensors, AnEmptyShapeOfLargeDimensionsIsLegal) {
  TempFolder t;
  put(t / "f", file_of(R"({"a":{"dtype":"F32","shape":[9223372036854775807,0],"data_offsets":[0,0]}})"));
  EXPECT_EQ(SafetensorsFile(t / "f").read_f32("a").size(), 0);
}

TEST(Safetensors, ReadsBeyondFourGigabytes) {
  TempFolder t;
  constexpr uint64_t kFirst = uint64_t{5} << 30;
  const std::string header =
      R"({"big":{"dtype":"U8","shape":[5368709120],"data_offsets":[0,5368709120]},"last":{"dtype":"F32","shape":[1],"data_offsets":[5368709120,5368709124]}})";
  put(t / "f", file_of(header));
  fs::resize_file(t / "f", 8 + header.size() + kFirst);  // a hole: takes no space
  {
    const auto f = file_system().append(t / "f");
    const float value = 7;
    f->write({reinterpret_cast<const char*>(&value), 4});
  }
  const SafetensorsFile f(t / "f");
  EXPECT_EQ(f.find("big")->end, kFirst);
  EXPECT_EQ(f.read_f32("last").f32()[0], 7.f);
}

TEST(Safetensors, ReadsAModelFast) {
  const char* dir = std::getenv("ATTUNE_MODEL_DIR");
  const fs::path path = fs::path(dir ? dir : ATTUNE_SOURCE_DIR "/models/all-MiniLM-L6-v2") / "model.safetensors";
  if (!file_exists(path)) GTEST_SKIP() << path << " is absent";
  double best = 1e9;
  uint64_t bytes = 0;
  for (int i = 0; i < 3; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    const SafetensorsFile f(path);
    bytes = 0;
    for (const TensorEntry& e : f.entries()) bytes += static_cast<uint64_t>(f.read_f32(e.name).bytes());
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  RecordProperty("milliseconds", static_cast<int>(best * 1000));
  EXPECT_GT(static_cast<double>(bytes) / best, 0.2e9) << "bytes a second";
}

}  // namespace
}  // namespace attune
