#include "train/trainer_state.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "base/error.h"
#include "train/callbacks.h"

namespace attune {
namespace {

TrainerState filled() {
  TrainerState s;
  s.global_step = 12;
  s.epoch = 1.5;
  s.max_steps = 24;
  s.num_train_epochs = 3;
  s.train_batch_size = 8;
  s.best_metric = 0.25;
  s.best_global_step = 8;
  s.best_model_checkpoint = "checkpoint-8";
  s.seed = 42;
  s.data_seed = 7;
  s.epoch_index = 1;
  s.position = 4;
  s.optimizer_updates = 11;
  s.skipped_steps = 1;
  s.window_loss = 0.1 + 0.2;
  s.total_loss = std::numeric_limits<double>::quiet_NaN();
  s.evaluated_step = 8;
  Json entry = {{"step", 12}};
  put_number(entry, "loss", std::numeric_limits<double>::infinity());
  s.log_history.push_back(entry);
  return s;
}

fs::path written(const TrainerState& s) {
  const fs::path folder = fs::path(testing::TempDir()) / "attune_state";
  fs::create_directories(folder);
  write_file_atomically(folder / kTrainerStateName, dump_json(s.to_json()));
  write_file_atomically(folder / kRandomStateName, dump_json(s.random_json()));
  return folder;
}

TEST(TrainerState, HasTheKeysOfTransformers) {
  std::set<std::string> keys;
  const Json json = filled().to_json();
  for (const auto& [key, value] : json.items()) keys.insert(key);
  EXPECT_EQ(keys, (std::set<std::string>{"best_global_step", "best_metric", "best_model_checkpoint", "epoch", "eval_steps", "global_step", "is_hyper_param_search",
                                         "is_local_process_zero", "is_world_process_zero", "log_history", "logging_steps", "max_steps", "num_input_tokens_seen",
                                         "num_train_epochs", "save_steps", "stateful_callbacks", "total_flos", "train_batch_size", "trial_name", "trial_params"}));
}

TEST(TrainerState, ReadsBackToTheBit) {
  const TrainerState s = filled(), back = TrainerState::read(written(s));
  EXPECT_EQ(dump_json(back.to_json()), dump_json(s.to_json()));
  EXPECT_EQ(dump_json(back.random_json()), dump_json(s.random_json()));
  EXPECT_EQ(back.window_loss, 0.1 + 0.2);
  EXPECT_TRUE(std::isnan(back.total_loss));
  EXPECT_EQ(back.best_step_kept(), 8);
  EXPECT_TRUE(std::isinf(number_of(back.log_history[0]["loss"])));
}

TEST(TrainerState, StepsMustAgree) {
  TrainerState s = filled();
  const fs::path folder = written(s);
  s.global_step = 13;
  write_file_atomically(folder / kRandomStateName, dump_json(s.random_json()));
  try {
    TrainerState::read(folder);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.info().id, "checkpoint.state");
  }
}

TEST(TrainerState, ANewerFormatSaysSo) {
  const fs::path folder = written(filled());
  Json random = filled().random_json();
  random["format"] = 2;
  write_file_atomically(folder / kRandomStateName, dump_json(random));
  try {
    TrainerState::read(folder);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kInput);
    EXPECT_EQ(e.info().id, "checkpoint.newer");
  }
}

TEST(LogLine, ReadsAsTheTrainers) {
  EXPECT_EQ(log_line({{"epoch", 2.0}, {"grad_norm", 1.9}, {"learning_rate", 9.5e-4}, {"loss", 0.412}, {"step", 40}}),
            "{'loss': 0.412, 'grad_norm': 1.9, 'learning_rate': 9.500e-04, 'epoch': 2.0}");
  EXPECT_EQ(log_line({{"epoch", 1.0}, {"eval_loss", 0.393}, {"eval_accuracy", 0.883}, {"eval_runtime", 12.1}, {"eval_samples_per_second", 82.6}, {"step", 4}}),
            "{'eval_loss': 0.393, 'eval_accuracy': 0.883, 'eval_runtime': 12.1, 'eval_samples_per_second': 82.6, 'epoch': 1.0}");
  EXPECT_EQ(log_line({{"epoch", 0.5}, {"loss", "NaN"}, {"non_finite", true}}), "{'loss': NaN, 'epoch': 0.5}");
}

}  // namespace
}  // namespace attune
