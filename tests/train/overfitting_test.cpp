#include "train/overfitting.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/log.h"
#include "train/rig.h"

namespace attune {
namespace {

using namespace testing;
using ::testing::HasSubstr;

/// Ten steps an epoch; training losses and validation losses of each epoch.
Json history(const std::vector<double>& training, const std::vector<double>& validation) {
  Json log = Json::array();
  for (size_t i = 0; i < validation.size(); ++i) {
    const auto step = static_cast<int64_t>(10 * (i + 1));
    if (std::isfinite(training[i])) log.push_back({{"epoch", i + 1.0}, {"loss", training[i]}, {"step", step}});
    Json entry = {{"epoch", i + 1.0}, {"step", step}};
    put_number(entry, "eval_loss", validation[i]);
    entry["eval_accuracy"] = i == 3 ? 0.9 : 0.8;
    log.push_back(entry);
  }
  return log;
}
constexpr double kNone = std::numeric_limits<double>::infinity();

Overfitting found(const std::vector<double>& training, const std::vector<double>& validation, int64_t patience = 2) {
  return find_overfitting(evaluation_points(history(training, validation)), patience);
}

TEST(Overfitting, NeedsARiseOfValidationLossWhileTrainingLossFalls) {
  const Overfitting o = found({0.7, 0.5, 0.3, 0.2}, {0.6, 0.4, 0.45, 0.5});
  EXPECT_TRUE(o.found);
  EXPECT_EQ(o.since_step, 20);
  EXPECT_EQ(o.last_step, 40);
  EXPECT_EQ(o.evaluations, 2);
  EXPECT_EQ(o.loss_before, 0.4);
  EXPECT_EQ(o.loss_after, 0.5);
  EXPECT_EQ(o.undecided, "");
  EXPECT_FALSE(found({0.7, 0.5, 0.6, 0.7}, {0.6, 0.4, 0.45, 0.5}).found) << "the run diverges: both rise";
  EXPECT_FALSE(found({0.7, 0.5, 0.3, 0.2}, {0.6, 0.4, 0.45, 0.45}).found) << "equal is no rise";
  EXPECT_FALSE(found({0.7, 0.5, 0.3, 0.2}, {0.6, 0.4, 0.45, 0.44}).found) << "one rise alone";
  EXPECT_TRUE(found({0.7, 0.5, 0.3, 0.2}, {0.6, 0.4, 0.45, 0.44}, 1).found);
  EXPECT_TRUE(found({0.7, 0.3, 0.35, 0.2}, {0.5, 0.6, 0.7, 0.8}, 3).found) << "one noisy epoch of training between";
}

TEST(Overfitting, TheLastOfSeveralRisesIsReported) {
  const Overfitting o = found({0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2}, {0.5, 0.6, 0.7, 0.4, 0.5, 0.6, 0.7, 0.3});
  EXPECT_TRUE(o.found);
  EXPECT_EQ(o.since_step, 40);
  EXPECT_EQ(o.evaluations, 3);
}

TEST(Overfitting, SaysWhyNothingCouldBeFound) {
  EXPECT_EQ(found({0.7, 0.5}, {0.4, 0.5}).undecided, "2 evaluations, at least 3 are needed");
  EXPECT_EQ(found({0.7, 0.5, 0.3}, {0.4, 0.5, 0.6}, 0).undecided, "overfitting_patience is 0");
  EXPECT_EQ(find_overfitting({}, 1).undecided, "0 evaluations, at least 2 are needed");
}

// Evaluations between which nothing was logged; losses that are not numbers.
TEST(Overfitting, GapsInTheLog) {
  EXPECT_TRUE(found({0.7, kNone, 0.5, kNone}, {0.4, 0.5, 0.6, 0.7}).found);
  EXPECT_FALSE(found({kNone, kNone, 0.5, kNone}, {0.4, 0.5, 0.6, 0.7}).found) << "one training loss says nothing of falling";
  EXPECT_FALSE(found({0.7, 0.5, 0.3, 0.2}, {0.4, 0.5, std::nan(""), 0.6}).found);
  EXPECT_TRUE(found({0.7, 0.5, 0.3, 0.2}, {0.4, 0.5, std::nan(""), 0.6}, 1).found);
}

TEST(Overfitting, TrainingLossIsTheMeanOfStepsSinceTheEvaluationBefore) {
  Json log = Json::array();
  log.push_back({{"loss", 1.0}, {"step", 1}});  // the first step alone, then windows of four
  log.push_back({{"loss", 0.5}, {"step", 5}});
  log.push_back({{"eval_loss", 0.3}, {"step", 5}, {"epoch", 1.0}});
  log.push_back({{"loss", 0.25}, {"step", 9}});
  log.push_back({{"eval_loss", 0.2}, {"step", 10}, {"epoch", 2.0}});
  const auto points = evaluation_points(log);
  ASSERT_EQ(points.size(), 2u);
  EXPECT_DOUBLE_EQ(*points[0].training_loss, (1.0 + 4 * 0.5) / 5);
  EXPECT_DOUBLE_EQ(*points[1].training_loss, 0.25);
  EXPECT_EQ(points[1].epoch, 2.0);
}

TEST(Overfitting, BestByLossAndByMetric) {
  const auto points = evaluation_points(history({0.7, 0.5, 0.3, 0.2, 0.1}, {0.6, 0.4, 0.45, 0.5, 0.4}));
  EXPECT_EQ(best_evaluation(points, "loss", false)->step, 20) << "the first of equals";
  EXPECT_EQ(best_evaluation(points, "loss", false)->value, 0.4);
  EXPECT_EQ(best_evaluation(points, "accuracy", true)->step, 40);
  EXPECT_EQ(best_evaluation(points, "accuracy", false)->step, 10);
  EXPECT_FALSE(best_evaluation(points, "f1", true));
  EXPECT_FALSE(best_evaluation({}, "loss", false));
  EXPECT_EQ(overfitting_remark(find_overfitting(points, 2), points, "accuracy", true),
            "validation loss rose for 2 evaluations (0.4 at step 20, 0.5 at step 40) while training loss fell; best by loss: step 20, by accuracy: step 40");
}

TEST(Overfitting, IsNamedOnceARise) {
  OverfittingWatch watch(2);
  std::vector<int64_t> said;
  for (const Json& entry : history({0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3}, {0.4, 0.5, 0.6, 0.7, 0.3, 0.4, 0.5}))
    if (const auto o = watch.add(entry)) said.push_back(entry["step"].get<int64_t>());
  EXPECT_EQ(said, (std::vector<int64_t>{30, 70}));
}

/// Trains on rows whose validation labels are turned round, so that learning them is overfitting.
struct Overfitted {
  Overfitted(const fs::path& folder, double epochs) : rig("bert_full"), wrong(rig.examples) {
    for (Example& e : wrong) e.labels.id = (e.labels.id + 1) % static_cast<int32_t>(rig.golden["final_logits"][0].size());
    rig.use_epochs(4, 1, epochs);
    rig.job.config.lr_scheduler_type = Schedule::kConstant;
    rig.job.config.eval_strategy = Interval::kEpoch;
    rig.job.config.save_strategy = Interval::kEpoch;
    rig.job.config.save_total_limit.reset();
    rig.job.validation = wrong;
    rig.job.folder = folder;
    rows.resize(wrong.size());
    for (size_t i = 0; i < rows.size(); ++i) rows[i].index = i;
    rig.job.validation_rows = rows;
  }
  Rig rig;
  std::vector<Example> wrong;
  std::vector<Row> rows;
};

TEST(Overfitting, ARunNamesItAlsoWhenResumed) {
  const fs::path folder = fresh_folder("overfitted");
  Overfitted whole(folder, 6);
  ::testing::internal::CaptureStderr();
  const FitResult r = fit(whole.rig.job);
  const std::string log = ::testing::internal::GetCapturedStderr();
  const auto points = evaluation_points(r.state.log_history);
  ASSERT_EQ(points.size(), 6u);
  const Overfitting o = find_overfitting(points, 2);
  ASSERT_TRUE(o.found) << dump_json(r.state.log_history);
  EXPECT_THAT(log, HasSubstr("overfitting: validation loss rose for 2 evaluations ("));
  EXPECT_THAT(log, HasSubstr("; best by loss: step "));
  EXPECT_THAT(log, HasSubstr(", by accuracy: step "));
  EXPECT_EQ(log.find("overfitting"), log.rfind("overfitting")) << "once";
  EXPECT_EQ(best_evaluation(points, "loss", false)->step, r.state.best_global_step);
  EXPECT_EQ(best_evaluation(points, "loss", false)->value, *r.state.best_metric);

  // The rise began before the checkpoint: the resumed run knows it from the history.
  const int64_t before = points[static_cast<size_t>(std::find_if(points.begin(), points.end(), [&](const auto& p) { return p.step == o.since_step; }) - points.begin()) + 1].step;
  Overfitted resumed(folder, 6);
  ::testing::internal::CaptureStderr();
  const FitResult again = fit(resumed.rig.job, folder / ("checkpoint-" + std::to_string(before)));
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("overfitting: validation loss rose for 2 evaluations ("));
  EXPECT_EQ(dump_json(without_times(again.state.log_history)), dump_json(without_times(r.state.log_history)));
}

}  // namespace
}  // namespace attune
