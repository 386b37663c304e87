// What files call the tensors of language models: tied weights under two names, GPT-2's first files, other heads' prefixes.
#include <gtest/gtest.h>

#include "base/error.h"
#include "support/golden_model.h"

namespace attune {
namespace {

using namespace testing;

/// The tensors of a golden model, to be renamed and changed.
TensorMap tensors_of(const std::string& model) {
  const WeightFiles files(golden_folder() / "models" / model);
  TensorMap all;
  for (const auto& name : files.names()) all[name] = files.read_f32(name);
  return all;
}

std::unique_ptr<Model> load(const std::string& model, HeadKind head, const TensorMap& tensors, LoadReport& report) {
  const fs::path file = golden_folder() / "models" / model / "config.json";
  auto m = make_model(ModelConfig{read_json(file), file.string()}, head, 3);
  TensorSource s;
  s.where = "map";
  for (const auto& [name, t] : tensors) s.entries.emplace_back(name, t.shape());
  s.read = [&](const std::string& name) { return tensors.at(name).clone(); };
  report = load_weights(*m, s, 1);
  return m;
}

struct Tied {
  const char *model, *kept, *second;
  HeadKind head;
};

TEST(CheckpointNames, TiedWeightsMayStandTwiceWithTheSameValues) {
  for (const Tied& t : {Tied{"gpt2_lm", "transformer.wte.weight", "lm_head.weight", HeadKind::kCausalLm},
                        Tied{"llama_lm", "model.embed_tokens.weight", "lm_head.weight", HeadKind::kCausalLm},
                        Tied{"bert_mlm", "bert.embeddings.word_embeddings.weight", "cls.predictions.decoder.weight", HeadKind::kMaskedLm},
                        Tied{"bert_mlm", "cls.predictions.bias", "cls.predictions.decoder.bias", HeadKind::kMaskedLm},
                        Tied{"roberta_mlm", "lm_head.bias", "lm_head.decoder.bias", HeadKind::kMaskedLm},
                        Tied{"distilbert_mlm", "distilbert.embeddings.word_embeddings.weight", "vocab_projector.weight", HeadKind::kMaskedLm}}) {
    TensorMap tensors = tensors_of(t.model);
    ASSERT_FALSE(tensors.contains(t.second)) << "transformers does not write it";
    LoadReport report;
    EXPECT_FALSE(weights_of(*load(t.model, t.head, tensors, report)).contains(t.second));
    EXPECT_TRUE(report.missing.empty() && report.unexpected.empty()) << t.model;

    tensors[t.second] = tensors.at(t.kept).clone();
    load(t.model, t.head, tensors, report);
    EXPECT_TRUE(report.missing.empty() && report.unexpected.empty()) << t.model;

    tensors.at(t.second).f32()[1] += 1.0f;
    try {
      load(t.model, t.head, tensors, report);
      ADD_FAILURE() << t.model << " took two values of one tensor";
    } catch (const Error& e) {
      EXPECT_EQ(e.info().id, "weights.tied");
      EXPECT_NE(std::string(e.what()).find(t.second), std::string::npos) << e.what();
    }

    const float changed = tensors.at(t.second).f32()[1];
    tensors.erase(t.kept);  // the second name alone says enough
    const auto m = load(t.model, t.head, tensors, report);
    EXPECT_TRUE(report.missing.empty()) << t.model;
    EXPECT_EQ(weights_of(*m).at(t.kept).f32()[1], changed);
  }
}

TEST(CheckpointNames, TheFirstGpt2FilesHaveNoPrefixAndHoldMasks) {
  TensorMap raw;
  for (const auto& [name, t] : tensors_of("gpt2_lm")) raw[name.substr(std::string("transformer.").size())] = t;
  raw["h.0.attn.bias"] = Tensor::zeros({1, 1, 8, 8});
  raw["h.0.attn.masked_bias"] = Tensor::zeros({1});
  LoadReport report;
  const auto m = load("gpt2_lm", HeadKind::kCausalLm, raw, report);
  EXPECT_TRUE(report.missing.empty() && report.unexpected.empty());
  EXPECT_EQ(report.harmless.size(), 2u);
  const auto want = tensors_of("gpt2_lm");
  const TensorMap got = weights_of(*m);
  ASSERT_EQ(got.size(), want.size());
  for (const auto& [name, t] : want) EXPECT_EQ(largest_difference(got.at(name).span(), t.span()), 0) << name;
}

/// LlamaForQuestionAnswering calls `transformer` what all others call `model`: a base of either kind fills both.
TEST(CheckpointNames, LlamaBackbonesUnderEitherPrefix) {
  LoadReport report;
  load("llama_qa", HeadKind::kQuestionAnswering, tensors_of("llama_lm"), report);
  EXPECT_EQ(report.missing, (std::vector<std::string>{"qa_outputs.weight", "qa_outputs.bias"}));
  load("llama_lm", HeadKind::kCausalLm, tensors_of("llama_qa"), report);
  EXPECT_TRUE(report.missing.empty());
}

TEST(CheckpointNames, HeadsThatDoNotExistAreRefusedByName) {
  const fs::path file = golden_folder() / "models/gpt2_lm/config.json";
  try {
    make_model(ModelConfig{read_json(file), file.string()}, HeadKind::kMaskedLm, 0);
    ADD_FAILURE();
  } catch (const Error& e) {
    EXPECT_EQ(e.info().id, "model.no_such_head");
    EXPECT_NE(std::string(e.what()).find("a causal language model"), std::string::npos) << e.what();
  }
  for (const Architecture* a : architectures())
    for (const HeadKind kind : kHeadKinds)
      if (!a->class_name(kind).empty()) {
        EXPECT_EQ(head_of_class(*a, a->class_name(kind)), kind) << a->class_name(kind);
      }
}

}  // namespace
}  // namespace attune
