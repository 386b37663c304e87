// attune generate on tiny language models: shapes of what it prints, its refusals, merged, adapted and quantised folders.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "program.h"

namespace attune::e2e {
namespace {

using nlohmann::json;
using testing::HasSubstr;

std::vector<std::string> command(const std::string& model, std::vector<std::string> more) {
  std::vector<std::string> args{"generate", model, "--prompt", "the film is"};
  args.insert(args.end(), more.begin(), more.end());
  return args;
}

class Generate : public testing::TestWithParam<const char*> {
 protected:
  Folder folder_;
  json run(const std::string& model, std::vector<std::string> more) {
    more.push_back("--json");
    const Outcome o = folder_.run(command(model, std::move(more)));
    EXPECT_EQ(o.status, 0) << o.err;
    return json::parse(o.out);
  }
};

TEST_P(Generate, StreamsWhatJsonGives) {
  const json one = run(golden_model(GetParam()), {"--greedy", "--max-new-tokens", "12"});
  EXPECT_EQ(one["token_ids"].size(), 12u);
  EXPECT_EQ(one["stopped"], "length");
  const Outcome streamed = folder_.run(command(golden_model(GetParam()), {"--greedy", "--max-new-tokens", "12"}));
  EXPECT_EQ(streamed.out, one["text"].get<std::string>() + "\n");
  EXPECT_THAT(streamed.err, HasSubstr("tokens/s"));
}

TEST_P(Generate, SamplesBySeed) {
  const std::vector<std::string> sampled{"--temperature", "0.9", "--top-k", "20", "--max-new-tokens", "10", "--seed", "3"};
  const json one = run(golden_model(GetParam()), sampled);
  EXPECT_EQ(run(golden_model(GetParam()), sampled), one);
  std::vector<std::string> three = sampled;
  three.insert(three.end(), {"--num-samples", "3"});
  const json many = run(golden_model(GetParam()), three);
  ASSERT_EQ(many.size(), 3u);
  EXPECT_EQ(many[0], one);
  EXPECT_NE(many[1]["token_ids"], one["token_ids"]);
}

TEST_P(Generate, EndsBeforeAStopText) {
  const json whole = run(golden_model(GetParam()), {"--greedy", "--max-new-tokens", "12"});
  const auto text = whole["text"].get<std::string>();
  const std::string stop = text.substr(text.size() / 2, 3);
  const json cut = run(golden_model(GetParam()), {"--greedy", "--max-new-tokens", "12", "--stop", stop});
  EXPECT_EQ(cut["text"], text.substr(0, text.find(stop)));
  EXPECT_EQ(cut["stopped"], "stop");
  EXPECT_LT(cut["token_ids"].size(), 12u);
  const Outcome streamed = folder_.run(command(golden_model(GetParam()), {"--greedy", "--max-new-tokens", "12", "--stop", stop}));
  EXPECT_EQ(streamed.out, cut["text"].get<std::string>() + "\n");
}

TEST_P(Generate, FromAdaptersAndQuantisedFolders) {
  const json plain = run(golden_model(GetParam()), {"--greedy"});
  const std::string adapter = golden_adapter(std::string(GetParam()) + "_plain");
  const json adapted = run(adapter, {"--greedy", "--base-model", golden_model(GetParam())});
  EXPECT_NE(adapted["token_ids"], plain["token_ids"]);
  for (const std::string type : {"nf4", "int8"}) {
    const Outcome q = folder_.run({"quantize", golden_model(GetParam()), "--type", type, "--output", type});
    ASSERT_EQ(q.status, 0) << q.err;
    for (const std::string compute : {"f32", "int8"}) {
      const json few = run(type, {"--greedy", "--compute", compute});
      EXPECT_EQ(few["token_ids"].size(), 20u);
      EXPECT_EQ(run(adapter, {"--greedy", "--base-model", type, "--compute", compute})["token_ids"].size(), 20u);
    }
  }
}

TEST_P(Generate, WholeModelsKeepHowTheirBaseGenerates) {
  fs::copy(golden_model(GetParam()), folder_.path("base"));
  folder_.write("base/generation_config.json", R"({"eos_token_id": 5, "max_new_tokens": 7})");
  folder_.write("lines.txt", "the film is good\nthe food was cold\n");
  for (const std::string method : {"full", "lora"}) {
    const Outcome o = folder_.run({"train", "--model", "base", "--task", "text-generation", "--train-file", "lines.txt", "--method", method, "--max-steps", "1",
                                   "--max-length", "16", "--save-strategy", "steps", "--save-steps", "1", "--output-dir", method});
    ASSERT_EQ(o.status, 0) << o.err;
  }
  const Outcome o = folder_.run({"merge", "lora", "--output", "merged"});
  ASSERT_EQ(o.status, 0) << o.err;
  for (const std::string whole : {"full", "full/checkpoint-1", "merged"}) {
    ASSERT_TRUE(folder_.has(whole + "/generation_config.json")) << whole;
    EXPECT_EQ(folder_.read(whole + "/generation_config.json"), folder_.read("base/generation_config.json"));
  }
  EXPECT_FALSE(folder_.has("lora/generation_config.json"));
  EXPECT_LE(run("merged", {})["token_ids"].size(), 7u);
}

INSTANTIATE_TEST_SUITE_P(Models, Generate, testing::Values("gpt2_lm", "llama_lm"));

TEST(GenerateErrors, AreSaidOnce) {
  Folder folder;
  Outcome o = folder.run({"generate", golden_model("bert"), "--prompt", "the"});
  EXPECT_EQ(o.status, 2);
  EXPECT_THAT(o.err, HasSubstr("no head for a causal language model"));
  o = folder.run({"generate", golden_model("gpt2_lm"), "--prompt", "the", "--greedy", "--top-p", "0.5"});
  EXPECT_EQ(o.status, 2);
  EXPECT_THAT(o.err, HasSubstr("nothing to sample"));
  std::string longest;
  for (int i = 0; i < 300; ++i) longest += "the ";
  o = folder.run({"generate", golden_model("gpt2_lm"), "--prompt", longest});
  EXPECT_EQ(o.status, 3);
  EXPECT_THAT(o.err, HasSubstr("leaves no room"));
  o = folder.run({"generate"});
  EXPECT_EQ(o.status, 2);
}

}  // namespace
}  // namespace attune::e2e
