// A GGUF file named as the model: held as int8 where it is stored in blocks, trained on, gone on with, generated from, merged into.
#include <gmock/gmock.h>

#include <cstring>
#include <set>

#include "app/convert.h"
#include "app/evaluate.h"
#include "app/generate.h"
#include "app/merge.h"
#include "app/stored_base.h"
#include "app/train.h"
#include "base/checked.h"
#include "base/temp_folder.h"
#include "io/safetensors.h"
#include "tensor/memory.h"

namespace attune {
namespace {

using ::testing::HasSubstr;
using testing::error_of;
using testing::put;
using testing::TempFolder;

/// Two layers with linear layers of every type (tools/make_gguf_goldens.py); most are stored in blocks, five are not.
const fs::path kTiny = fs::path(ATTUNE_SOURCE_DIR) / "tests/golden/gguf/tiny.gguf";
const std::vector<std::string> kNotInBlocks = {"layers.0.self_attn.k_proj", "layers.0.self_attn.q_proj", "layers.1.mlp.gate_proj", "layers.1.self_attn.k_proj",
                                               "layers.1.self_attn.v_proj"};

class GgufBase : public ::testing::Test {
 protected:
  GgufBase() {
    std::string text;
    for (int i = 0; i < 300; ++i) text += std::string(i % 3 == 0 ? "the film " : i % 3 == 1 ? "was not " : "12 ") + (i % 7 == 0 ? "good\n" : "");
    put(t_ / "train.txt", text);
    put(t_ / "held_out.txt", text.substr(0, 900));
  }
  std::string path(const std::string& name) const { return (t_ / name).string(); }
  void convert() const {
    ConvertOptions o;
    o.input = kTiny.string();
    o.output_dir = path("folder");
    convert_gguf(o);
  }
  RunConfig config(const std::string& model, const std::string& method, const std::string& output) const {
    RunConfig c;
    c.model = model;
    c.task = "text-generation";
    c.data.train = path("train.txt");
    c.data.validation = path("held_out.txt");
    c.data.max_length = 16;
    c.peft.method = method;
    if (method == "lora") c.peft.target_modules.names = {"q_proj", "o_proj"};
    c.training.per_device_train_batch_size = 4;
    c.training.max_steps = 6;
    c.training.learning_rate = 1e-3;
    c.training.save_strategy = Interval::kSteps;
    c.training.save_steps = 2;
    c.training.save_total_limit.reset();
    c.threads = 1;
    c.output_dir = path(output);
    return c;
  }
  static std::vector<int32_t> greedy(const std::string& model, HoldBase quantization, GenerateResult* all = nullptr) {
    GenerateOptions o;
    o.model = model;
    o.prompt = "the film";
    o.greedy = true;
    o.max_new_tokens = 12;
    o.quantization = quantization;
    o.threads = 1;
    const GenerateResult r = generate(o);
    if (all) *all = r;
    return r.samples.at(0).token_ids;
  }
  Json evaluated(const std::string& model) const {
    EvaluateOptions o;
    o.model = model;
    o.file = path("held_out.txt");
    o.threads = 1;
    return evaluate(o);
  }
  static LoadedModel opened(const QuantizationConfig& asked) {
    OpenedModel m = open_model(kTiny.string());
    const BaseStorage storage{storage_of(asked, m), 1};
    return load_language_model(std::move(m), false, storage);
  }
  TempFolder t_;
};

TEST_F(GgufBase, IsTheFolderThatConvertWrites) {
  convert();
  const GgufModel model(kTiny);
  for (const auto& [name, text] : model.texts()) EXPECT_EQ(text, read_file(t_ / "folder" / name)) << name;
  EXPECT_EQ(model.texts().size(), 4u);
  const SafetensorsFile folder(t_ / "folder/model.safetensors");
  ASSERT_EQ(model.entries().size(), folder.entries().size());
  for (const auto& e : model.entries()) {
    const Tensor a = model.read_f32(e.name), b = folder.read_f32(e.name);
    ASSERT_EQ(a.shape(), b.shape()) << e.name;
    EXPECT_EQ(std::memcmp(a.data(), b.data(), static_cast<size_t>(a.bytes())), 0) << e.name;
  }
  EXPECT_TRUE(model.in_blocks());
  EXPECT_EQ(model.layers_not_in_blocks(), kNotInBlocks);
}

TEST_F(GgufBase, LayersInBlocksAreHeldAsInt8AndNeverAllInF32) {
  Allocator& memory = Allocator::global();
  memory.reset_peaks();
  const int64_t before = memory.ledger().total_now;
  LoadedModel m = opened({});
  const int64_t took = memory.ledger().total_peak - before;
  int64_t f32 = 0;
  for (const auto& e : m.opened.gguf->entries()) f32 += static_cast<int64_t>(*checked_product(e.shape)) * 4;
  EXPECT_LT(took, f32 * 3 / 4);
  int in_few_bits = 0;
  for (const Linear* l : frozen_linears(*m.model, {})) {
    const bool plain = std::any_of(kNotInBlocks.begin(), kNotInBlocks.end(), [&](const std::string& name) { return l->path().ends_with(name); });
    EXPECT_EQ(l->weight.form(), plain ? StoredForm::kPlain : StoredForm::kInt8) << l->path();
    in_few_bits += !plain;
  }
  EXPECT_EQ(in_few_bits, 9);
  EXPECT_EQ(describe_base(m.opened, m.held), "GGUF Q6_K, held as int8");
}

TEST_F(GgufBase, WhatIsAskedGoesFirst) {
  const auto forms = [](HoldBase form) {
    std::set<StoredForm> found;
    LoadedModel m = opened(QuantizationConfig::asked(form));
    for (const Linear* l : frozen_linears(*m.model, {})) found.insert(l->weight.form());
    return found;
  };
  EXPECT_EQ(forms(HoldBase::kF32), std::set{StoredForm::kPlain});
  EXPECT_EQ(forms(HoldBase::kNf4), std::set{StoredForm::kNf4});
  EXPECT_EQ(forms(HoldBase::kInt8), std::set{StoredForm::kInt8});
}

TEST_F(GgufBase, GeneratesAsTheConvertedFolder) {
  convert();
  GenerateResult plain, held;
  const auto expected = greedy(path("folder"), HoldBase::kAuto);
  EXPECT_EQ(greedy(kTiny.string(), HoldBase::kF32, &plain), expected);
  EXPECT_EQ(plain.compute, "f32");
  EXPECT_THAT(plain.base_description, HasSubstr("held as f32"));
  EXPECT_EQ(greedy(kTiny.string(), HoldBase::kAuto, &held).size(), expected.size());
  EXPECT_THAT(held.base_description, HasSubstr("held as int8"));
  EXPECT_EQ(held.compute, cpu_kernels().int8_fast ? "int8" : "f32");
}

TEST_F(GgufBase, AnAdapterNamesTheFileAndIsUsedOnIt) {
  const TrainResult r = train(config(kTiny.string(), "lora", "run"));
  EXPECT_EQ(r.results["base_storage"], "int8");
  EXPECT_THAT(r.results["base_description"].get<std::string>(), HasSubstr("GGUF Q6_K"));
  EXPECT_EQ(read_json(t_ / "run/adapter_config.json")["base_model_name_or_path"], kTiny.string());
  const Json e = evaluated(path("run"));
  EXPECT_EQ(e["base_storage"], "int8");
  EXPECT_NEAR(e["loss"].get<double>(), r.results["eval_loss"].get<double>(), 2e-2 * e["loss"].get<double>());
  EXPECT_EQ(greedy(path("run"), HoldBase::kAuto).size(), 12u);
}

TEST_F(GgufBase, ACutRunEndsInTheSameFiles) {
  const RunConfig straight = config(kTiny.string(), "lora", "straight");
  train(straight);
  RunConfig cut = config(kTiny.string(), "lora", "cut");
  fs::create_directories(t_ / "cut");
  fs::copy(t_ / "straight/checkpoint-2", t_ / "cut/checkpoint-2", fs::copy_options::recursive);
  cut.resume = true;
  train(cut);
  for (const char* f : {"adapter_model.safetensors", "checkpoint-6/optimizer.safetensors"})
    EXPECT_EQ(sha256_file(t_ / "cut" / f), sha256_file(t_ / "straight" / f)) << f;
}

TEST_F(GgufBase, MergingWritesAFolderWithTheFilesOwnValues) {
  convert();
  train(config(kTiny.string(), "lora", "run"));
  MergeOptions o;
  o.adapter = path("run");
  o.output_dir = path("merged");
  o.threads = 1;
  o.tolerance = 1e-2;
  const MergeResult r = merge(o);
  EXPECT_TRUE(r.passed) << r.max_logit_difference;
  EXPECT_EQ(r.merged_onto, "original");
  const SafetensorsFile merged(t_ / "merged/model.safetensors"), folder(t_ / "folder/model.safetensors");
  ASSERT_EQ(merged.entries().size(), folder.entries().size());
  for (const TensorEntry& e : folder.entries()) {
    const Tensor a = merged.read(e.name), b = folder.read(e.name);
    const bool adapted = e.name.find("q_proj") != std::string::npos || e.name.find("o_proj") != std::string::npos;
    EXPECT_EQ(std::memcmp(a.data(), b.data(), static_cast<size_t>(b.bytes())) == 0, !adapted) << e.name;
  }
  EXPECT_EQ(evaluated(path("merged"))["base_description"], "f32");
}

TEST_F(GgufBase, FullFineTuningIsInF32) {
  const TrainResult r = train(config(kTiny.string(), "full", "full"));
  EXPECT_EQ(r.results["base_storage"], "none");
  EXPECT_EQ(SafetensorsFile(t_ / "full/model.safetensors").entries().size(), GgufModel(kTiny).entries().size());
  EXPECT_NEAR(evaluated(path("full"))["loss"].get<double>(), r.results["eval_loss"].get<double>(), 1e-4);
}

TEST_F(GgufBase, RefusesWhatIsNoModel) {
  std::string bytes = read_file(kTiny);
  put(t_ / "text.gguf", "no model");
  EXPECT_EQ(error_of([&] { open_model(path("text.gguf")); }).info().id, "gguf.magic");
  put(t_ / "cut.gguf", bytes.substr(0, bytes.size() / 2));
  EXPECT_EQ(error_of([&] { open_model(path("cut.gguf")); }).info().id, "gguf.layout");
  put(t_ / "named_otherwise", bytes);
  EXPECT_TRUE(open_model(path("named_otherwise")).gguf);
  bytes.replace(bytes.find("llama"), 5, "lhama");
  put(t_ / "other.gguf", bytes);
  EXPECT_EQ(error_of([&] { open_model(path("other.gguf")); }).info().id, "convert.architecture");
}

}  // namespace
}  // namespace attune
