// attune convert: the tiny GGUF file of tests/golden/gguf, files that are refused, and the real SmolLM2 where it is.
#include "app/convert.h"

#include <gmock/gmock.h>
#include <zlib.h>

#include <functional>

#include "app/gguf_llama.h"
#include "base/temp_folder.h"
#include "io/safetensors.h"
#include "text/tokenizer.h"

namespace attune {
namespace {

using ::testing::HasSubstr;
using testing::error_of;
using testing::put;
using testing::TempFolder;

const fs::path kGolden = fs::path(ATTUNE_SOURCE_DIR) / "tests/golden/gguf";

ConvertResult convert(const fs::path& file, const fs::path& to, const std::string& dtype = "float32") {
  ConvertOptions o;
  o.input = file.string();
  o.output_dir = to.string();
  o.dtype = dtype;
  return convert_gguf(o);
}

TEST(Convert, WritesTheTensorsUnderHuggingFacesNamesAndInItsOrder) {
  TempFolder t;
  const ConvertResult r = convert(kGolden / "tiny.gguf", t / "m");
  EXPECT_EQ(r.architecture, "llama");
  EXPECT_EQ(r.name, "tiny");
  EXPECT_EQ(r.vocabulary, 300);
  EXPECT_EQ(r.types, "7 F32, 2 F16, 2 Q4_0, 2 Q4_1, 2 Q8_0, 1 BF16, 1 Q4_K, 1 Q5_0, 1 Q5_1, 1 Q6_K");
  const SafetensorsFile file(t / "m/model.safetensors");
  const Json expected = read_json(kGolden / "tiny.json");
  ASSERT_EQ(file.entries().size(), expected.size());
  for (const auto& [name, e] : expected.get_ref<const Json::object_t&>()) {
    ASSERT_NE(file.find(name), nullptr) << name;
    EXPECT_EQ(file.find(name)->dtype, "F32");
    EXPECT_EQ(file.find(name)->shape, e["shape"].get<Shape>()) << name;
    const Tensor x = file.read(name);
    EXPECT_EQ(crc32(0, static_cast<const Bytef*>(x.data()), static_cast<uInt>(x.bytes())), e["crc"].get<uint64_t>()) << name;
  }
}

TEST(Convert, WritesTheConfig) {
  TempFolder t;
  convert(kGolden / "tiny.gguf", t / "m");
  const Json c = read_json(t / "m/config.json");
  const Json expected = {{"hidden_size", 32},          {"num_hidden_layers", 2},        {"num_attention_heads", 4}, {"num_key_value_heads", 2},
                         {"intermediate_size", 256},   {"max_position_embeddings", 128}, {"head_dim", 8},            {"rms_norm_eps", 1e-05},
                         {"tie_word_embeddings", true}, {"vocab_size", 300},             {"bos_token_id", 1},        {"eos_token_id", 2},
                         {"pad_token_id", 2},          {"model_type", "llama"},          {"attention_bias", false},  {"mlp_bias", false},
                         {"dtype", "float32"},         {"hidden_act", "silu"}};
  for (const auto& [key, value] : expected.get_ref<const Json::object_t&>()) EXPECT_EQ(c[key], value) << key;
  EXPECT_EQ(c["rope_parameters"]["rope_theta"], 100000.0);
  EXPECT_EQ(c["rope_parameters"]["rope_type"], "default");
  EXPECT_EQ(c["architectures"][0], "LlamaForCausalLM");
  const Json g = read_json(t / "m/generation_config.json");
  EXPECT_EQ(g["eos_token_id"], 2);
}

TEST(Convert, WritesTheTokenizer) {
  TempFolder t;
  convert(kGolden / "tiny.gguf", t / "m");
  const auto tokenizer = load_tokenizer(t / "m");
  EXPECT_EQ(tokenizer->vocab_size(), 300);
  EXPECT_EQ(tokenizer->bos_id(), 1);
  EXPECT_EQ(tokenizer->eos_id(), 2);
  EXPECT_EQ(tokenizer->pad_id(), 2);
  EXPECT_EQ(tokenizer->model_max_length(), 128);
  // As the golden tokenizer of the same shape splits: digits alone, white space before them in one piece.
  const auto tokens = [&](const std::string& text) {
    std::vector<std::string> out;
    for (const int32_t id : tokenizer->encode(text).ids) out.push_back(tokenizer->token(id));
    return out;
  };
  EXPECT_EQ(tokens("12"), (std::vector<std::string>{"1", "2"}));
  EXPECT_EQ(tokens("x<|im_end|>"), (std::vector<std::string>{"x", "<|im_end|>"}));
  EXPECT_THAT(read_file(t / "m/tokenizer_config.json"), HasSubstr("{{ messages }}"));
}

TEST(Convert, WritesHalves) {
  TempFolder t;
  convert(kGolden / "tiny.gguf", t / "m", "float16");
  EXPECT_EQ(read_json(t / "m/config.json")["dtype"], "float16");
  const SafetensorsFile half(t / "m/model.safetensors");
  convert(kGolden / "tiny.gguf", t / "f");
  const SafetensorsFile full(t / "f/model.safetensors");
  for (const TensorEntry& e : half.entries()) {
    EXPECT_EQ(e.dtype, "F16");
    const Tensor a = half.read_f32(e.name), b = full.read_f32(e.name);
    for (int64_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a.f32()[i], b.f32()[i], 1e-3f * std::abs(b.f32()[i]) + 1e-7f) << e.name;
  }
}

TEST(Convert, PutsQueryRowsBack) {
  // The examples of docs/formats.md: one head of 8, and two heads of 4.
  const auto rows = [](int64_t heads) {
    Tensor x({8, 1});
    for (int i = 0; i < 8; ++i) x.f32()[i] = static_cast<float>(i);
    const Tensor y = unpermuted(x, heads);
    return std::vector<float>(y.f32(), y.f32() + 8);
  };
  EXPECT_EQ(rows(1), (std::vector<float>{0, 2, 4, 6, 1, 3, 5, 7}));
  EXPECT_EQ(rows(2), (std::vector<float>{0, 2, 1, 3, 4, 6, 5, 7}));
}

/// tiny.gguf with `from` replaced by `to`, which is as long.
Error refused(const std::string& from, const std::string& to) {
  std::string bytes = read_file(kGolden / "tiny.gguf");
  const size_t at = bytes.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  EXPECT_EQ(from.size(), to.size());
  bytes.replace(at, to.size(), to);
  TempFolder t;
  put(t / "f.gguf", bytes);
  const Error e = error_of([&] { convert(t / "f.gguf", t / "m"); });
  EXPECT_FALSE(fs::exists(t / "m"));
  return e;
}

TEST(Convert, RefusesByName) {
  EXPECT_EQ(refused("llama", "lhama").info().id, "convert.architecture");
  const Error pre = refused("smollm", "smallm");
  EXPECT_EQ(pre.info().id, "convert.tokenizer");
  EXPECT_THAT(pre.what(), HasSubstr("smallm"));
  EXPECT_THAT(pre.what(), HasSubstr("llama-bpe"));
  const Error tensors = refused("blk.1.attn_q.weight", "blk.1.attn_x.weight");
  EXPECT_EQ(tensors.info().id, "convert.tensors");
  EXPECT_THAT(tensors.what(), HasSubstr("blk.1.attn_q.weight is missing"));
  EXPECT_THAT(tensors.what(), HasSubstr("blk.1.attn_x.weight"));
  EXPECT_EQ(refused("llama.block_count", "llama.block_caunt").info().id, "convert.config");
  EXPECT_EQ(refused("llama.embedding_length", "llama.embedding_lingth").info().id, "convert.config");
  EXPECT_EQ(refused("tokenizer.ggml.model", "tokenizer.ggml.madel").info().id, "convert.tokenizer");
  TempFolder t;
  EXPECT_EQ(error_of([&] { convert(kGolden / "tiny.gguf", t / "m", "int8"); }).info().id, "convert.dtype");
  EXPECT_EQ(error_of([&] { convert(kGolden / "tiny.json", t / "m"); }).info().id, "gguf.magic");
  EXPECT_EQ(error_of([&] { convert(t / "none.gguf", t / "m"); }).info().id, "file.missing");
}

fs::path smollm2() { return fs::path(ATTUNE_SOURCE_DIR) / "models/SmolLM2-135M-Instruct"; }

TEST(SmolLm2, IsConvertedRight) {
  if (!file_exists(smollm2() / "model.safetensors")) GTEST_SKIP() << "no " << smollm2() << "; scripts/get-smollm2 fetches it";
  const Json c = read_json(smollm2() / "config.json");
  EXPECT_EQ(c["rms_norm_eps"], 1e-05);
  EXPECT_EQ(c["num_key_value_heads"], 3);
  EXPECT_EQ(c["rope_parameters"]["rope_theta"], 100000.0);
  const SafetensorsFile f(smollm2() / "model.safetensors");
  EXPECT_EQ(f.entries().size(), 272u);
  // docs/formats.md, GGUF: the first blocks of two tensors.
  const Tensor e = f.read("model.embed_tokens.weight");
  EXPECT_EQ(e.shape(), (Shape{49152, 576}));
  EXPECT_FLOAT_EQ(e.f32()[0], -0.10654449f);
  EXPECT_FLOAT_EQ(e.f32()[3], -0.02283096f);
  const Tensor d = f.read("model.layers.0.mlp.down_proj.weight");
  EXPECT_FLOAT_EQ(d.f32()[0], -0.33081055f);
  EXPECT_FLOAT_EQ(d.f32()[17], -0.6015625f);
}

TEST(SmolLm2, TokenizesAsTheOriginal) {
  if (!file_exists(smollm2() / "tokenizer.json")) GTEST_SKIP() << "no " << smollm2() << "; scripts/get-smollm2 fetches it";
  const auto t = load_tokenizer(smollm2());
  const auto ids = [&](const std::string& text) { return t->encode(text).ids; };
  EXPECT_EQ(t->vocab_size(), 49152);
  EXPECT_EQ(t->bos_id(), 1);
  EXPECT_EQ(t->eos_id(), 2);
  EXPECT_EQ(t->pad_id(), 2);
  EXPECT_EQ(ids("The capital of France is"), (std::vector<int32_t>{504, 3575, 282, 4649, 314}));
  EXPECT_EQ(ids("\x13" "a\x04"), ids("a"));  // bytes without a token vanish
  EXPECT_EQ(ids("<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n Hi \n<|im_end|>\n<|im_start|>assistant\nHello!<|im_end|>\n"),
            (std::vector<int32_t>{1, 9690, 198, 6077, 5453, 30, 2, 198, 1, 4093, 198, 21041, 3717, 2, 198, 1, 520, 9531, 198, 19556, 17, 2, 198}));
  const auto pieces = [&](const std::string& text) {
    std::vector<std::string> out;
    const Encoding e = t->encode(text);
    for (size_t i = 0; i < e.ids.size(); ++i)
      if (i == 0 || e.word_ids[i] != e.word_ids[i - 1]) out.push_back(text.substr(static_cast<size_t>(e.offsets[i].first), static_cast<size_t>(e.offsets[i].second - e.offsets[i].first)));
    return out;
  };
  EXPECT_EQ(pieces("a  12"), (std::vector<std::string>{"a", "  ", "1", "2"}));
  EXPECT_EQ(pieces(" 12345,"), (std::vector<std::string>{" ", "1", "2", "3", "4", "5", ","}));
  EXPECT_EQ(t->decode({504, 3575, 282, 4649, 314, 7042, 30, 2}, false), "The capital of France is Paris.<|im_end|>");
}

}  // namespace
}  // namespace attune
