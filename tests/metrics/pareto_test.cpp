// The Pareto front against its definition.
#include "metrics/pareto.h"

#include <gtest/gtest.h>

#include <limits>

namespace attune {
namespace {

constexpr Better kScoreAndCost[] = {Better::kHigher, Better::kLower};
using Front = std::vector<uint8_t>;

TEST(Pareto, KeepsWhatNothingBeatsOnEverything) {
  //                              score, cost
  const std::vector<double> values = {0.90, 10,   // the best score
                                      0.85, 2,    // cheaper
                                      0.84, 3,    // worse and dearer than the one before
                                      0.85, 5,    // as good, dearer
                                      0.70, 1};   // the cheapest
  EXPECT_EQ(pareto_front(values, kScoreAndCost), (Front{1, 1, 0, 0, 1}));
}

TEST(Pareto, EqualPointsStandTogether) { EXPECT_EQ(pareto_front(std::vector<double>{0.9, 1, 0.9, 1}, kScoreAndCost), (Front{1, 1})); }

TEST(Pareto, APointWithoutAValueIsNotOnItAndBeatsNone) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(pareto_front(std::vector<double>{0.99, nan, 0.5, 7}, kScoreAndCost), (Front{0, 1}));
}

TEST(Pareto, InfinitiesAreValues) {
  const double inf = std::numeric_limits<double>::infinity();
  EXPECT_EQ(pareto_front(std::vector<double>{0.9, inf, 0.9, 7, 0.95, inf}, kScoreAndCost), (Front{0, 1, 1}));
}

TEST(Pareto, OneObjectiveKeepsTheBestOnly) {
  const Better higher[] = {Better::kHigher};
  EXPECT_EQ(pareto_front(std::vector<double>{1, 3, 3, 2}, higher), (Front{0, 1, 1, 0}));
  EXPECT_TRUE(pareto_front(std::vector<double>{}, higher).empty());
}

}  // namespace
}  // namespace attune
