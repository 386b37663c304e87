// Imbalance and calibration of whole runs: what is fitted on validation rows is kept with the model and used wherever it answers.
#include <gtest/gtest.h>

#include <cmath>

#include "app/evaluate.h"
#include "app/merge.h"
#include "app/predict.h"
#include "app/train.h"
#include "app/train_rig.h"
#include "io/checkpoint.h"

namespace attune {
namespace {

class TuneDecision : public TrainRig {
 protected:
  void SetUp() override {
    TrainRig::SetUp();
    write_two("train.csv", 60, 1);
    write_two("validation.csv", 30, 2);
    write_two("test.csv", 30, 3);
  }
  /// One row of five is rare, and says so in words most of the time.
  void write_two(const std::string& name, int rows, uint64_t seed) {
    std::string text = "id,text,label\n";
    for (int i = 0; i < rows; ++i) {
      const uint64_t h = seed * 7919 + static_cast<uint64_t>(i) * 104729;
      const bool rare = i % 5 == 0, clear = h % 4 != 0;
      text += name.substr(0, 2) + std::to_string(i) + ",the film was " + (rare == clear ? "awful" : "great") + " " + kWords[h % 10] + (rare ? ",rare\n" : ",common\n");
    }
    write_file_atomically(root_ / name, text);
  }
  void write_several(const std::string& name, int rows, uint64_t seed) {
    std::string text;
    for (int i = 0; i < rows; ++i) {
      const uint64_t h = seed * 7919 + static_cast<uint64_t>(i) * 104729;
      std::string labels = h % 3 == 0 ? "\"a\"" : "";
      if (h % 2 == 0) labels += std::string(labels.empty() ? "" : ",") + "\"b\"";
      if (i == 0 && name == "train.jsonl") labels = "\"a\",\"b\",\"c\"";
      text += "{\"text\":\"the film was " + std::string(kWords[h % 10]) + "\",\"labels\":[" + labels + "]}\n";
    }
    write_file_atomically(root_ / name, text);
  }
  /// Of a model whose head has two labels.
  RunConfig two(const std::string& output) const {
    RunConfig c = config("lora", output);
    c.model = (fs::path(ATTUNE_SOURCE_DIR) / "tests/golden/models/bert_cased").string();
    return c;
  }
  RunConfig tuned(const std::string& output) const {
    RunConfig c = two(output);
    c.training.num_train_epochs = 3;
    c.training.learning_rate = 5e-3;
    c.training.temperature_scaling = true;
    c.training.tune_threshold = ThresholdMetric::kF1;
    return c;
  }
  static std::vector<Json> lines(const fs::path& file) {
    std::vector<Json> rows;
    for_each_line(file, [&](std::string_view line, uint64_t) {
      rows.push_back(parse_json(line, file.string()));
      return true;
    });
    return rows;
  }
  Json evaluated(const fs::path& model, const std::string& file) const {
    EvaluateOptions o;
    o.model = model.string();
    o.file = (root_ / file).string();
    o.threads = 1;
    return evaluate(o);
  }
};

TEST_F(TuneDecision, IsKeptWithTheModelAndUsedEverywhere) {
  const TrainResult r = train(tuned("run"));
  const Json& decision = r.results["decision"];
  const double temperature = decision["temperature"].get<double>(), threshold = decision["decision_thresholds"]["rare"].get<double>();
  EXPECT_GT(temperature, 0);
  EXPECT_NE(temperature, 1);
  EXPECT_EQ(decision["tuned_for"], "f1");
  for (const char* split : {"validation", "test"})
    for (const char* metric : {"f1", "accuracy", "log_loss", "ece"}) EXPECT_TRUE(decision[split][metric]["before"].is_number() && decision[split][metric]["after"].is_number()) << split << metric;
  EXPECT_GE(decision["validation"]["f1"]["after"].get<double>(), decision["validation"]["f1"]["before"].get<double>());
  EXPECT_LE(decision["validation"]["log_loss"]["after"].get<double>(), decision["validation"]["log_loss"]["before"].get<double>());

  const Json side = read_json(r.output_dir / "attune.json");
  EXPECT_EQ(side["temperature"], temperature);
  EXPECT_EQ(side["decision_thresholds"], Json({{"rare", threshold}}));
  const Checkpoint last = *find_checkpoints(r.output_dir).newest();
  EXPECT_FALSE(read_json(last.folder / "attune.json").contains("temperature"));
  EXPECT_NE(read_file(r.output_dir / "README.md").find("temperature"), std::string::npos);

  // The run's metrics, those of evaluate, and the stored predictions are of the same labels.
  EXPECT_EQ(r.results["test_accuracy"], decision["test"]["accuracy"]["after"]);
  const Json e = evaluated(r.output_dir, "test.csv");
  EXPECT_EQ(e["accuracy"], r.results["test_accuracy"]);
  EXPECT_EQ(e["temperature"], temperature);
  EXPECT_EQ(e["decision_thresholds"]["rare"], threshold);
  int64_t right = 0, rows = 0;
  double loss = 0;
  for (const Json& row : lines(r.output_dir / "predictions.jsonl")) {
    const double p = row["scores"]["rare"].get<double>();
    EXPECT_EQ(row["prediction"], p >= threshold ? "rare" : "common");
    right += row["prediction"] == row["gold"];
    loss -= std::log(row["scores"][row["gold"].get<std::string>()].get<double>());
    ++rows;
  }
  EXPECT_NEAR(static_cast<double>(right) / static_cast<double>(rows), e["accuracy"].get<double>(), 1e-12);
  EXPECT_NEAR(loss / static_cast<double>(rows), decision["test"]["log_loss"]["after"].get<double>(), 1e-9);
  EXPECT_NEAR(e["loss"].get<double>(), decision["test"]["log_loss"]["before"].get<double>(), 1e-6);  // evaluation's loss stays plain

  // predict: probabilities at the temperature, labels by the threshold, logits as they are. A merged folder says the same.
  MergeOptions merging;
  merging.adapter = r.output_dir.string();
  merging.output_dir = (root_ / "merged").string();
  merging.threads = 1;
  EXPECT_TRUE(merge(merging).passed);
  EXPECT_EQ(read_json(root_ / "merged/attune.json")["temperature"], temperature);
  for (const fs::path& model : {r.output_dir, root_ / "merged"}) {
    PredictOptions o;
    o.model = model.string();
    o.input = (root_ / "test.csv").string();
    o.logits = true;
    o.threads = 1;
    const std::vector<Json> stored = lines(r.output_dir / "predictions.jsonl");
    size_t i = 0;
    predict(o, [&](const PredictedRow& row) {
      const double a = row.object["logits"][0].get<double>(), b = row.object["logits"][1].get<double>();
      const double p = row.object["scores"]["rare"].get<double>();
      EXPECT_NEAR(p, 1 / (1 + std::exp((a - b) / temperature)), 1e-6);
      EXPECT_EQ(row.object["label"], p >= threshold ? "rare" : "common");
      EXPECT_EQ(row.object["label"], stored[i]["prediction"]) << model;
      EXPECT_NEAR(p, stored[i]["scores"]["rare"].get<double>(), 1e-5);
      ++i;
    });
    EXPECT_EQ(i, stored.size());
  }
}

TEST_F(TuneDecision, TemperatureAloneChangesNoLabel) {
  RunConfig c = tuned("plain");
  c.training.temperature_scaling = false;
  c.training.tune_threshold = ThresholdMetric::kNone;
  const TrainResult plain = train(c);
  EXPECT_FALSE(plain.results.contains("decision"));
  EXPECT_FALSE(read_json(plain.output_dir / "attune.json").contains("temperature"));
  c = tuned("scaled");
  c.training.tune_threshold = ThresholdMetric::kNone;
  const TrainResult scaled = train(c);
  EXPECT_FALSE(read_json(scaled.output_dir / "attune.json").contains("decision_thresholds"));
  const auto a = lines(plain.output_dir / "predictions.jsonl"), b = lines(scaled.output_dir / "predictions.jsonl");
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i]["prediction"], b[i]["prediction"]);
    EXPECT_NE(a[i]["scores"], b[i]["scores"]);
  }
  EXPECT_EQ(plain.results["test_loss"], scaled.results["test_loss"]);
}

