// attune analyze on a tiny model: cells kept, computed again alike, failures that stop nothing, and what the report says.
#include <gmock/gmock.h>

#include "app/analysis_page.h"
#include "app/repeat.h"
#include "train_rig.h"

namespace attune {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class AnalyzeTest : public TrainRig {
 protected:
  AnalyzeConfig analysis(const std::string& output) const {
    AnalyzeConfig c;
    c.run = config("lora", output);
    c.run.training.num_train_epochs = 1;
    c.variants = Json::parse(R"({"list": ["base", "lora", {"name": "broken", "peft.target_modules": ["nope"]}, {"name": "none", "peft.r": 0}, "full"], "seeds": 2})");
    c.analysis.jobs = 1;  // this process may have run kernels on several threads, whose team is not forked
    c.analysis.draws = 200;
    settle_analyze_config(c, {});
    return c;
  }
  /// Without what differs from process to process: times.
  static Json without_times(Json j) {
    if (j.is_object()) {
      for (const char* key : {"cost", "plan", "step_seconds_p50"}) j.erase(key);
      for (auto& [key, value] : j.items()) value = without_times(value);
    }
    if (j.is_array())
      for (Json& value : j) value = without_times(value);
    return j;
  }
  static Json told(const Analysis& a) { return without_times(to_json(a, summarise(a))); }
};

TEST_F(AnalyzeTest, CellsAreComputedOnceAndFailuresStopNothing) {
  const Analysis a = run_analysis(analysis("analysis"));
  ASSERT_EQ(a.results.size(), 10u);
  for (size_t s : {0, 1}) {
    EXPECT_EQ(a.results[a.cell(0, s)].state, CellResult::State::kDone);
    EXPECT_EQ(a.results[a.cell(1, s)].state, CellResult::State::kDone);
    EXPECT_EQ(a.results[a.cell(2, s)].state, CellResult::State::kFailed);
    EXPECT_THAT(a.results[a.cell(2, s)].error, HasSubstr("nope"));
    EXPECT_THAT(a.results[a.cell(3, s)].error, HasSubstr("peft.r"));
    EXPECT_EQ(a.results[a.cell(4, s)].state, CellResult::State::kDone);
  }
  EXPECT_EQ(a.results[0].results["head_origin"], "from-checkpoint");
  EXPECT_GT(a.results[0].results["phase_seconds"]["evaluation"].get<double>(), 0) << "an evaluation without training is one";
  const Analysis again = run_analysis(analysis("analysis"));
  for (size_t i : {0, 1, 2, 3, 8, 9}) EXPECT_EQ(again.results[i].state, CellResult::State::kKept) << i;
  EXPECT_EQ(told(a), told(again));
}

TEST_F(AnalyzeTest, AHalfDoneAnalysisGoesOnToTheSameReport) {
  const Analysis whole = run_analysis(analysis("whole"));
  run_analysis(analysis("half"));
  // As a kill leaves it: one cell gone, one without its last file.
  fs::remove_all(root_ / "half/cells" / whole.cells[2].hash);
  fs::remove(root_ / "half/cells" / whole.cells[9].hash / "cell.json");
  const Analysis half = run_analysis(analysis("half"));
  EXPECT_EQ(half.results[2].state, CellResult::State::kDone);
  EXPECT_EQ(half.results[9].state, CellResult::State::kDone);
  EXPECT_EQ(half.results[3].state, CellResult::State::kKept);
  EXPECT_EQ(told(whole), told(half));
  EXPECT_EQ(read_file(root_ / "whole/cells" / whole.cells[9].hash / "model.safetensors"), read_file(root_ / "half/cells" / whole.cells[9].hash / "model.safetensors"));
}

TEST_F(AnalyzeTest, ACellGivesWhatTheSameTrainingGivesAlone) {
  const Analysis a = run_analysis(analysis("analysis"));
  RunConfig alone = a.cells[a.cell(1, 1)].config;
  alone.output_dir = (root_ / "alone").string();
  train(alone);
  EXPECT_EQ(read_file(root_ / "alone/adapter_model.safetensors"), read_file(fs::path(a.cells[a.cell(1, 1)].config.output_dir) / "adapter_model.safetensors"));
  EXPECT_EQ(read_file(root_ / "alone/predictions.jsonl"), read_file(fs::path(a.cells[a.cell(1, 1)].config.output_dir) / "predictions.jsonl"));
}

TEST_F(AnalyzeTest, ACellInCodesDoesNotCountTheSharedBase) {
  AnalyzeConfig c = analysis("analysis");
  c.variants = Json::parse(R"(["lora", "qlora_int8"])");
  const Analysis a = run_analysis(c);
  const auto weights = [&](size_t cell) { return a.results[cell].results["memory_peak_bytes"]["weights"].get<int64_t>(); };
  EXPECT_LT(weights(1), weights(0));
}

TEST_F(AnalyzeTest, AChangedSettingIsAnotherCell) {
  const Analysis a = run_analysis(analysis("analysis"));
  AnalyzeConfig other = analysis("analysis");
  other.run.training.learning_rate = 2e-3;
  const Analysis b = run_analysis(other);
  EXPECT_NE(a.cells[2].hash, b.cells[2].hash);
  EXPECT_EQ(b.results[2].state, CellResult::State::kDone);
  // Evaluation before training does not depend on it, but the hash is of all settings.
  write_rows("test.csv", 11, 3);
  const Analysis c = run_analysis(analysis("analysis"));
  EXPECT_NE(a.cells[2].hash, c.cells[2].hash);
}

TEST_F(AnalyzeTest, ReportHasTheLayoutItsReadersKnow) {
  const Analysis a = run_analysis(analysis("analysis"));
  const AnalysisSummary s = summarise(a);
  ASSERT_EQ(s.scored, 3u);
  EXPECT_THAT(s.variants[3].failures, ElementsAre(HasSubstr("seed 3, 4: ")));
  EXPECT_TRUE(s.ship);
  EXPECT_THAT(s.answer, HasSubstr("Ship "));
  write_analysis(a, s, "attune analyze config.yaml");
  for (const char* name : {"report.html", "report.md", "results/metrics/analysis.json", "results/metrics/variants.csv", "results/models/models.csv", "results/visualizations/variant-scores.csv"})
    EXPECT_TRUE(file_exists(root_ / "analysis" / name)) << name;
  EXPECT_TRUE(file_exists(root_ / "analysis/results/models/lora-seed-3/adapter_model.safetensors"));
  const std::string page = read_file(root_ / "analysis/report.html");
  EXPECT_THAT(page, HasSubstr("head=from-checkpoint"));
  EXPECT_THAT(page, HasSubstr("selects no layer"));
}

TEST_F(AnalyzeTest, BaselinesAreAnsweredOnceAndStandBesideTheVariants) {
  AnalyzeConfig c = analysis("analysis");
  c.variants = Json::parse(R"({"list": ["lora", "full"], "seeds": 2})");
  const Analysis without = run_analysis(c);
  EXPECT_TRUE(summarise(without).baselines.empty());
  c.run.baselines = {"majority", "bow"};
  const Analysis a = run_analysis(c);
  EXPECT_EQ(a.results[0].state, CellResult::State::kKept) << "they change no cell";
  const AnalysisSummary s = summarise(a);
  ASSERT_EQ(s.baselines.size(), 2u);
  RunConfig alone = a.cells[0].config;
  alone.output_dir = (root_ / "alone").string();
  alone.baselines = c.run.baselines;
  const Json results = train(alone).results;
  for (const BaselineScore& b : s.baselines) {
    const std::string key = std::string("baseline_") + b.name();
    EXPECT_EQ(read_file(root_ / "analysis" / (key + "_predictions.jsonl")), read_file(root_ / "alone" / (key + "_predictions.jsonl")));
    EXPECT_DOUBLE_EQ(b.score, results[key + "_accuracy"].get<double>());
    ASSERT_TRUE(b.interval);
    EXPECT_DOUBLE_EQ(b.interval->low, results[key + "_accuracy_interval"][0].get<double>());
    EXPECT_NEAR(b.shipped.difference, s.variants[*s.ship].mean() - b.score, 1e-12);
    EXPECT_LE(b.shipped.low, b.shipped.difference);
    EXPECT_GE(b.shipped.high, b.shipped.difference);
    EXPECT_THAT(b.sentence, HasSubstr(std::string("**") + b.name() + "** ("));
  }
  const BaselineScore& strongest = s.baselines[s.baselines[1].score > s.baselines[0].score];
  EXPECT_THAT(s.reasons, Contains(strongest.sentence));
  write_analysis(a, s, "attune analyze config.yaml");
  EXPECT_THAT(read_file(root_ / "analysis/results/metrics/baselines.csv"), HasSubstr("bow,"));
  EXPECT_THAT(read_file(root_ / "analysis/results/visualizations/variant-scores.csv"), HasSubstr("\nbow,"));
  EXPECT_EQ(to_json(a, s)["baselines"].size(), 2u);
  EXPECT_THAT(analysis_text(a, s), HasSubstr("\nbow "));
}

TEST_F(AnalyzeTest, SelectiveTakesAsManyLayersAsLora) {
  AnalyzeConfig c = analysis("analysis");
  c.variants = Json::parse(R"(["lora", "selective"])");
  const Analysis a = run_analysis(c);
  EXPECT_FALSE(a.ranking.empty());
  EXPECT_TRUE(std::is_sorted(a.ranking.begin(), a.ranking.end(), [](const auto& x, const auto& y) { return x.score > y.score; }));
  EXPECT_EQ(a.cells[1].config.peft.target_modules.names.size(), 6u);  // query and value of three layers
  EXPECT_EQ(a.cells[1].config.peft.target_modules.names.front(), a.ranking.front().module);
}

TEST_F(AnalyzeTest, AFolderOfSomethingElseIsLeftAlone) {
  fs::create_directories(root_ / "full");
  write_file_atomically(root_ / "full/thesis.txt", "years of work");
  EXPECT_EQ(id_of([&] { run_analysis(analysis("full")); }), "run.not_empty");
  AnalyzeConfig c = analysis("other");
  c.analysis.reference = "nobody";
  EXPECT_EQ(id_of([&] { run_analysis(c); }), "analyze.reference");
}

class RepeatTest : public TrainRig {};

TEST_F(RepeatTest, SeedsGiveMeanAndSpreadOnTheSameRows) {
  RunConfig c = config("lora", "runs");
  c.training.num_train_epochs = 1;
  c.training.save_strategy = Interval::kNo;
  const Json summary = train_repeatedly(c, 3);
  ASSERT_EQ(summary["runs"].size(), 3u);
  EXPECT_EQ(summary["runs"][2]["seed"], 5);
  double sum = 0;
  for (const Json& r : summary["runs"]) sum += r["results"]["test_loss"].get<double>();
  EXPECT_NEAR(summary["metrics"]["test_loss"]["mean"].get<double>(), sum / 3, 1e-12);
  EXPECT_EQ(summary["metrics"]["test_loss"]["n"], 3);
  EXPECT_TRUE(file_exists(root_ / "runs/seed-4/adapter_model.safetensors"));
  EXPECT_EQ(id_of([&] { train_repeatedly(c, 3); }), "run.not_empty");
  c.resume = true;
  EXPECT_EQ(train_repeatedly(c, 3)["metrics"], summary["metrics"]);
}

TEST_F(RepeatTest, FoldsPredictEveryRowOnce) {
  RunConfig c = config("lora", "runs");
  c.training.num_train_epochs = 1;
  c.training.save_strategy = Interval::kNo;
  c.data.validation = c.data.test = "";
  c.data.folds = 4;
  c.data.stratify = true;
  const Json summary = train_repeatedly(c, 1);
  ASSERT_EQ(summary["runs"].size(), 4u);
  EXPECT_EQ(summary["out_of_fold"]["rows"], 40);
  std::set<std::string> ids;
  for_each_line(root_ / "runs/predictions.jsonl", [&](std::string_view line, uint64_t) {
    return ids.insert(parse_json(line, "line")["id"].get<std::string>()).second;
  });
  EXPECT_EQ(ids.size(), 40u);
}

}  // namespace
}  // namespace attune
