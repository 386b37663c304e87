// Names of points, on random crowds: nothing is hidden, every ringed point is named, and no line to a name can be taken for another point's.
#include "report/point_names.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/random.h"

namespace attune::report {
namespace {

constexpr double kWidth = 0.08;  // of every name here

NameScales unit_square() {
  return {[](double v) { return v; }, [](double v) { return v; }, [](const std::string&) { return kWidth; }, 5.0 / 3};
}

/// `n` points, every fourth ringed, some in one column, whiskers over a fifth of the height.
Chart crowd(uint64_t seed, size_t n) {
  Random random(seed);
  Chart c{.id = "crowd", .title = "Crowd", .kind = ChartKind::kScatter};
  Series s{.name = "variants"};
  for (size_t i = 0; i < n; ++i) {
    s.x.push_back(i % 3 == 0 ? 0.4 : 0.1 + 0.8 * random.uniform());
    s.y.push_back(0.2 + 0.6 * random.uniform());
    s.low.push_back(s.y[i] - 0.1);
    s.high.push_back(s.y[i] + 0.1);
    s.labels.push_back("v" + std::to_string(i));
    if (i % 4 == 0) s.marked.push_back(i);
  }
  c.series = {s};
  return c;
}

TEST(PointNames, HideNothingAndAreNeverTakenForAnother) {
  size_t led = 0, named = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const Chart chart = crowd(seed, 12);
    const Series& s = chart.series[0];
    const auto names = place_names(chart, unit_square());
    for (const size_t m : s.marked) EXPECT_TRUE(std::any_of(names.begin(), names.end(), [&](const PointName& n) { return n.text == s.labels[m]; })) << seed << ", " << m;
    for (const PointName& n : names) {
      const double left = n.left ? n.x - kWidth : n.x, right = left + kWidth;
      for (size_t i = 0; i < s.x.size(); ++i) {
        EXPECT_FALSE(left < s.x[i] && s.x[i] < right && std::fabs(n.y - s.y[i]) < 0.12) << "seed " << seed << ": " << n.text << " hides the whisker of " << s.labels[i];
        for (double t = 0.1; n.led && t < 1; t += 0.1) {
          const double x = n.point_x + t * (n.x - n.point_x), y = n.point_y + t * (n.y - n.point_y);
          const bool own = std::fabs(n.point_x - s.x[i]) < 0.01 && std::fabs(n.point_y - s.y[i]) < 0.02;
          EXPECT_FALSE(!own && std::fabs(x - s.x[i]) < 0.004 && std::fabs(y - s.y[i]) < 0.007) << "seed " << seed << ": the line to " << n.text << " passes through " << s.labels[i];
        }
      }
      for (const PointName& other : names) {
        const double other_left = other.left ? other.x - kWidth : other.x;
        EXPECT_FALSE(&n != &other && std::fabs(other_left - left) < kWidth - 1e-9 && std::fabs(other.y - n.y) < 0.04) << "seed " << seed << ": " << n.text << " over " << other.text;
      }
      led += n.led;
    }
    named += names.size();
  }
  EXPECT_GT(led, 20u);
  EXPECT_GT(named, 200u * 3);
}

TEST(PointNames, StandBesideAPointThatIsAlone) {
  Chart c{.id = "one", .title = "One", .kind = ChartKind::kScatter};
  c.series = {{.name = "s", .x = {0.2, 0.95}, .y = {0.5, 0.5}, .labels = {"a", "b"}}};
  const auto names = place_names(c, unit_square());
  ASSERT_EQ(names.size(), 2u);
  EXPECT_FALSE(names[0].left || names[0].led);
  EXPECT_EQ(names[0].y, 0.5);
  EXPECT_TRUE(names[1].left) << "no room to the right";
  EXPECT_FALSE(names[1].led);
}

}  // namespace
}  // namespace attune::report
