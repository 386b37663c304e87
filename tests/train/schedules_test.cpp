// Factors and rates printed by transformers 5.23's get_scheduler.
#include "train/schedules.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"

namespace attune {
namespace {

TrainingConfig config_of(Schedule kind, std::map<std::string, double> options = {}) {
  TrainingConfig c;
  c.lr_scheduler_type = kind;
  c.learning_rate = 1e-3;
  c.warmup_steps = 2;
  c.lr_scheduler_kwargs = std::move(options);
  return c;
}

struct Case {
  const char* name;
  Schedule kind;
  std::map<std::string, double> options;
  std::vector<double> factors;  // updates 0 to 10, 2 of warm-up, 10 in all
};

TEST(Schedules, FactorsEqualTransformers) {
  const std::vector<Case> cases = {
      {"linear", Schedule::kLinear, {}, {0, .5, 1, .875, .75, .625, .5, .375, .25, .125, 0}},
      {"polynomial", Schedule::kPolynomial, {}, {0, .5, 1, .8750125, .750025, .6250375, .50005, .3750625, .250075, .1250875, 1e-4}},
      {"cosine", Schedule::kCosine, {}, {0, .5, 1, .96194, .853553, .691342, .5, .308658, .146447, .03806, 0}},
      {"restarts", Schedule::kCosineWithRestarts, {{"num_cycles", 2}}, {0, .5, 1, .853553, .5, .146447, 1, .853553, .5, .146447, 0}},
      {"inverse_sqrt", Schedule::kInverseSqrt, {}, {0, .5, 1, .816497, .707107, .632456, .57735, .534522, .5, .471405, .447214}},
      {"min_lr_rate", Schedule::kCosineWithMinLr, {{"min_lr_rate", .1}}, {0, .5, 1, .965746, .868198, .722208, .55, .377792, .231802, .134254, .1}},
      {"min_lr", Schedule::kCosineWithMinLr, {{"min_lr", 1e-4}}, {0, .5, 1, .965746, .868198, .722208, .55, .377792, .231802, .134254, .1}},
      {"constant", Schedule::kConstant, {}, {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}},
      {"constant_with_warmup", Schedule::kConstantWithWarmup, {}, {0, .5, 1, 1, 1, 1, 1, 1, 1, 1, 1}},
  };
  for (const Case& c : cases) {
    const RateSchedule schedule(config_of(c.kind, c.options), 10);
    for (size_t k = 0; k < c.factors.size(); ++k) EXPECT_NEAR(schedule.factor(static_cast<int64_t>(k)), c.factors[k], 1e-6) << c.name << " " << k;
  }
}

TEST(Schedules, WorkedRates) {
  const RateSchedule schedule(config_of(Schedule::kLinear), 20);
  EXPECT_EQ(schedule.rate(0), 0);
  EXPECT_DOUBLE_EQ(schedule.rate(1), 5e-4);
  EXPECT_DOUBLE_EQ(schedule.rate(2), 1e-3);
  EXPECT_NEAR(schedule.rate(3), 9.444444444e-4, 1e-12);
  EXPECT_NEAR(schedule.rate(19), 5.555555555e-5, 1e-13);
}

TEST(Schedules, WarmUpIsStepsOrAShare) {
  TrainingConfig c;
  EXPECT_EQ(warmup_steps_of(c, 100), 0);
  c.warmup_ratio = 0.061;
  EXPECT_EQ(warmup_steps_of(c, 100), 7);
  c.warmup_steps = 0.101;
  EXPECT_EQ(warmup_steps_of(c, 100), 11);
  c.warmup_steps = 3.9;
  EXPECT_EQ(warmup_steps_of(c, 100), 3);
  EXPECT_EQ(interval_of(0.1, 25), 3);
  EXPECT_EQ(interval_of(500, 25), 500);
  EXPECT_EQ(interval_of(0.0001, 25), 1);
}

TEST(Schedules, SmallRunsStayFinite) {
  for (const Schedule kind : {Schedule::kLinear, Schedule::kCosine, Schedule::kCosineWithRestarts, Schedule::kPolynomial, Schedule::kInverseSqrt,
                              Schedule::kCosineWithMinLr, Schedule::kConstant, Schedule::kConstantWithWarmup})
    for (const int64_t total : {1, 2, 3}) {
      const RateSchedule schedule(config_of(kind), total);
      for (int64_t k = 0; k <= total; ++k) EXPECT_TRUE(std::isfinite(schedule.factor(k))) << total << " " << k;
    }
}

TEST(Schedules, UnknownOptionIsNamed) {
  try {
    RateSchedule(config_of(Schedule::kPolynomial, {{"powr", 2}}), 10);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.info().id, "schedule.option");
    EXPECT_NE(std::string(e.what()).find("power"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace attune
