// What generation is told: options, generation_config.json, defaults.
#include "app/generate.h"

#include <gtest/gtest.h>

#include "base/temp_folder.h"
#include "support/golden_model.h"

namespace attune {
namespace {

using namespace testing;

/// Options over generation_config.json over transformers' defaults.
TEST(GenerationSettings, AreMerged) {
  const TempFolder temp;
  const fs::path folder = temp.path() / "model";
  fs::create_directories(folder);
  fs::copy_file(golden_folder() / "models/gpt2_lm/config.json", folder / "config.json");
  OpenedModel opened;
  opened.folder = folder;
  opened.files = folder;
  opened.config = {read_json(folder / "config.json"), (folder / "config.json").string()};
  GenerateOptions o;
  GenerationSettings s = generation_settings(opened, o);
  EXPECT_FALSE(s.sampling.do_sample);
  EXPECT_EQ(s.sampling.top_k, 50);
  EXPECT_EQ(s.max_new_tokens, 20);
  EXPECT_EQ(s.ends, std::vector<int32_t>{3});

  write_file_atomically(folder / "generation_config.json", [](OutputFile& out) { out.write(R"({"do_sample": true, "temperature": 0.7, "top_p": 0.9, "eos_token_id": [7, 9], "max_new_tokens": 33})"); });
  s = generation_settings(opened, o);
  EXPECT_TRUE(s.sampling.do_sample);
  EXPECT_EQ(s.sampling.temperature, 0.7);
  EXPECT_EQ(s.sampling.top_p, 0.9);
  EXPECT_EQ(s.sampling.top_k, 50);
  EXPECT_EQ(s.max_new_tokens, 33);
  EXPECT_EQ(s.ends, (std::vector<int32_t>{7, 9}));
  o.top_p = 0.5;
  o.max_new_tokens = 4;
  s = generation_settings(opened, o);
  EXPECT_EQ(s.sampling.top_p, 0.5);
  EXPECT_EQ(s.sampling.temperature, 0.7);
  EXPECT_EQ(s.max_new_tokens, 4);
  o = {};
  o.greedy = true;
  EXPECT_FALSE(generation_settings(opened, o).sampling.do_sample);
  o.temperature = 0.5;
  EXPECT_THROW(generation_settings(opened, o), Error);
  write_file_atomically(folder / "generation_config.json", [](OutputFile& out) { out.write(R"({"top_p": 1.5})"); });
  EXPECT_THROW(generation_settings(opened, {}), Error);
}

}  // namespace
}  // namespace attune
