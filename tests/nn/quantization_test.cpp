// Which layers the `quantization` section means, how other tools spell it, and what calibration finds.
#include "nn/quantization.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "config/reader.h"
#include "layer_rig.h"

namespace attune {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Two blocks of attention-like layers, a pooler and a projection beside them; forward runs what a real model would.
class Toy : public Backbone {
 public:
  struct Block : Module {
    Block() : query(8, 8), key(8, 8), value(8, 8), output(8, 8) {
      add("query", query);
      add("key", key);
      add("value", value);
      add("output", output);
    }
    Linear query, key, value, output;
  };
  struct Pooler : Module {
    Pooler() : dense(8, 8) { add("dense", dense); }
    Linear dense;
  };
  Toy() : projection_(8, 8) {
    add("layer.0", first_);
    add("layer.1", second_);
    add("projection", projection_);
    add("pooler", pooler_);
  }
  const BackboneInfo& info() const override { return info_; }
  ForwardPass pass(const Input&) override { fail(ErrorCode::kUsage, {.what = "not run"}); }
  Block& block(int i) { return i == 0 ? first_ : second_; }
  void run(const Context& ctx, Var x) {
    for (Block* b : {&first_, &second_}) {
      const auto qkv = linear_group(ctx, x, {&b->query, &b->key, &b->value});
      x = linear(ctx, qkv[2], b->output);
    }
  }

 private:
  Block first_, second_;
  Linear projection_;
  Pooler pooler_;
  BackboneInfo info_;
};

class ToyHead : public Head {
 public:
  ToyHead() : classifier_(2, 8) { add("classifier", classifier_); }
  ReadRows reads() const override { return ReadRows::kFirst; }
  Var forward(const Context& ctx, const Var& hidden) override { return linear(ctx, hidden, classifier_); }

 private:
  Linear classifier_;
};

struct ToyModel {
  ToyModel() : model("toy", std::make_unique<Toy>(), std::make_unique<ToyHead>(), 2) {
    for (const auto& np : named_parameters(model)) np.parameter->var.data = random_tensor(np.parameter->shape, hash_name(np.name), 0.3);
  }
  Toy& toy() { return static_cast<Toy&>(model.backbone()); }
  std::vector<std::string> frozen(const std::vector<std::string>& skip = {}) {
    std::vector<std::string> paths;
    for (const Linear* l : frozen_linears(model, skip)) paths.push_back(l->path());
    return paths;
  }
  Model model;
};

TEST(FrozenLinears, LeavesOutHeadsPoolersTrainedLayersAndNamedOnes) {
  ToyModel m;
  const std::vector<std::string> all = {"toy.layer.0.query",  "toy.layer.0.key",    "toy.layer.0.value",
                                        "toy.layer.0.output", "toy.layer.1.query",  "toy.layer.1.key",
                                        "toy.layer.1.value",  "toy.layer.1.output", "toy.projection"};
  EXPECT_EQ(m.frozen(), all);
  EXPECT_THAT(m.frozen({"query", "key", "value"}), ElementsAre("toy.layer.0.output", "toy.layer.1.output", "toy.projection"));
  EXPECT_THAT(m.frozen({"layer"}), ElementsAre("toy.projection"));
  EXPECT_THAT(m.frozen({"layer.1", "projection"}),
              ElementsAre("toy.layer.0.query", "toy.layer.0.key", "toy.layer.0.value", "toy.layer.0.output"));
  EXPECT_THAT(m.frozen({"toy.layer.0", "1.value"}),
              ElementsAre("toy.layer.1.query", "toy.layer.1.key", "toy.layer.1.output", "toy.projection"));
  EXPECT_THAT(m.frozen({"toy"}), IsEmpty());
  EXPECT_EQ(m.frozen({"quer", "uery", "ayer.0", "layer.0.quer"}), all) << "a part of a name is not the name";
  set_trainable(m.toy().block(1).key.weight.f32, true);
  set_trainable(m.toy().block(1).value.bias, true);  // its weight is frozen all the same
  EXPECT_THAT(m.frozen({"layer.0", "projection"}), ElementsAre("toy.layer.1.query", "toy.layer.1.value", "toy.layer.1.output"));
}

TEST(SkipModules, MustNameSomething) {
  ToyModel m;
  for (const char* name : {"query", "layer.1", "layer.0.key", "classifier", "pooler", "toy", "pooler.dense", "toy.layer.0.value", "layer"})
    EXPECT_NO_THROW(check_skip_modules(m.model, {name})) << name;
  try {
    check_skip_modules(m.model, {"query", "qeury", "lm_head"});
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kUsage);
    EXPECT_EQ(e.info().id, "quantization.skip_modules");
    EXPECT_THAT(e.what(), HasSubstr("qeury"));
    EXPECT_THAT(e.what(), HasSubstr("did you mean 'query'"));
    EXPECT_THAT(e.what(), HasSubstr("lm_head"));
  }
}

