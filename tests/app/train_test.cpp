// The recipe as a whole on a tiny model: files of a run folder, resume, refusals, labels and weights.
#include "app/train.h"

#include <gtest/gtest.h>

#include "app/evaluate.h"
#include "app/train_rig.h"
#include "app/training_data.h"
#include "io/checkpoint.h"
#include "train/loop.h"

namespace attune {
namespace {

using Train = TrainRig;

TEST_F(Train, LeavesARunFolderThatStandsAlone) {
  const TrainResult r = train(config("lora", "run"));
  EXPECT_EQ(r.steps, 20);
  for (const char* name : {"adapter_config.json", "adapter_model.safetensors", "attune.json", "config.yaml", "trainer_state.json",
                           "all_results.json", "train_results.json", "eval_results.json", "test_results.json", "predictions.jsonl",
                           "validation_predictions.jsonl", "metrics.jsonl", "README.md", "vocab.txt", "manifest.json"})
    EXPECT_TRUE(file_exists(r.output_dir / name)) << name;
  EXPECT_TRUE(check_manifest(r.output_dir, true).problems.empty());
  EXPECT_TRUE(r.results.contains("eval_accuracy") && r.results.contains("test_accuracy") && r.results.contains("train_loss"))
      << r.results.dump();
  std::vector<Json> rows;
  for_each_line(r.output_dir / "predictions.jsonl", [&](std::string_view line, uint64_t) {
    rows.push_back(parse_json(line, "predictions.jsonl"));
    return true;
  });
  ASSERT_EQ(rows.size(), 10u);
  EXPECT_EQ(rows[0]["id"], Json("te0"));
  double sum = 0;
  for (const auto& [label, score] : rows[0]["scores"].items()) sum += score.get<double>();
  EXPECT_NEAR(sum, 1, 1e-6);

  EvaluateOptions again;
  again.model = r.output_dir.string();
  again.file = (root_ / "test.csv").string();
  again.threads = 1;
  const Json e = evaluate(again);
  EXPECT_EQ(e["accuracy"], r.results["test_accuracy"]);
  EXPECT_NEAR(e["loss"].get<double>(), r.results["test_loss"].get<double>(), 1e-6);
}

TEST_F(Train, ResumedRunsEndInTheSameFiles) {
  for (const std::string method : {"lora", "full"}) {
    const std::string file = method == "lora" ? "adapter_model.safetensors" : "model.safetensors";
    const RunConfig straight = config(method, "straight_" + method);
    train(straight);
    for (const int64_t step : {5, 10, 20}) {
      RunConfig cut = config(method, "cut_" + method + std::to_string(step));
      const std::string name = "checkpoint-" + std::to_string(step);
      fs::create_directories(cut.output_dir);
      fs::copy(fs::path(straight.output_dir) / name, fs::path(cut.output_dir) / name, fs::copy_options::recursive);
      cut.resume = true;
      train(cut);
      for (const std::string& f : {file, std::string("predictions.jsonl")})
        EXPECT_EQ(sha256_file(fs::path(cut.output_dir) / f), sha256_file(fs::path(straight.output_dir) / f)) << f << " from " << name;
      EXPECT_EQ(sha256_file(fs::path(cut.output_dir) / "checkpoint-20/optimizer.safetensors"),
                sha256_file(fs::path(straight.output_dir) / "checkpoint-20/optimizer.safetensors"));
    }
  }
}

TEST_F(Train, ResumeTakesTheNewestWholeCheckpoint) {
  const RunConfig c = config("lora", "run");
  train(c);
  const fs::path newest = fs::path(c.output_dir) / "checkpoint-20/optimizer.safetensors";
  std::string bytes = read_file(newest);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  fs::remove(newest);
  write_file_atomically(newest, bytes);
  RunConfig again = c;
  again.resume = true;
  EXPECT_EQ(train(again).steps, 20);  // from checkpoint-15
  EXPECT_TRUE(find_checkpoints(c.output_dir, CheckpointTrust::kAllHashes).skipped.empty());
}

TEST_F(Train, ResumeRefusesWhatChanged) {
  const RunConfig c = config("lora", "run");
  train(c);
  const auto resumed = [&](const std::function<void(RunConfig&)>& change) {
    return id_of([&] {
      RunConfig again = c;
      again.resume = true;
      change(again);
      train(again);
    });
  };
  EXPECT_EQ(resumed([](RunConfig& r) { r.training.learning_rate = 2e-3; }), "resume.mismatch");
  EXPECT_EQ(resumed([](RunConfig& r) { r.peft.lora_dropout = 0; }), "resume.mismatch");
  EXPECT_EQ(resumed([](RunConfig& r) { r.training.save_total_limit = 1; }), "none");
  write_rows("train.csv", 40, 9);
  EXPECT_EQ(resumed([](RunConfig&) {}), "resume.mismatch");
}

TEST_F(Train, RefusesFoldersInUse) {
  RunConfig c = config("lora", "run");
  fs::create_directories(c.output_dir);
  write_file_atomically(fs::path(c.output_dir) / "mine.txt", "mine");
  EXPECT_EQ(id_of([&] { train(c); }), "run.not_empty");
  c.overwrite = true;
  train(c);
  train(c);
  EXPECT_EQ(read_file(fs::path(c.output_dir) / "mine.txt"), "mine");
  {
    FolderLock lock(c.output_dir);
    EXPECT_EQ(id_of([&] { train(c); }), "run.locked");
  }
  c.output_dir = c.model;
  EXPECT_EQ(id_of([&] { train(c); }), "run.output_is_input");
}

TEST_F(Train, ClassWeights) {
  TaskSettings settings;
  settings.labels = {"negative", "positive"};
  const auto task = make_task(settings);
  std::vector<Example> examples(8);
  for (size_t i = 0; i < 8; ++i) examples[i].labels.id = i < 6 ? 0 : 1;
  EXPECT_TRUE(class_weights_of({"none", {}}, *task, examples).empty());
  const auto balanced = class_weights_of({"balanced", {}}, *task, examples);
  EXPECT_FLOAT_EQ(balanced[0], 8.0f / 12);  // as scikit-learn
  EXPECT_FLOAT_EQ(balanced[1], 2.0f);
  EXPECT_EQ(class_weights_of({"", {{"positive", 3.0}}}, *task, examples), (std::vector<float>{1, 3}));
  EXPECT_EQ(id_of([&] { class_weights_of({"", {{"positiv", 3.0}}}, *task, examples); }), "train.class_weights");
}

TEST_F(Train, HeldOutPartsAreDisjointAndSeeded) {
  RunConfig c = config("lora", "run");
  c.data.validation.clear();
  c.data.test.clear();
  c.data.validation_split = 0.2;
  c.data.test_split = 0.1;
  const OpenedModel opened = open_model(c.model, "", c.model_config);
  const TrainingData a = read_training_data(c, opened), b = read_training_data(c, opened);
  EXPECT_EQ(a.validation.rows.size() + a.test.rows.size() + a.train.rows.size(), 40u);
  EXPECT_EQ(a.test.rows.size(), 4u);
  std::set<std::string> seen;
  for (const SplitData* s : {&a.train, &a.validation, &a.test})
    for (const Row& row : s->rows) EXPECT_TRUE(seen.insert(s->id(row)).second) << s->id(row);
  ASSERT_EQ(a.validation.rows.size(), b.validation.rows.size());
  for (size_t i = 0; i < a.validation.rows.size(); ++i) EXPECT_EQ(a.validation.id(a.validation.rows[i]), b.validation.id(b.validation.rows[i]));
}

}  // namespace
}  // namespace attune
