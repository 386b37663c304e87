// Model folders: single and sharded weights, and indexes that lie (docs/formats.md, section 3; reliability F8).
#include <cstring>

#include "base/json.h"
#include "base/temp_folder.h"
#include "io/model_folder.h"
#include "io/weights.h"

namespace attune {
namespace {

using testing::error_id;
using testing::error_of;
using testing::put;
using testing::TempFolder;

Tensor ramp(Shape shape, float first) {
  Tensor t(std::move(shape), DType::kF32);
  for (int64_t i = 0; i < t.size(); ++i) t.f32()[i] = first + static_cast<float>(i);
  return t;
}

TensorMap small() { return {{"a.weight", ramp({2, 3}, 0)}, {"b.weight", ramp({4}, 10)}, {"c.weight", ramp({1}, 20)}}; }

void save(const fs::path& target, const TensorMap& tensors, uint64_t limit) {
  FolderCommit c(target, true);
  write_model_weights(c, tensors, limit);
  c.commit();
}

TEST(WriteModelWeights, SplitsAsHuggingFaceDoes) {
  TempFolder t;
  save(t / "one", small(), 44);
  EXPECT_EQ(list_folder(t / "one"), (std::vector<std::string>{"manifest.json", "model.safetensors"}));
  save(t / "two", small(), 43);
  EXPECT_EQ(list_folder(t / "two"), (std::vector<std::string>{"manifest.json", "model-00001-of-00002.safetensors",
                                                              "model-00002-of-00002.safetensors", "model.safetensors.index.json"}));
  EXPECT_EQ(read_file(t / "two" / "model.safetensors.index.json"), R"({
  "metadata": {
    "total_parameters": 11,
    "total_size": 44
  },
  "weight_map": {
    "a.weight": "model-00001-of-00002.safetensors",
    "b.weight": "model-00001-of-00002.safetensors",
    "c.weight": "model-00002-of-00002.safetensors"
  }
}
)");
  save(t / "three", small(), 1);
  EXPECT_EQ(list_folder(t / "three").size(), 5u);
  save(t / "none", {}, 10);
  EXPECT_EQ(WeightFiles(t / "none").names().size(), 0u);
}

TEST(WeightFiles, TheSameTensorsFromAnyLayout) {
  TempFolder t;
  std::string fingerprint;
  for (const uint64_t limit : {1000u, 43u, 1u}) {
    const fs::path folder = t / std::to_string(limit);
    save(folder, small(), limit);
    const WeightFiles w(folder);
    EXPECT_EQ(w.names(), (std::vector<std::string>{"a.weight", "b.weight", "c.weight"}));
    EXPECT_TRUE(w.contains("b.weight"));
    EXPECT_FALSE(w.contains("d.weight"));
    EXPECT_EQ(w.entry("a.weight").shape, (Shape{2, 3}));
    EXPECT_EQ(w.read_f32("b.weight").f32()[3], 13.f);
    EXPECT_EQ(error_id([&] { w.entry("d.weight"); }), "weights.tensor");
    EXPECT_EQ(error_id([&] { w.read_f32("d.weight"); }), "weights.tensor");
    if (fingerprint.empty()) fingerprint = w.fingerprint();
    EXPECT_EQ(w.fingerprint(), fingerprint);
    EXPECT_EQ(w.fingerprint().size(), 64u);
  }
  std::set<std::string> all{fingerprint};
  TensorMap other = small();
  other["a.weight"].f32()[5] += 1;
  save(t / "value", other, 1000);
  all.insert(WeightFiles(t / "value").fingerprint());
  other = small();
  other["a.weight"] = other["a.weight"].reshaped({3, 2});
  save(t / "shape", other, 1000);
  all.insert(WeightFiles(t / "shape").fingerprint());
  other = small();
  other["A.weight"] = other["a.weight"];
  other.erase("a.weight");
  save(t / "name", other, 1000);
  all.insert(WeightFiles(t / "name").fingerprint());
  EXPECT_EQ(all.size(), 4u);
}

TEST(WeightFiles, ShardsOfTheOfficialWriter) {
  const fs::path golden = fs::path(ATTUNE_SOURCE_DIR) / "tests/golden/models/bert";
  const WeightFiles single(golden), sharded(golden / "variants/sharded");
  EXPECT_GT(sharded.files().size(), 1u);
  EXPECT_EQ(single.names(), sharded.names());
  EXPECT_EQ(single.fingerprint(), sharded.fingerprint());
}

TEST(WeightFiles, NoWeights) {
  TempFolder t;
  EXPECT_EQ(error_id([&] { WeightFiles w(t.path()); }), "weights.missing");
  EXPECT_EQ(error_id([&] { WeightFiles w(t / "nowhere"); }), "file.missing");
  put(t / "model.fp16.safetensors", "");
  EXPECT_NE(std::string(error_of([&] { WeightFiles w(t.path()); }).what()).find("model.fp16.safetensors"), std::string::npos);
  put(t / "pytorch_model.bin", "");
  const Error e = error_of([&] { WeightFiles w(t.path()); });
  EXPECT_EQ(e.info().id, "weights.pickle");
  EXPECT_NE(e.info().hint.find("save_pretrained"), std::string::npos);
}

class Index : public ::testing::Test {
 protected:
  void SetUp() override { save(folder(), small(), 1); }
  fs::path folder() const { return t_ / "m"; }
  fs::path shard(int i) const { return folder() / ("model-0000" + std::to_string(i) + "-of-00003.safetensors"); }
  std::string with_index(const std::string& text) {
    put(folder() / "model.safetensors.index.json", text);
    return error_id([&] { WeightFiles w(folder()); });
  }
  std::string with_map(const std::string& map) { return with_index("{\"weight_map\":{" + map + "}}"); }
  static std::string all() {
    return R"("a.weight":"model-00001-of-00003.safetensors","b.weight":"model-00002-of-00003.safetensors","c.weight":"model-00003-of-00003.safetensors")";
  }
  TempFolder t_;
};

TEST_F(Index, Accepted) {
  EXPECT_EQ(with_map(all()), "");
  EXPECT_EQ(with_index("{\"metadata\":{},\"weight_map\":{" + all() + "}}"), "");
  EXPECT_EQ(with_index("{\"metadata\":null,\"other\":[1],\"weight_map\":{" + all() + "}}"), "");
  EXPECT_EQ(with_index("{\"metadata\":{\"total_size\":\"much\"},\"weight_map\":{" + all() + "}}"), "");
}

TEST_F(Index, Refused) {
  struct {
    std::string text, id;
  } const cases[] = {{"", "json.syntax"},
                     {"x", "json.syntax"},
                     {"{}x", "json.trailing"},
                     {"\xff", "json.utf8"},
                     {std::string(100, '['), "json.depth"},
                     {"[]", "index.content"},
                     {"null", "index.content"},
                     {"1", "index.content"},
                     {"{}", "index.content"},
                     {"{\"weight_map\":null}", "index.content"},
                     {"{\"weight_map\":[]}", "index.content"},
                     {"{\"weight_map\":\"x\"}", "index.content"},
                     {"{\"weight_map\":{}}", "index.content"},
                     {"{\"weight_map\":{\"a.weight\":1}}", "index.content"},
                     {"{\"weight_map\":{\"a.weight\":null}}", "index.content"},
                     {"{\"weight_map\":{\"a.weight\":[\"x\"]}}", "index.content"},
                     {"{\"weight_map\":{\"a.weight\":{}}}", "index.content"},
                     {"{\"weight_map\":{" + all() + "},\"weight_map\":{}}", "json.duplicate_key"},
                     {"{\"weight_map\":{" + all() + ",\"a.weight\":\"x\"}}", "json.duplicate_key"}};
  for (const auto& c : cases) EXPECT_EQ(with_index(c.text), c.id) << c.text;
  for (const char* name : {"", ".", "..", "../m/model-00001-of-00003.safetensors", "/etc/passwd", "sub/model.safetensors", "..\\\\x", "C:x",
                           "a\\u0000", "a\\nb", "nul", "%2e%2e%2fx", "a\\u2215b"})
    EXPECT_EQ(with_map(std::string("\"a.weight\":\"") + name + "\""), "name.unsafe") << name;
  EXPECT_EQ(with_map(std::string("\"a.weight\":\"") + std::string(256, 'x') + "\""), "name.unsafe");
  EXPECT_EQ(error_of([&] { WeightFiles w(folder()); }).info().where, (folder() / "model.safetensors.index.json").string());
  EXPECT_EQ(with_map(all() + R"(,"d.weight":"model-00001-of-00003.safetensors")"), "index.tensor_missing");
  EXPECT_EQ(with_map(all() + R"(,"d.weight":"absent.safetensors")"), "index.shard_missing");
  EXPECT_EQ(with_map(R"("a.weight":"model-00002-of-00003.safetensors","b.weight":"model-00002-of-00003.safetensors")"),
            "index.tensor_missing");
  EXPECT_EQ(with_map(all() + R"(,"e":"manifest.json")"), "safetensors.R2");
}

TEST_F(Index, ShardsThatDoNotMatch) {
  TensorMap two = small();
  two.erase("c.weight");
  fs::remove(shard(1));
  write_file_atomically(shard(1), [&](OutputFile& f) { write_safetensors(f, two); });
  EXPECT_EQ(with_map(all()), "index.duplicate");
  two = {{"a.weight", ramp({1}, 0)}, {"x.weight", ramp({1}, 0)}};
  write_file_atomically(shard(1), [&](OutputFile& f) { write_safetensors(f, two); });
  EXPECT_EQ(with_map(all()), "index.unmapped");
}

TEST_F(Index, EveryProblemIsListedAtOnce) {
  put(folder() / "model.safetensors.index.json",
      "{\"weight_map\":{" + all() + R"(,"x":"gone.safetensors","y":"model-00001-of-00003.safetensors"}})");
  const std::string text = error_of([&] { WeightFiles w(folder()); }).what();
  EXPECT_NE(text.find("2 problems"), std::string::npos) << text;
  EXPECT_NE(text.find("gone.safetensors is missing"), std::string::npos) << text;
  EXPECT_NE(text.find("tensor \"y\" is not in model-00001"), std::string::npos) << text;
}

TEST_F(Index, ATruncatedShardIsFoundBeforeTheFirstWeightIsUsed) {
  for (int i = 1; i <= 3; ++i) {
    const std::string good = read_file(shard(i));
    for (size_t k = 0; k < 50; ++k) {
      put(shard(i), good.substr(0, good.size() * k / 50));
      EXPECT_TRUE(error_id([&] { WeightFiles w(folder()); }).starts_with("safetensors.R")) << i << " " << k;
    }
    put(shard(i), good.substr(0, good.size() - 1));
    EXPECT_EQ(error_id([&] { WeightFiles w(folder()); }), "safetensors.R12");
    put(shard(i), good + "x");
    EXPECT_EQ(error_id([&] { WeightFiles w(folder()); }), "safetensors.R12");
    put(shard(i), good);
  }
  EXPECT_EQ(error_id([&] { WeightFiles w(folder()); }), "");
}

TEST(ModelFile, LinksStayInside) {
  TempFolder t;
  put(t / "outside", "x");
  put(t / "m" / "inside", "x");
  fs::create_symlink("inside", t / "m" / "good");
  fs::create_symlink("../outside", t / "m" / "escape");
  fs::create_symlink(t / "outside", t / "m" / "absolute");
  fs::create_symlink("escape", t / "m" / "hop");
  fs::create_symlink("loop", t / "m" / "loop");
  fs::create_symlink("none", t / "m" / "dangling");
  fs::create_directory_symlink(t / "m", t / "alias");
  const fs::path m = t / "m";
  EXPECT_EQ(model_file(m, "inside"), m / "inside");
  EXPECT_EQ(error_id([&] { model_file(m, "good"); }), "");
  EXPECT_EQ(error_id([&] { model_file(t / "alias", "good"); }), "");
  EXPECT_EQ(error_id([&] { model_file(m, "absent"); }), "");
  for (const char* name : {"escape", "absolute", "hop"}) EXPECT_EQ(error_id([&] { model_file(m, name); }), "link.outside") << name;
  for (const char* name : {"loop", "dangling"}) EXPECT_EQ(error_id([&] { model_file(m, name); }), "link.broken") << name;
  for (const char* name : {"../outside", "/etc/passwd", ""}) EXPECT_EQ(error_id([&] { model_file(m, name); }), "name.unsafe") << name;
  fs::create_symlink(t / "outside", t / "m" / "model.safetensors");
  EXPECT_EQ(error_id([&] { WeightFiles w(m); }), "link.outside");
}

TEST(RequireFinite, FindsEveryPlaceInEveryType) {
  for (const int64_t n : {1, 7, 1023, 1024, 1025, 5000}) {
    Tensor t = ramp({n}, -1e38f);
    EXPECT_EQ(error_id([&] { require_finite({{"t", t}}, "f"); }), "");
    for (const int64_t at : {int64_t{0}, n / 2, n - 1}) {
      for (const float bad : {NAN, INFINITY, -INFINITY}) {
        Tensor x = t.clone();
        x.f32()[at] = bad;
        const Error e = error_of([&] { require_finite({{"a", t}, {"layer.weight", x}}, "model.safetensors"); });
        EXPECT_EQ(e.info().id, "checkpoint.nonfinite");
        EXPECT_EQ(e.code(), ErrorCode::kNumerical);
        EXPECT_NE(std::string(e.what()).find("'layer.weight'"), std::string::npos);
      }
    }
  }
  const auto raw = [](DType type, std::vector<uint8_t> bytes) {
    Tensor t({static_cast<int64_t>(bytes.size()) / size_of(type)}, type);
    if (!bytes.empty()) std::memcpy(t.data(), bytes.data(), bytes.size());
    return error_id([&] { require_finite({{"t", t}}, "f"); });
  };
  EXPECT_EQ(raw(DType::kF16, {0xff, 0x7b}), "");
  EXPECT_EQ(raw(DType::kF16, {0x00, 0xfc}), "checkpoint.nonfinite");
  EXPECT_EQ(raw(DType::kBF16, {0x7f, 0x7f}), "");
  EXPECT_EQ(raw(DType::kBF16, {0xc0, 0x7f}), "checkpoint.nonfinite");
  EXPECT_EQ(raw(DType::kF64, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xef, 0x7f}), "");
  EXPECT_EQ(raw(DType::kF64, {0, 0, 0, 0, 0, 0, 0xf0, 0x7f}), "checkpoint.nonfinite");
  EXPECT_EQ(raw(DType::kI32, {0xff, 0xff, 0xff, 0x7f}), "");
  EXPECT_EQ(raw(DType::kF32, {}), "");
}

}  // namespace
}  // namespace attune