struct Settled {
  StoredForm type;
  bool double_quant;
  std::vector<std::string> problems;
};
Settled settle(const std::vector<std::string>& overrides) {
  QuantizationConfig c;
  FieldList list = fields_of(c);
  ConfigReader reader(list);
  for (const auto& text : overrides) reader.read_override(text);
  reader.finish();
  Settled s{{}, false, c.settle()};
  s.type = c.type;
  s.double_quant = c.double_quant;
  EXPECT_FALSE(c.load_in_4bit || c.load_in_8bit || c.quantization_bit || !c.bnb_4bit_quant_type.empty()) << "one spelling is left";
  EXPECT_TRUE(c.settle() == std::vector<std::string>() || !s.problems.empty()) << "settling again changes nothing";
  return s;
}

TEST(Settle, TakesEverySpelling) {
  using Given = std::vector<std::string>;
  const std::vector<std::pair<Given, StoredForm>> cases = {
      {{}, StoredForm::kPlain},
      {{"type=none"}, StoredForm::kPlain},
      {{"type=int8"}, StoredForm::kInt8},
      {{"type=NF4"}, StoredForm::kNf4},
      {{"quantization=nf4"}, StoredForm::kNf4},
      {{"load_in_8bit=true"}, StoredForm::kInt8},
      {{"load_in_4bit=true"}, StoredForm::kNf4},
      {{"load_in_8bit=false", "load_in_4bit=false"}, StoredForm::kPlain},
      {{"load_in_4bit=true", "load_in_8bit=false", "bnb_4bit_quant_type=nf4"}, StoredForm::kNf4},
      {{"type=nf4", "bnb_4bit_quant_type=nf4"}, StoredForm::kNf4},
      {{"quantization_bit=8"}, StoredForm::kInt8},
      {{"quantization_bit=4"}, StoredForm::kNf4},
      {{"quantization_bit=null"}, StoredForm::kPlain},
      {{"type=int8", "quantization_bit=8", "load_in_8bit=true"}, StoredForm::kInt8},
  };
  for (const auto& [given, want] : cases) {
    const Settled s = settle(given);
    EXPECT_THAT(s.problems, IsEmpty()) << ::testing::PrintToString(given);
    EXPECT_EQ(s.type, want) << ::testing::PrintToString(given);
  }
  for (const char* name : {"double_quant=true", "bnb_4bit_use_double_quant=true", "double_quantization=true"}) {
    const Settled s = settle({"load_in_4bit=true", name});
    EXPECT_TRUE(s.double_quant && s.problems.empty()) << name;
  }
}

TEST(Settle, NamesEveryContradictionOnce) {
  using Given = std::vector<std::string>;
  const std::vector<std::pair<Given, std::string>> cases = {
      {{"type=int8", "load_in_4bit=true"}, "load_in_4bit"},
      {{"type=nf4", "load_in_8bit=true"}, "load_in_8bit"},
      {{"load_in_4bit=true", "load_in_8bit=true"}, "load_in_4bit"},
      {{"quantization_bit=8", "load_in_4bit=true"}, "quantization_bit"},
      {{"quantization_bit=3"}, "expected 8 or 4, got 3"},
      {{"type=int8", "quantization_bit=4"}, "quantization_bit"},
      {{"bnb_4bit_quant_type=nf4"}, "bnb_4bit_quant_type"},
      {{"load_in_8bit=true", "bnb_4bit_quant_type=nf4"}, "bnb_4bit_quant_type"},
      {{"double_quant=true"}, "double_quant"},
      {{"type=int8", "double_quant=true"}, "double_quant"},
      {{"resident=4bit"}, "resident"},
      {{"type=int8", "resident=4bit"}, "resident"},
  };
  for (const auto& [given, says] : cases) {
    const Settled s = settle(given);
    ASSERT_EQ(s.problems.size(), 1u) << ::testing::PrintToString(given) << ::testing::PrintToString(s.problems);
    EXPECT_THAT(s.problems[0], HasSubstr(says));
    EXPECT_THAT(s.problems[0], HasSubstr("quantization"));
  }
  EXPECT_THROW(settle({"bnb_4bit_quant_type=fp4"}), Error);
  EXPECT_THROW(settle({"type=int4"}), Error);
}