TEST_F(TuneDecision, AResumedRunFindsTheSame) {
  const RunConfig whole = tuned("whole");
  const TrainResult r = train(whole);
  RunConfig cut = tuned("cut");
  fs::create_directories(cut.output_dir);
  fs::copy(fs::path(whole.output_dir) / "checkpoint-10", fs::path(cut.output_dir) / "checkpoint-10", fs::copy_options::recursive);
  cut.resume = true;
  EXPECT_EQ(train(cut).results["decision"], r.results["decision"]);
  cut.training.tune_threshold = ThresholdMetric::kYouden;  // decided after training: may be asked differently on a finished run
  EXPECT_EQ(train(cut).results["decision"]["tuned_for"], "youden");
  cut.training.focal_gamma = 2;
  EXPECT_EQ(id_of([&] { train(cut); }), "resume.mismatch");
}

TEST_F(TuneDecision, TrainingOnLeavesItBehind) {
  const TrainResult first = train(tuned("first"));
  RunConfig c = config("", "second");
  c.peft = {};
  c.model = first.output_dir.string();
  const TrainResult second = train(c);
  EXPECT_FALSE(read_json(second.output_dir / "attune.json").contains("temperature"));
  EXPECT_FALSE(second.results.contains("decision"));
}

TEST_F(TuneDecision, EachOfSeveralLabelsHasAThreshold) {
  for (const auto& [name, rows, seed] : {std::tuple{"train.jsonl", 40, 1u}, {"validation.jsonl", 20, 2u}, {"test.jsonl", 20, 3u}}) write_several(name, rows, seed);
  RunConfig c = config("lora", "run");
  c.data.train = (root_ / "train.jsonl").string();
  c.data.validation = (root_ / "validation.jsonl").string();
  c.data.test = (root_ / "test.jsonl").string();
  c.problem_type = "multi_label_classification";
  c.training.tune_threshold = ThresholdMetric::kF1;
  c.training.focal_gamma = 2;
  const TrainResult r = train(c);
  const Json& decision = r.results["decision"];
  EXPECT_EQ(decision["decision_thresholds"]["c"], 0.5);  // no validation row has it
  EXPECT_TRUE(decision["undefined"].contains("c"));
  EXPECT_GE(decision["validation"]["f1_macro"]["after"].get<double>(), decision["validation"]["f1_macro"]["before"].get<double>());
  for (const Json& row : lines(r.output_dir / "predictions.jsonl")) {
    Json said = Json::array();
    for (const auto& [label, t] : decision["decision_thresholds"].items())
      if (row["scores"][label].get<double>() >= t.get<double>()) said.push_back(label);
    EXPECT_EQ(row["prediction"], said);
  }
  c.training.temperature_scaling = true;
  c.output_dir = (root_ / "other").string();
  EXPECT_EQ(id_of([&] { train(c); }), "decision.task");
}

