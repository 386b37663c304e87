// Effects of knobs on worked sweeps; numbers by hand, shares as eta squared of a one-way analysis of variance.
#include "metrics/sensitivity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace attune {
namespace {

using ::testing::ElementsAre;

const std::vector<std::string> kNames = {"r", "rate"};

TEST(Sensitivity, FullGridGivesMainEffectsAndSharesThatAddUp) {
  // score = 0.8 + 0.05 [r = 8] + 0.01 [rate = high], the same for both seeds.
  std::vector<SweepCell> cells;
  for (const int64_t seed : {0, 1})
    for (const char* r : {"4", "8"})
      for (const char* rate : {"low", "high"})
        cells.push_back({{r, rate}, seed, 0.8 + (r[0] == '8' ? 0.05 : 0) + (rate[0] == 'h' ? 0.01 : 0)});
  const Sensitivity s = sensitivity(kNames, cells);
  ASSERT_EQ(s.knobs.size(), 2u);
  EXPECT_EQ(s.knobs[0].knob, "r");
  EXPECT_EQ(s.knobs[0].levels[0].level, "4");
  EXPECT_FALSE(s.knobs[0].levels[0].effect);
  EXPECT_NEAR(*s.knobs[0].levels[1].effect, 0.05, 1e-12);
  EXPECT_EQ(s.knobs[0].levels[1].pairs, 4);
  EXPECT_NEAR(s.knobs[0].share, 25.0 / 26.0, 1e-9);
  EXPECT_NEAR(s.knobs[1].share, 1.0 / 26.0, 1e-9);
  EXPECT_NEAR(s.seed_share, 0, 1e-12);
}

TEST(Sensitivity, OneKnobAtATimeIsPairedWithItsCentre) {
  // The centre (8, low) with two seeds, each knob moved alone; r = 4 costs 0.02 and 0.04.
  const std::vector<SweepCell> cells = {{{"8", "low"}, 0, 0.90}, {{"8", "low"}, 1, 0.92}, {{"4", "low"}, 0, 0.88}, {{"4", "low"}, 1, 0.88}, {{"8", "high"}, 0, 0.91}, {{"8", "high"}, 1, 0.95}};
  const Sensitivity s = sensitivity(kNames, cells);
  const auto& r = s.knobs[0].knob == "r" ? s.knobs[0] : s.knobs[1];
  EXPECT_EQ(r.levels[0].level, "8");
  EXPECT_EQ(r.levels[0].cells, 4);
  EXPECT_NEAR(*r.levels[1].effect, -0.03, 1e-12);
  EXPECT_EQ(r.levels[1].pairs, 2);
  // Differences -0.02 and -0.04: mean -0.03, sd 0.01414, t(1) 12.706 x 0.01.
  ASSERT_TRUE(r.levels[1].interval);
  EXPECT_NEAR(r.levels[1].interval->low, -0.03 - 0.1270620, 1e-6);
  EXPECT_NEAR(r.levels[1].interval->high, -0.03 + 0.1270620, 1e-6);
}

TEST(Sensitivity, KnobsThatGoTogetherAreOne) {
  const std::vector<std::string> names = {"method", "rate", "epochs"};
  const std::vector<SweepCell> cells = {{{"lora", "1e-3", "3"}, 0, 0.9}, {{"full", "5e-5", "3"}, 0, 0.92}, {{"lora", "1e-3", "3"}, 1, 0.91}, {{"full", "5e-5", "3"}, 1, 0.93}};
  const Sensitivity s = sensitivity(names, cells);
  ASSERT_EQ(s.knobs.size(), 1u);
  EXPECT_EQ(s.knobs[0].knob, "method, rate");
  EXPECT_EQ(s.knobs[0].levels[1].level, "full, 5e-5");
  EXPECT_NEAR(*s.knobs[0].levels[1].effect, 0.02, 1e-12);
  EXPECT_NEAR(s.knobs[0].share, 4e-4 / 5e-4, 1e-9);
  EXPECT_NEAR(s.seed_share, 1e-4 / 5e-4, 1e-9);
}

TEST(Sensitivity, NothingToSay) {
  EXPECT_TRUE(sensitivity(kNames, {}).knobs.empty());
  const std::vector<SweepCell> same = {{{"4", "a"}, 0, 0.5}, {{"8", "b"}, 0, 0.5}};
  EXPECT_TRUE(sensitivity(kNames, same).knobs.empty());
}

TEST(Sensitivity, NoPairsMeansNoEffect) {
  const std::vector<SweepCell> cells = {{{"4", "a"}, 0, 0.5}, {{"8", "b"}, 1, 0.6}, {{"4", "b"}, 2, 0.7}};
  const Sensitivity s = sensitivity(kNames, cells);
  for (const auto& k : s.knobs)
    for (const auto& l : k.levels) EXPECT_FALSE(l.effect) << k.knob;
}

}  // namespace
}  // namespace attune
