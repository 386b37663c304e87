// README.md of runs, the figures behind it, and the command in it that makes the run again.
#include <gmock/gmock.h>

#include "app/evaluate.h"
#include "app/latency.h"
#include "app/reproduce.h"
#include "app/train.h"
#include "app/train_rig.h"
#include "train/overfitting.h"

namespace attune {
namespace {

using ModelCard = TrainRig;
using testing::HasSubstr;
using testing::Not;

std::string card_of(const TrainResult& r) { return read_file(r.output_dir / "README.md"); }

TEST_F(ModelCard, SaysWhatTheRunsFilesSay) {
  const TrainResult r = train(config("lora", "run"));
  const Json& all = r.results;
  for (const char* phase : {"data", "forward", "backward", "optimizer", "evaluation", "checkpoint"}) EXPECT_GT(all["phase_seconds"][phase].get<double>(), 0) << phase;
  EXPECT_GE(all["step_seconds_p95"].get<double>(), all["step_seconds_p50"].get<double>());
  EXPECT_EQ(all["adapter_file_bytes"].get<uint64_t>(), attune::file_size(r.output_dir / "adapter_model.safetensors"));
  ASSERT_EQ(all["latency"].size(), 3u);
  for (const Json& l : all["latency"]) {
    EXPECT_GE(l["repetitions"].get<int64_t>(), 5);
    EXPECT_LE(l["p50"].get<double>(), l["p95"].get<double>());
    EXPECT_LE(l["p95"].get<double>(), l["p99"].get<double>());
    EXPECT_GT(l["predictions_per_second"].get<double>(), 0);
  }
  EXPECT_EQ(all["overfitting"]["found"], Json(false));
  EXPECT_EQ(all["overfitting"]["reason"], Json("2 evaluations, at least 3 are needed"));
  const auto points = evaluation_points(read_json(r.output_dir / "trainer_state.json")["log_history"]);
  EXPECT_EQ(all["best_by_loss"]["value"].get<double>(), best_evaluation(points, "loss", false)->value);
  EXPECT_EQ(all["best_by_metric"]["metric"], Json("accuracy"));

  const std::string card = card_of(r);
  for (const char* text : {"model-index:", "type: text-classification", "name: \"test.csv\"", "split: validation", "| epoch | step | training loss | validation loss | accuracy |", "| 2 | 20 | ",
                           "## Sample predictions", "| text | gold | predicted | score | right |", "| rows at once |", "AutoModelForSequenceClassification", "\"positive\""})
    EXPECT_THAT(card, HasSubstr(text));
  for (const char* text : {"license", "language:"}) EXPECT_THAT(card, Not(HasSubstr(text)));
}

TEST_F(ModelCard, ShowsNoTextWhereNoneIsWantedAndMeasuresOnlyWhatIsAsked) {
  RunConfig c = config("full", "run");
  c.sample_predictions = 0;
  c.latency_batch_sizes.clear();
  c.training.eval_strategy = Interval::kNo;
  const TrainResult r = train(c);
  EXPECT_THAT(card_of(r), Not(HasSubstr("## Sample predictions")));
  EXPECT_THAT(card_of(r), Not(HasSubstr("## Course of training")));
  EXPECT_FALSE(r.results.contains("latency"));
  EXPECT_TRUE(r.results["best_by_loss"].is_null());
  EXPECT_EQ(r.results["overfitting"]["reason"], Json("0 evaluations, at least 3 are needed"));
  EXPECT_EQ(r.results["model_file_bytes"].get<uint64_t>(), attune::file_size(r.output_dir / "model.safetensors"));
}

// More rows at once than there are, and a model so slow that the time is up at once.
TEST_F(ModelCard, LatencyEndsInTime) {
  const TrainResult r = train(config("lora", "run"));
  LoadedModel m = load_for_use(open_model(r.output_dir.string()));
  Row row;
  row.text = "good film";
  const Json many = measure_latency(m, make_context(1), std::vector<Row>{row}, {.batch_sizes = {4}, .seconds = 0});
  EXPECT_EQ(many[0]["repetitions"], Json(5));
  const Json slow = measure_latency(m, make_context(1), std::vector<Row>{row}, {.batch_sizes = {1}, .most_seconds = 0});
  EXPECT_EQ(slow[0]["repetitions"], Json(1));
  EXPECT_TRUE(slow[0]["p50"].is_number());
  EXPECT_TRUE(slow[0]["p99"].is_null());
  EvaluateOptions e;
  e.model = r.output_dir.string();
  e.file = (root_ / "test.csv").string();
  e.threads = 1;
  EXPECT_FALSE(evaluate(e).contains("latency"));
  e.latency_batch_sizes = {1, 3};
  EXPECT_EQ(evaluate(e)["latency"].size(), 2u);
}

TEST_F(ModelCard, TheCommandIsQuotedAndStartsAnew) {
  RunConfig c;
  c.output_dir = "runs/my run/";
  c.overwrite = true;
  c.resume_from_checkpoint = "old";
  EXPECT_EQ(reproducing_command(c), "attune train 'runs/my run/config.yaml' --output-dir 'runs/my run-again' --no-overwrite --resume-from-checkpoint ''");
  EXPECT_EQ(shell_word("it's"), "'it'\\''s'");
}

}  // namespace
}  // namespace attune
