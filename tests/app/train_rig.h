// A fresh folder with small labelled files and the configuration of a training on them.
#pragma once

#include <gtest/gtest.h>

#include <functional>

#include "app/run_config.h"
#include "base/error.h"
#include "base/files.h"

namespace attune {

inline const char* const kWords[] = {"good", "bad", "film", "the", "great", "awful", "plot", "was", "not", "story"};

class TrainRig : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();  // tests of two suites run side by side
    root_ = fs::path(testing::TempDir()) / (std::string("attune_app_") + test->test_suite_name() + "_" + test->name());
    fs::remove_all(root_);
    fs::create_directories(root_);
    write_rows("train.csv", 40, 1);
    write_rows("validation.csv", 12, 2);
    write_rows("test.csv", 10, 3);
  }
  /// Texts of 2 to `words` + 1 words.
  void write_rows(const std::string& name, int rows, uint64_t seed, uint64_t words = 6) {
    std::string text = "id,text,label\n";
    for (int i = 0; i < rows; ++i) {
      const uint64_t h = seed * 7919 + static_cast<uint64_t>(i) * 104729;
      text += name.substr(0, 2) + std::to_string(i) + ",";
      for (uint64_t w = 0; w < 2 + h % words; ++w) text += std::string(w ? " " : "") + kWords[(h / (w + 1) + w) % 10];
      text += i % 3 == 0 ? ",positive\n" : i % 3 == 1 ? ",negative\n" : ",neutral\n";
    }
    write_file_atomically(root_ / name, text);
  }
  RunConfig config(const std::string& method, const std::string& output) const {
    RunConfig c;
    c.model = (fs::path(ATTUNE_SOURCE_DIR) / "tests/golden/models/bert").string();
    c.data.train = (root_ / "train.csv").string();
    c.data.validation = (root_ / "validation.csv").string();
    c.data.test = (root_ / "test.csv").string();
    c.data.max_length = 16;
    c.peft.method = method;
    c.peft.lora_dropout = 0.1;
    if (method == "lora") c.peft.target_modules.names = {"query", "value"};
    c.training.seed = 3;
    c.training.per_device_train_batch_size = 4;
    c.training.num_train_epochs = 2;
    c.training.learning_rate = 1e-3;
    c.training.save_strategy = Interval::kSteps;
    c.training.save_steps = 5;
    c.training.save_total_limit.reset();
    c.threads = 1;
    c.output_dir = (root_ / output).string();
    return c;
  }
  std::string id_of(const std::function<void()>& action) {
    try {
      action();
    } catch (const Error& e) {
      return e.info().id;
    }
    return "none";
  }
  fs::path root_;
};

}  // namespace attune
