#include "app/run_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/error.h"
#include "config/write.h"

namespace attune {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class RunConfigTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("attune-run-config-" + std::to_string(::getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string write(const std::string& text) {
    fs::path p = folder_ / "config.yaml";
    write_file_atomically(p, text);
    return p.string();
  }
  fs::path folder_;
};

std::string problem(const std::vector<std::string>& flags) {
  try {
    load_run_config("", {}, flags);
    return "";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kUsage);
    return e.what();
  }
}

// The example of docs/design.md, section 1.
TEST_F(RunConfigTest, ReadsTheExampleOfTheDesign) {
  std::string file = write(R"(# config.yaml
model: models/all-MiniLM-L6-v2
task: text-classification          # token-classification, question-answering, text-generation, fill-mask
data:
  train: examples/reviews/train.csv
  validation: examples/reviews/validation.csv
  test: examples/reviews/test.csv
  max_length: 128
peft: {method: lora, r: 8, lora_alpha: 16, lora_dropout: 0.1, target_modules: [query, value]}
# compute: auto                  # auto | f32 | int8
training: {num_train_epochs: 3, per_device_train_batch_size: 32, learning_rate: 5e-4, warmup_ratio: 0.06, seed: 42}
output_dir: runs/reviews-lora
)");
  RunConfig c = load_run_config(file, {"training.seed=7"}, {"--lr", "1e-3"});
  EXPECT_EQ(c.model, "models/all-MiniLM-L6-v2");
  EXPECT_EQ(c.data.max_length, 128);
  EXPECT_EQ(c.peft.lora_alpha, 16);
  EXPECT_THAT(c.peft.target_modules.names, ElementsAre("query", "value"));
  EXPECT_EQ(c.training.learning_rate, 1e-3);
  EXPECT_EQ(c.training.seed, 7);
  EXPECT_EQ(c.training.warmup_ratio, 0.06);
  EXPECT_EQ(c.output_dir, "runs/reviews-lora");
}

TEST_F(RunConfigTest, TakesEveryFlagScriptsRelyOn) {
  RunConfig c = load_run_config("", {},
                                {"--model-name",
                                 "m",
                                 "--task",
                                 "text-classification",
                                 "--train-file",
                                 "a.csv",
                                 "--validation-file",
                                 "b.csv",
                                 "--test-file",
                                 "c.csv",
                                 "--output-dir",
                                 "o",
                                 "--method",
                                 "lora",
                                 "--r",
                                 "4",
                                 "--lora-alpha",
                                 "32",
                                 "--lora-dropout",
                                 "0.01",
                                 "--target-modules",
                                 "q_lin,v_lin",
                                 "--epochs",
                                 "2",
                                 "--max-steps",
                                 "-1",
                                 "--batch-size",
                                 "16",
                                 "--gradient-accumulation-steps",
                                 "2",
                                 "--learning-rate",
                                 "1e-3",
                                 "--lr-scheduler-type",
                                 "cosine",
                                 "--warmup-steps",
                                 "10",
                                 "--warmup-ratio",
                                 "0.1",
                                 "--weight-decay",
                                 "0.01",
                                 "--max-length",
                                 "64",
                                 "--seed",
                                 "1",
                                 "--logging-steps",
                                 "1",
                                 "--save-steps",
                                 "5",
                                 "--resume",
                                 "--fp16",
                                 "--no-shuffle"});
  EXPECT_EQ(c.model, "m");
  EXPECT_EQ(c.data.train, "a.csv");
  EXPECT_EQ(c.data.validation, "b.csv");
  EXPECT_EQ(c.data.test, "c.csv");
  EXPECT_EQ(c.peft.r, 4);
  EXPECT_THAT(c.peft.target_modules.names, ElementsAre("q_lin", "v_lin"));
  EXPECT_EQ(c.training.num_train_epochs, 2);
  EXPECT_EQ(c.training.max_steps, -1);
  EXPECT_EQ(c.training.per_device_train_batch_size, 16);
  EXPECT_EQ(c.training.lr_scheduler_type, Schedule::kCosine);
  EXPECT_TRUE(c.resume);
  EXPECT_TRUE(c.training.fp16);
  EXPECT_FALSE(c.data.shuffle);
  EXPECT_EQ(load_run_config("", {}, {"--model", "m", "--lora-r", "16"}).peft.r, 16);
  EXPECT_EQ(load_run_config("", {}, {"--model-name-or-path", "m"}).model, "m");
}

TEST_F(RunConfigTest, TheMethodFollowsTheOptions) {
  EXPECT_EQ(load_run_config("", {}, {}).peft.method, "full");
  EXPECT_EQ(load_run_config("", {}, {"--r", "4"}).peft.method, "lora");
  EXPECT_EQ(load_run_config("", {}, {"--method", "bitfit"}).peft.method, "bitfit");
  EXPECT_EQ(load_run_config("", {}, {"--freeze-embeddings"}).peft.method, "full");
  EXPECT_EQ(load_run_config("", {}, {"--init-from", "a"}).peft.method, "");
}

TEST_F(RunConfigTest, FreeMapsAndInitFrom) {
  RunConfig c =
      load_run_config(write("model_config: {hidden_dropout_prob: 0, layers: 2}\npeft: {init_from: a}\ndata: {shuffle: false}"), {}, {});
  EXPECT_EQ(c.model_config.dump(), R"({"hidden_dropout_prob":0,"layers":2})");
  EXPECT_EQ(c.peft.init_from, "a");
  EXPECT_FALSE(c.data.shuffle);
}

TEST_F(RunConfigTest, TheDumpIsTheSameRun) {
  RunConfig c =
      load_run_config("", {}, {"--model", "m", "--r", "4", "--class-weights", "a=1,b=2", "--greater-is-better", "--model-config", "x=0.5"});
  std::string text = dump_run_config(c);
  EXPECT_EQ(dump_run_config(read_run_config(write(text))), text);
  EXPECT_THAT(text, HasSubstr("  learning_rate: 5.0e-05\n"));
}

TEST_F(RunConfigTest, ValuesThatDoNotFitTogether) {
  EXPECT_THAT(problem({"--fp16", "--bf16"}), HasSubstr("choose one"));
  EXPECT_THAT(problem({"--resume", "--overwrite"}), HasSubstr("choose one"));
  EXPECT_THAT(problem({"--load-best-model-at-end", "--eval-strategy", "no"}), HasSubstr("eval_strategy"));
  EXPECT_THAT(problem({"--load-best-model-at-end", "--eval-strategy", "steps", "--save-strategy", "steps", "--eval-steps", "3",
                       "--save-steps", "10"}),
              HasSubstr("multiple"));
  EXPECT_THAT(problem({"--validation-file", "v", "--validation-split", "0.1"}), HasSubstr("nothing is split off"));
  EXPECT_THAT(problem({"--lr-scheduler-kwargs", "powr=2"}), HasSubstr("powr"));
  EXPECT_THAT(problem({"--r", "0"}), HasSubstr("at least 1"));
  EXPECT_THAT(problem({"--memory-limit", "2 cows"}), HasSubstr("such as 512MB"));
}

TEST_F(RunConfigTest, SizesOfMemory) {
  const auto bytes = [](const std::string& text) { return memory_limit_bytes(load_run_config("", {}, {"--memory-limit", text})); };
  EXPECT_EQ(bytes("2GB"), 2'000'000'000);
  EXPECT_EQ(bytes("1.5GiB"), 1'610'612'736);
  EXPECT_EQ(bytes("512 mb"), 512'000'000);
  EXPECT_EQ(bytes("4096"), 4096);
  EXPECT_EQ(bytes("3k"), 3000);
  EXPECT_EQ(bytes("0"), 0);
  EXPECT_EQ(memory_limit_bytes(load_run_config("", {}, {})), 0);
  for (const char* bad : {"GB", "1XB", "-1GB", "1e99GB", "2GBs"}) EXPECT_NE(problem({"--memory-limit=" + std::string(bad)}), "") << bad;
}

// A name that two sections share could not be used bare; every spelling is checked here.
TEST_F(RunConfigTest, EverySpellingIsUnique) {
  RunConfig c;
  FieldList list = fields_of(c);
  std::map<std::string, std::string> seen;
  for (const auto& f : list.all())
    for (const auto& s : spellings(f)) {
      EXPECT_TRUE(seen.emplace(s, f.path).second) << s << " is both " << seen[s] << " and " << f.path;
      EXPECT_FALSE(f.spec.help.empty()) << f.path;
    }
}

}  // namespace
}  // namespace attune