TEST(Calibrate, LayersOfOneInputShareASmoothing) {
  ToyModel m;
  const Context ctx{&cpu_kernels(), 1};
  const auto layers = frozen_linears(m.model, {"layer.0.key"});  // query, value, output; query, key, value, output; projection
  Var x(random_tensor({20, 8}, 3));
  x.data.f32()[5] = 40.0f;
  x.data.f32()[6] = std::nanf("");  // says nothing about its channel; the loop will report it
  const auto found = calibrate(layers, 1, [&] { m.toy().run(ctx, x); });
  ASSERT_EQ(found.size(), 8u);
  for (const Linear* l : layers) EXPECT_EQ(l->weight.observed, nullptr);
  const auto shared = [&](size_t a, size_t b) {
    return found[a].inverse.shares_storage_with(found[b].inverse) && found[a].scale.shares_storage_with(found[b].scale);
  };
  EXPECT_TRUE(shared(0, 1));
  EXPECT_TRUE(shared(3, 4) && shared(3, 5));
  for (const auto& [a, b] : {std::pair{0, 2}, {0, 3}, {2, 3}, {3, 6}, {6, 7}})
    EXPECT_FALSE(shared(static_cast<size_t>(a), static_cast<size_t>(b))) << a << b;

  // s = sqrt(max|x| / max|W|) over all layers that share; where there is no input, nothing moves.
  const Tensor q = layers[0]->weight.values(1), v = layers[1]->weight.values(1);
  for (int64_t k = 0; k < 8; ++k) {
    float input = 0, weight = 0;
    for (int64_t r = 0; r < 20; ++r) input = std::fmax(input, std::fabs(x.data.f32()[r * 8 + k]));
    for (int64_t n = 0; n < 8; ++n) weight = std::fmax(weight, std::fmax(std::fabs(q.f32()[n * 8 + k]), std::fabs(v.f32()[n * 8 + k])));
    EXPECT_FLOAT_EQ(found[0].scale.f32()[k], std::sqrt(input / weight)) << k;
    EXPECT_FLOAT_EQ(found[0].scale.f32()[k] * found[0].inverse.f32()[k], 1.0f);
    EXPECT_EQ(found[7].scale.f32()[k], 1.0f) << "the projection has not run";
  }
}

TEST(Calibrate, SurvivesWhatCannotBeScaled) {
  ToyModel m;
  const Context ctx{&cpu_kernels(), 1};
  const auto layers = frozen_linears(m.model, {"layer.1", "projection"});
  for (int64_t n = 0; n < 8; ++n) layers[0]->weight.f32.var.data.f32()[n * 8 + 2] = 0.0f;
  const auto found = calibrate({layers[0]}, 1, [&] {
    Tensor x = random_tensor({4, 8}, 3);
    for (int64_t r = 0; r < 4; ++r) {
      x.f32()[r * 8 + 1] = 0.0f;
      x.f32()[r * 8 + 3] = INFINITY;
      x.f32()[r * 8 + 4] = 1e-38f;
      x.f32()[r * 8 + 5] = 1e30f;
    }
    linear(ctx, Var(x), *layers[0]);
  });
  for (const int64_t k : {1, 2, 3}) EXPECT_EQ(found[0].scale.f32()[k], 1.0f) << k;
  for (int64_t k = 0; k < 8; ++k) {
    EXPECT_TRUE(found[0].scale.f32()[k] >= 1e-4f && found[0].scale.f32()[k] <= 1e4f) << k;
    EXPECT_FLOAT_EQ(found[0].scale.f32()[k] * found[0].inverse.f32()[k], 1.0f) << k;
  }
}

}  // namespace
}  // namespace attune
