// tests/golden/schedules.json holds what transformers' get_scheduler gives.
#include "train/schedules.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "base/json.h"

namespace attune {
namespace {

const std::map<std::string, Schedule> kKinds = {{"linear", Schedule::kLinear},
                                                {"cosine", Schedule::kCosine},
                                                {"cosine_with_restarts", Schedule::kCosineWithRestarts},
                                                {"constant", Schedule::kConstant},
                                                {"constant_with_warmup", Schedule::kConstantWithWarmup},
                                                {"polynomial", Schedule::kPolynomial},
                                                {"inverse_sqrt", Schedule::kInverseSqrt},
                                                {"cosine_with_min_lr", Schedule::kCosineWithMinLr}};

TrainingConfig config_of(Schedule kind, std::map<std::string, double> options = {}) {
  TrainingConfig c;
  c.lr_scheduler_type = kind;
  c.learning_rate = 1e-3;
  c.warmup_steps = 2;
  c.lr_scheduler_kwargs = std::move(options);
  return c;
}

TEST(Schedules, FactorsEqualTransformers) {
  const Json golden = read_json(fs::path(ATTUNE_SOURCE_DIR) / "tests/golden/schedules.json");
  size_t compared = 0;
  for (const Json& s : golden["schedules"]) {
    const auto kind = kKinds.find(s["kind"].get<std::string>());
    if (kind == kKinds.end()) continue;  // warmup_stable_decay is not offered
    TrainingConfig c = config_of(kind->second);
    c.learning_rate = golden["learning_rate"].get<double>();
    c.warmup_steps = s["warmup_steps"].get<double>();
    for (const auto& [name, value] : s["settings"].items()) c.lr_scheduler_kwargs[name] = value.get<double>();
    const RateSchedule schedule(c, s["max_steps"].get<int64_t>());
    for (size_t k = 0; k < s["factors"].size(); ++k)
      EXPECT_NEAR(schedule.factor(static_cast<int64_t>(k)), s["factors"][k].get<double>(), 1e-12) << s.dump() << " update " << k;
    ++compared;
  }
  EXPECT_GT(compared, 90u);
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
  for (const auto& [name, kind] : kKinds)
    for (const int64_t total : {1, 2, 3}) {
      const RateSchedule schedule(config_of(kind), total);
      for (int64_t k = 0; k <= total; ++k) EXPECT_TRUE(std::isfinite(schedule.factor(k))) << name << " " << total << " " << k;
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
