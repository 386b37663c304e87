// attune quantize and what reads its folders: what is printed, what is refused, and that answers stay.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>

#include "program.h"

namespace attune::e2e {
namespace {

using nlohmann::json;
using testing::HasSubstr;

std::string quantized_model(const std::string& name) {
  return (fs::path(ATTUNE_SOURCE_DIR) / "tests/golden/quantized_models" / name).string();
}

std::vector<json> lines(const std::string& text) {
  std::vector<json> all;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) all.push_back(json::parse(line));
  return all;
}

TEST(Quantize, SaysWhatItMadeAndWhatThatChanged) {
  Folder f;
  f.write("test.csv", review_csv(15));
  Outcome r = f.run({"quantize", golden_model("bert"), "--output", "q", "--double-quant", "--verify", "test.csv"});
  ASSERT_EQ(r.status, 0) << r.err;
  for (const char* text : {"nf4 (QLoRA), double quantisation", "flipped labels", "15 rows of test.csv", "before", "after"})
    EXPECT_THAT(r.out, HasSubstr(text));
  for (const char* name : {"config.json", "model.safetensors", "tokenizer.json", "manifest.json"}) EXPECT_TRUE(f.has(std::string("q/") + name));
  json config = json::parse(f.read("q/config.json"));
  EXPECT_EQ(config["quantization_config"]["quant_method"], "bitsandbytes");
  EXPECT_TRUE(config["quantization_config"]["load_in_4bit"].get<bool>());

  Outcome int8 = f.run({"quantize", golden_model("bert"), "--output", "q8", "--type", "int8", "--json"});
  ASSERT_EQ(int8.status, 0) << int8.err;
  json o = json::parse(int8.out);
  EXPECT_EQ(o["type"], "int8");
  for (const char* key : {"max_logit_difference", "mean_logit_difference", "flipped_labels", "bytes_before", "bytes_after", "weight_error"})
    EXPECT_TRUE(o.contains(key)) << key;
  EXPECT_EQ(f.run({"quantize", golden_model("bert"), "--output", "x", "--type", "int8", "--double-quant"}).status, 2);
  EXPECT_EQ(f.run({"quantize", golden_model("bert"), "--output", "q"}).status, 7);
}

TEST(Quantize, PredictAndEvaluateReadTheFolder) {
  Folder f;
  f.write("test.csv", review_csv(15));
  ASSERT_EQ(f.run({"quantize", golden_model("bert"), "--output", "q"}).status, 0);
  for (const char* compute : {"auto", "f32", "int8"}) {
    Outcome r = f.run({"evaluate", "q", "--data", "test.csv", "--compute", compute, "--json"});
    ASSERT_EQ(r.status, 0) << r.err;
    json o = json::parse(r.out);
    EXPECT_EQ(o["base_storage"], "nf4");
    if (std::string(compute) != "auto") {
      EXPECT_EQ(o["compute"], compute);
    }
  }
  Outcome r = f.run({"predict", quantized_model("bert_int8"), "--text", "the film was great", "--json"});
  EXPECT_EQ(r.status, 0) << r.err;
}

TEST(Quantize, TrainShowsSpeedMemoryAndAccuracyBesideEachOther) {
  Folder f;
  f.write("train.csv", review_csv(60));
  f.write("validation.csv", review_csv(15, 60));
  std::vector<std::string> args{"train", "--model", golden_model("bert"), "--train-file", "train.csv", "--validation-file", "validation.csv", "--method",
                                "lora", "--target-modules", "query,value", "--max-length", "32", "--epochs", "1", "--output-dir", "lora"};
  Outcome lora = f.run(args);
  ASSERT_EQ(lora.status, 0) << lora.err;
  args.back() = "qlora";
  args.insert(args.end(), {"--quantization", "nf4"});  // one line more
  Outcome qlora = f.run(args);
  ASSERT_EQ(qlora.status, 0) << qlora.err;
  for (const char* text : {"base", "tokens/s", "memory peak", "eval_accuracy"}) {
    EXPECT_THAT(lora.out, HasSubstr(text));
    EXPECT_THAT(qlora.out, HasSubstr(text));
  }
  EXPECT_THAT(qlora.out, HasSubstr("nf4 (QLoRA)"));
  EXPECT_THAT(qlora.out, HasSubstr("on the f32 base"));
  EXPECT_THAT(f.read("qlora/README.md"), HasSubstr("nf4 (QLoRA)"));
  Outcome merged = f.run({"merge", "qlora", "--output", "merged", "--onto", "dequantized", "--json"});
  ASSERT_EQ(merged.status, 0) << merged.err;
  EXPECT_EQ(json::parse(merged.out)["merged_onto"], "dequantized nf4");
  EXPECT_THAT(merged.err, HasSubstr("--onto original"));
  EXPECT_EQ(json::parse(f.read("merged/attune.json"))["merged_onto"], "dequantized nf4");
  EXPECT_EQ(f.run({"merge", "lora", "--output", "m", "--onto", "dequantized"}).status, 2);
}

struct Damage {
  const char* name;
  const char* model;
  std::vector<std::string> says;
  std::function<std::string(std::string)> change;  ///< of model.safetensors
};
void PrintTo(const Damage& d, std::ostream* out) { *out << d.name; }

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  EXPECT_EQ(from.size(), to.size());
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

class DamagedFolders : public testing::TestWithParam<Damage> {};

TEST_P(DamagedFolders, EndInOneError) {
  const Damage& d = GetParam();
  Folder f;
  fs::copy(quantized_model(d.model), f.path("m"));
  f.write("m/model.safetensors", d.change(f.read("m/model.safetensors")));
  Outcome r = f.run({"predict", "m", "--text", "the film was great"});
  EXPECT_EQ(r.status, 3) << r.out << r.err;
  for (const auto& text : d.says) EXPECT_THAT(r.err, HasSubstr(text));
  EXPECT_THAT(r.err, testing::Not(HasSubstr("internal:")));
}

const std::vector<Damage> kDamages = {
    {"Truncated", "bert_nf4", {"model.safetensors"}, [](std::string b) { return b.substr(0, b.size() - 100); }},
    {"StateThatIsNoJson", "bert_nf4", {"quant_state"}, [](std::string b) { return replaced(std::move(b), "{\"quant_type\"", "[\"quant_type\""); }},
    {"AnotherBlockSize", "bert_nf4", {"blocksize", "64"}, [](std::string b) { return replaced(std::move(b), "\"blocksize\": 64", "\"blocksize\": 65"); }},
    {"AnotherShape", "bert_nf4", {"[30, 30]", "[30, 31]"}, [](std::string b) { return replaced(std::move(b), "\"shape\": [30, 30]", "\"shape\": [30, 31]"); }},
    {"ANegativeShape", "bert_nf4", {"shape"}, [](std::string b) { return replaced(std::move(b), "\"shape\": [30, 30]", "\"shape\": [30, -1]"); }},
    {"AHugeShape", "bert_nf4", {"shape"}, [](std::string b) { return replaced(std::move(b), "\"shape\": [30, 30]", "\"shape\": [9e9, 9]"); }},
    {"AnotherNestedType", "bert_nf4", {"nested_dtype", "float32"}, [](std::string b) { return replaced(std::move(b), "\"nested_dtype\": \"float32\"", "\"nested_dtype\": \"float16\""); }},
    {"AMissingState", "bert_nf4", {"query"}, [](std::string b) { return replaced(std::move(b), "query.weight.quant_state.bitsandbytes__nf4", "query.weight.quant_state.bitsandbytes__abc"); }},
    {"AMissingScale", "bert_int8", {"query"}, [](std::string b) { return replaced(std::move(b), "query.SCB", "query.ABC"); }},
    {"ACodeOutOfRange", "bert_int8", {"-128"},
     [](std::string b) {
       // The last type in the file's order is U8, of one byte a layer; before it come the codes.
       b[b.size() - 200] = static_cast<char>(-128);
       return b;
     }},
};
INSTANTIATE_TEST_SUITE_P(All, DamagedFolders, testing::ValuesIn(kDamages), [](const auto& d) { return std::string(d.param.name); });

TEST(Quantize, RealModelsAnswerTheSameInEightBits) {
  const fs::path base = fs::path(ATTUNE_SOURCE_DIR) / "models/all-MiniLM-L6-v2";
  if (!fs::exists(base / "model.safetensors")) GTEST_SKIP() << "scripts/get-base-model was not run";
  Folder f;
  f.write("train.csv", review_csv(90));
  Outcome trained = f.run({"train", "--model", base.string(), "--train-file", "train.csv", "--method", "lora", "--target-modules", "query,value", "--epochs",
                           "2", "--learning-rate", "2e-3", "--output-dir", "run"});
  ASSERT_EQ(trained.status, 0) << trained.err;
  ASSERT_EQ(f.run({"merge", "run", "--output", "merged"}).status, 0);
  std::string texts;
  for (const char* text : {"An excellent film: moving, funny and beautifully acted.", "The battery died after two days.", "It is fine, I suppose.",
                           "Worst meal in years!!! Cold soup, rude waiter.", "Would I buy it again? Yes, without hesitation.", "the plot was bad"})
    texts += json{{"text", text}}.dump() + "\n";
  f.write("in.jsonl", texts);
  for (const char* model : {"run", "merged"}) {
    const auto answers = [&](const char* compute) {
      Outcome r = f.run({"predict", model, "--input", "in.jsonl", "--compute", compute, "--logits"});
      EXPECT_EQ(r.status, 0) << r.err;
      return lines(r.out);
    };
    const auto f32 = answers("f32"), int8 = answers("int8");
    ASSERT_EQ(f32.size(), int8.size());
    for (size_t i = 0; i < f32.size(); ++i) EXPECT_EQ(f32[i]["label"], int8[i]["label"]) << f32[i] << int8[i];
    EXPECT_NE(f32[0]["logits"], int8[0]["logits"]);
  }
}

}  // namespace
}  // namespace attune::e2e
