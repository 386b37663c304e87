// What is predicted against what a training takes, and plans under a limit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/inspect.h"
#include "app/load_model.h"
#include "app/train.h"
#include "app/train_rig.h"

namespace attune {
namespace {

using ::testing::HasSubstr;

class Memory : public TrainRig {
 protected:
  /// A run with batches large enough that its tensors, not the alignment of small ones, decide.
  RunConfig large(const std::string& model, const std::string& method, bool checkpointing) {
    write_rows("train.csv", 300, 1, 30);
    write_rows("validation.csv", 100, 2, 30);
    RunConfig c = config(method, "run");
    c.model = (fs::path(ATTUNE_SOURCE_DIR) / "tests/golden/models" / model).string();
    c.data.max_length = 32;
    c.data.test.clear();
    c.peft.target_modules = {};
    c.training.per_device_train_batch_size = 64;
    c.training.num_train_epochs = 1;
    c.training.save_strategy = Interval::kNo;
    c.training.activation_checkpointing = checkpointing;
    c.overwrite = true;
    return c;
  }
  /// The parts a plan is made from.
  struct Parts {
    explicit Parts(const RunConfig& c)
        : opened(open_model(c.model, "", c.model_config)),
          data(read_training_data(c, opened)),
          dry(opened, training_settings(c, opened, data.labels), c.peft) {
      encode_training_data(data, dry.task(), *load_tokenizer(opened.tokenizer_files), c);
      work = workload_of(c, data);
    }
    OpenedModel opened;
    TrainingData data;
    DryRun dry;
    Workload work;
  };
};

TEST_F(Memory, PredictionIsWhatTheLedgerMeasures) {
  for (const char* model : {"bert", "distilbert_sinusoidal"})
    for (const MethodEntry& method : peft_methods())
      for (const bool checkpointing : {false, true}) {
        const RunConfig c = large(model, method.name, checkpointing);
        const Inspection predicted = inspect(c);
        const int64_t before = Allocator::global().ledger().total_now;
        const Json measured = train(c).results["memory_peak_bytes"];
        const auto total = static_cast<double>(measured["total"].get<int64_t>() - before);
        EXPECT_NEAR(static_cast<double>(predicted.memory.peak()) / total, 1, 0.05) << model << " " << method.name << " " << checkpointing;
        EXPECT_EQ(std::max(predicted.memory.train.peak[0], predicted.memory.evaluate.peak[0]), measured["weights"].get<int64_t>())
            << model << " " << method.name;
      }
}

TEST_F(Memory, CheckpointingTakesLess) {
  const Inspection plain = inspect(large("bert", "lora", false)), checkpointed = inspect(large("bert", "lora", true));
  EXPECT_LT(checkpointed.memory.train.total_peak, plain.memory.train.total_peak * 8 / 10);
}

TEST_F(Memory, WithoutDataRowsAreOfFullLength) {
  RunConfig c = large("bert", "lora", false);
  c.data.train.clear();
  c.data.validation.clear();
  const Inspection r = inspect(c);
  EXPECT_EQ(r.memory.train_tokens, 64 * 32);
  EXPECT_EQ(r.memory.eval_tokens, 32 * 32);
  EXPECT_THAT(r.lengths, HasSubstr("every row of 32 tokens"));
}

/// Every limit down to the least gives a plan that keeps it; parts come first, layers are recomputed where parts would be too small.
TEST_F(Memory, PlansStayWithinTheLimit) {
  const RunConfig c = large("bert", "lora", false);
  Parts p(c);
  const int64_t whole = memory_need(p.dry, p.work, c.training, {}).held();
  const int64_t least = memory_need(p.dry, p.work, c.training, {.train_tokens = 1, .recompute = true, .eval_tokens = 1}).held();
  ASSERT_LT(least, whole / 2);
  bool parts = false, recomputed = false;
  for (int64_t limit = whole - 1; limit >= least; limit -= (whole - least) / 23) {
    const auto plan = fit_plan(p.dry, p.work, c.training, limit);
    ASSERT_TRUE(plan) << limit;
    EXPECT_LE(memory_need(p.dry, p.work, c.training, *plan).held(), limit);
    parts = parts || !plan->recompute;
    recomputed = recomputed || plan->recompute;
    if (limit > whole * 3 / 4) {
      EXPECT_FALSE(plan->recompute) << limit;
    }
  }
  EXPECT_TRUE(parts && recomputed);
  EXPECT_FALSE(fit_plan(p.dry, p.work, c.training, least / 2));
}

/// Parts and recomputed layers change nothing but the rounding of sums.
TEST_F(Memory, PlansDoNotChangeTheRun) {
  const RunConfig c = large("bert", "full", false);
  Parts p(c);
  const OpenedModel opened = open_model(c.model, "", c.model_config);
  const auto losses = [&](const ComputePlan& plan) {
    LoadedModel m = load_for_training(opened, p.dry.task().settings(), c.peft, 3);
    FitJob job;
    job.model = m.model.get();
    job.task = m.task.get();
    job.parameters = m.method->trainable();
    job.train = p.data.train.examples;
    job.validation = p.data.validation.examples;
    job.config = c.training;
    job.config.logging_steps = 1;
    job.plan = make_epoch_plan(c.training, job.train, 3, true);
    job.context = make_context(1);
    job.compute = plan;
    std::vector<double> all;
    for (const Json& e : fit(job).state.log_history)
      for (const char* key : {"loss", "eval_loss", "grad_norm"})
        if (e.contains(key)) all.push_back(e[key].get<double>());
    return all;
  };
  const auto plain = losses({}), parts = losses({.train_tokens = 300, .eval_tokens = 100}), recomputed = losses({.recompute = true});
  ASSERT_EQ(plain.size(), parts.size());
  ASSERT_GT(plain.size(), 10u);
  EXPECT_EQ(plain, recomputed);
  for (size_t i = 0; i < plain.size(); ++i) EXPECT_NEAR(parts[i], plain[i], 1e-5 * plain[i]) << i;
  EXPECT_NE(plain, parts) << "nothing was computed in parts";
}

/// Where nothing fits, the error says what would: shorter rows, else fewer trained weights.
TEST_F(Memory, TheErrorNamesWhatWouldFit) {
  write_file_atomically(
      root_ / "config.json",
      R"({"model_type": "bert", "hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 1024})");
  RunConfig c = config("lora", "run");
  c.model = root_.string();
  const OpenedModel opened = open_model(c.model, "", c.model_config);
  TrainingConfig one = c.training;
  one.per_device_train_batch_size = one.per_device_eval_batch_size = 1;
  const auto need = [&](DryRun& dry, int64_t length) {
    return memory_need(dry, blank_workload(one, dry.task(), length), one, {.recompute = true}).held();
  };
  const auto error_of = [&](DryRun& dry, int64_t tensors) {
    const int64_t any = int64_t{1} << 40;
    c.memory_limit = std::to_string(tensors + any - room_for_tensors(any));
    try {
      plan_within_limit(dry, opened, c, blank_workload(c.training, dry.task(), 512));
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kMemory);
      EXPECT_EQ(e.info().id, "memory.limit");
      return e.info().hint;
    }
    return std::string("none");
  };
  TaskSettings settings;
  settings.labels = default_labels(2);
  DryRun lora(opened, settings, c.peft);
  const std::string shorter = error_of(lora, need(lora, 256) + (int64_t{1} << 18));
  ASSERT_EQ(shorter.rfind("max_length=", 0), 0u) << shorter;
  const int64_t length = std::stol(shorter.substr(11));
  EXPECT_GE(length, 240);
  EXPECT_LT(length, 300);

  c.peft.method = "full";
  DryRun full(opened, settings, c.peft);
  EXPECT_EQ(error_of(full, need(full, 8) / 2), "--method lora would fit");
  EXPECT_THAT(error_of(full, need(lora, 8) / 2), HasSubstr("smaller model"));
}

}  // namespace
}  // namespace attune
