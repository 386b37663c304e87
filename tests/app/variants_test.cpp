// The variants block: presets, lists, grids, random draws, seeds, and what is refused.
#include "app/variants.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "config/node.h"

namespace attune {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

RunConfig base() {
  RunConfig c;
  c.model = "somewhere";
  c.peft.method = "lora";
  c.peft.r = 8;
  c.peft.lora_alpha = 16;
  c.training.seed = 7;
  return c;
}

Json yaml(const std::string& text) { return to_json(parse_yaml(text, "test")); }

std::vector<std::string> names(const VariantPlan& plan) {
  std::vector<std::string> out;
  for (const Variant& v : plan.variants) out.push_back(v.name);
  return out;
}

std::string refused(const std::string& text) {
  try {
    read_variants(yaml(text), base());
  } catch (const Error& e) {
    return e.info().id + " " + e.what();
  }
  return "";
}

TEST(Variants, PresetsSetWhatTheirNamesSay) {
  const VariantPlan plan = read_variants(yaml("[base, lora, lora_r4, query_only, full_attention, selective, bias_training, higher_dropout, qlora_int8, qlora_nf4, full]"), base());
  EXPECT_THAT(plan.seeds, ElementsAre(7));
  const auto config = [&](size_t i) { return apply_variant(plan.variants[i], base(), 3); };
  EXPECT_TRUE(plan.variants[0].untrained);
  EXPECT_EQ(config(1).peft.r, 8);
  EXPECT_EQ(config(1).training.seed, 3);
  EXPECT_EQ(config(2).peft.r, 4);
  EXPECT_EQ(config(2).peft.lora_alpha, 8);  // at the base's scale of 2
  EXPECT_THAT(config(3).peft.target_modules.names, ElementsAre("query"));
  EXPECT_TRUE(plan.variants[5].selective);
  EXPECT_EQ(config(6).peft.bias, LoraBias::kAll);
  EXPECT_EQ(config(7).peft.lora_dropout, 0.3);
  EXPECT_EQ(config(8).quantization.type, StoredForm::kInt8);
  EXPECT_EQ(config(9).quantization.type, StoredForm::kNf4);
  EXPECT_EQ(config(10).peft.method, "full");
  EXPECT_EQ(config(10).training.learning_rate, 5e-5);
  for (const int rank : {16, 32}) {
    const RunConfig c = apply_variant(read_variants(Json::array({"lora_r" + std::to_string(rank)}), base()).variants[0], base(), 3);
    EXPECT_EQ(c.peft.r, rank);
    EXPECT_EQ(c.peft.lora_alpha, 2 * rank);
  }
}

TEST(Variants, EveryPresetOfTheHelpExists) {
  for (const VariantPreset& p : variant_presets()) EXPECT_EQ(read_variants(Json::array({p.name}), base()).variants.size(), 1u) << p.name;
}

TEST(Variants, ListTakesPresetsWithSettingsNamesAndSections) {
  const VariantPlan plan = read_variants(yaml("list: [{full: {training.learning_rate: 1e-4}}, {name: wide, preset: lora, peft: {r: 64}}, {peft.r: 2, training.num_train_epochs: 5}]\nseeds: [0, 5]"), base());
  EXPECT_THAT(names(plan), ElementsAre("full", "wide", "r=2,num_train_epochs=5"));
  EXPECT_THAT(plan.seeds, ElementsAre(0, 5));
  EXPECT_EQ(apply_variant(plan.variants[0], base(), 0).training.learning_rate, 1e-4);
  EXPECT_EQ(apply_variant(plan.variants[1], base(), 0).peft.r, 64);
  EXPECT_EQ(apply_variant(plan.variants[2], base(), 0).training.num_train_epochs, 5);
}

TEST(Variants, GridIsEveryCombinationInOrder) {
  const VariantPlan plan = read_variants(yaml("grid: {peft.r: [4, 8], training.learning_rate: [1e-4, 5e-4]}\nseeds: 3"), base());
  EXPECT_EQ(plan.variants.size(), 4u);
  EXPECT_THAT(plan.seeds, ElementsAre(7, 8, 9));
  EXPECT_EQ(apply_variant(plan.variants[1], base(), 0).peft.r, 4);
  EXPECT_EQ(apply_variant(plan.variants[1], base(), 0).training.learning_rate, 5e-4);
}

TEST(Variants, RandomDrawsAreSeededAndWithinTheirRanges) {
  const std::string text = "random: {draws: 20, seed: 3, peft.r: [4, 8, 16], training.learning_rate: {log_uniform: [1e-5, 1e-3]}, peft.lora_dropout: {uniform: [0, 0.5]}}";
  const VariantPlan a = read_variants(yaml(text), base()), b = read_variants(yaml(text), base());
  ASSERT_EQ(a.variants.size(), 20u);
  std::set<double> rates;
  for (size_t i = 0; i < a.variants.size(); ++i) {
    EXPECT_EQ(a.variants[i].settings, b.variants[i].settings);
    const RunConfig c = apply_variant(a.variants[i], base(), 0);
    EXPECT_TRUE(c.peft.r == 4 || c.peft.r == 8 || c.peft.r == 16);
    EXPECT_GE(c.training.learning_rate, 1e-5);
    EXPECT_LE(c.training.learning_rate, 1e-3);
    EXPECT_LE(c.peft.lora_dropout, 0.5);
    rates.insert(c.training.learning_rate);
  }
  EXPECT_GT(rates.size(), 15u);
}

TEST(Variants, WhatIsWrongIsNamed) {
  EXPECT_THAT(refused("[lorra]"), HasSubstr("lora"));
  EXPECT_THAT(refused("{gird: {peft.r: [1]}}"), HasSubstr("grid"));
  EXPECT_THAT(refused("{grid: {peft.r: 4}}"), HasSubstr("variants.grid"));
  EXPECT_THAT(refused("{random: {peft.r: [4]}}"), HasSubstr("draws"));
  EXPECT_THAT(refused("{random: {draws: 2, training.learning_rate: {log_uniform: [0, 1]}}}"), HasSubstr("variants.random"));
  EXPECT_THAT(refused("[lora, lora]"), HasSubstr("two variants"));
  EXPECT_THAT(refused("{list: [lora], seeds: [1, 1]}"), HasSubstr("variants.seeds"));
  EXPECT_THAT(refused("{}"), HasSubstr("names no variant"));
  EXPECT_THAT(refused("[{name: x, peft.rr: 4}]"), HasSubstr("unknown key"));
}

TEST(Variants, ASettingThatCannotBeIsTheVariantsOwnFailure) {
  const VariantPlan plan = read_variants(yaml("[lora, {name: none, peft.r: 0}, {name: clash, peft.method: full, quantization.type: nf4}]"), base());
  ASSERT_EQ(plan.variants.size(), 3u);
  EXPECT_NO_THROW(apply_variant(plan.variants[0], base(), 0));
  EXPECT_THROW(apply_variant(plan.variants[1], base(), 0), Error);
  EXPECT_THROW(apply_variant(plan.variants[2], base(), 0), Error);
}

}  // namespace
}  // namespace attune