TEST_F(TuneDecision, RefusesWhatCannotBeFitted) {
  const auto with = [&](const std::function<void(RunConfig&)>& change) {
    RunConfig c = tuned("refused");
    c.overwrite = true;
    change(c);
    return id_of([&] { train(c); });
  };
  EXPECT_EQ(with([](RunConfig& c) { c.data.validation.clear(); }), "decision.no_validation");
  write_file_atomically(root_ / "one.csv", "text,label\nthe film,common\nthe plot,common\n");
  EXPECT_EQ(with([&](RunConfig& c) { c.data.validation = (root_ / "one.csv").string(); }), "decision.one_class");
  write_rows("three.csv", 30, 4);
  const auto three = [&](RunConfig& c) {
    c.model = config("lora", "").model;
    c.data.train = c.data.validation = c.data.test = (root_ / "three.csv").string();
  };
  EXPECT_EQ(with(three), "decision.task");
  EXPECT_EQ(with([&](RunConfig& c) {
              three(c);
              c.training.tune_threshold = ThresholdMetric::kNone;
            }),
            "none");
  EXPECT_EQ(with([](RunConfig& c) {
              c.problem_type = "multi_label_classification";
              c.training.temperature_scaling = false;
              c.training.train_sampling_strategy = Sampling::kWeighted;
            }),
            "train.sampling");
}

TEST_F(TuneDecision, WeightedRunsWithFocalLossResumeExactly) {
  RunConfig c = two("whole");
  c.training.train_sampling_strategy = Sampling::kWeighted;
  c.training.focal_gamma = 2;
  c.training.class_weights = {"balanced", {}};
  const TrainResult r = train(c);
  EXPECT_EQ(r.steps, 30);
  RunConfig cut = c;
  cut.output_dir = (root_ / "cut").string();
  fs::create_directories(cut.output_dir);
  fs::copy(fs::path(c.output_dir) / "checkpoint-20", fs::path(cut.output_dir) / "checkpoint-20", fs::copy_options::recursive);
  cut.resume = true;
  train(cut);
  EXPECT_EQ(sha256_file(fs::path(cut.output_dir) / "adapter_model.safetensors"), sha256_file(fs::path(c.output_dir) / "adapter_model.safetensors"));
  cut.training.train_sampling_strategy = Sampling::kRandom;
  EXPECT_EQ(id_of([&] { train(cut); }), "resume.mismatch");
}

}  // namespace
}  // namespace attune
