// The frozen-prefix cache in a run: the same files, its memory predicted and measured, refusals.
#include <gmock/gmock.h>

#include "app/inspect.h"
#include "app/load_model.h"
#include "app/train.h"
#include "app/train_rig.h"
#include "base/files.h"
#include "tensor/poison.h"

namespace attune {
namespace {

using ::testing::HasSubstr;

class FrozenPrefixRun : public TrainRig {
 protected:
  RunConfig cached(const std::string& output) const {
    RunConfig c = config("lora", output);
    c.peft.layers_to_transform = {2};
    c.model_config = {{"hidden_dropout_prob", 0.0}, {"attention_probs_dropout_prob", 0.0}};
    c.training.train_sampling_strategy = Sampling::kSequential;
    c.training.frozen_prefix_cache = true;
    return c;
  }
};

TEST_F(FrozenPrefixRun, LeavesTheFilesOfARunWithoutIt) {
  RunConfig with = cached("with"), without = cached("without");
  without.training.frozen_prefix_cache = false;
  train(with);
  train(without);
  for (const char* file : {"adapter_model.safetensors", "predictions.jsonl"})
    EXPECT_EQ(sha256_file(fs::path(with.output_dir) / file), sha256_file(fs::path(without.output_dir) / file)) << file;
  without.resume_from_checkpoint = (fs::path(without.output_dir) / "checkpoint-5").string();
  without.training.frozen_prefix_cache = true;  // another rounding: another run
  EXPECT_EQ(id_of([&] { train(without); }), "resume.mismatch");
}

TEST_F(FrozenPrefixRun, IsPredictedAndMeasured) {
  write_rows("train.csv", 300, 1, 30);
  RunConfig c = cached("run");
  c.data.max_length = 32;
  c.training.per_device_train_batch_size = 64;
  c.training.num_train_epochs = 1;
  const Inspection with = inspect(c);
  EXPECT_GT(with.frozen_prefix, 300 * 4 * 32 * 4);
  const int64_t before = Allocator::global().ledger().total_now;
  const Json measured = train(c).results["memory_peak_bytes"];
  EXPECT_NEAR(static_cast<double>(with.memory.peak()) / static_cast<double>(measured["total"].get<int64_t>() - before), 1, 0.05);
  c.training.frozen_prefix_cache = false;
  const Inspection without = inspect(c);
  EXPECT_EQ(without.frozen_prefix, 0);
  EXPECT_EQ(with.memory.peak() - without.memory.peak(), with.frozen_prefix + kPoisonedGap);
}

TEST_F(FrozenPrefixRun, ALimitSaysWhatItTakes) {
  write_rows("train.csv", 3000, 1, 30);
  RunConfig c = cached("run");
  const OpenedModel opened = open_model(c.model, "", c.model_config);
  TrainingData data = read_training_data(c, opened);
  DryRun dry(opened, training_settings(c, opened, data.labels), c.peft);
  encode_training_data(data, dry.task(), *load_tokenizer(opened.tokenizer_files), c);
  const Workload work = workload_of(c, data);
  const int64_t without = memory_need(dry, work, c.training, {}).held();
  dry.hold_frozen_prefix(work.train);
  const int64_t any = int64_t{1} << 40;
  c.memory_limit = std::to_string(without + dry.frozen_prefix_bytes() / 2 + any - room_for_tensors(any));
  try {
    plan_within_limit(dry, opened, c, work);
    FAIL() << "the cache does not fit";
  } catch (const Error& e) {
    EXPECT_EQ(e.info().id, "memory.limit");
    EXPECT_THAT(e.info().hint, HasSubstr("frozen_prefix_cache takes"));
    EXPECT_THAT(e.info().hint, HasSubstr("without it the training would fit"));
  }
}

TEST_F(FrozenPrefixRun, RefusesBeforeAnythingRuns) {
  RunConfig dropout = cached("dropout");
  dropout.model_config = Json::object();
  RunConfig all = cached("all");
  all.peft.layers_to_transform.clear();
  all.peft.method = "full";
  for (const RunConfig& c : {dropout, all}) {
    EXPECT_EQ(id_of([&] { train(c); }), "train.frozen_prefix");
    EXPECT_EQ(id_of([&] { inspect(c); }), "train.frozen_prefix");
    EXPECT_FALSE(file_exists(fs::path(c.output_dir) / "metrics.jsonl"));
  }
}

}  // namespace
}  // namespace attune
