// SVG and PNG files through gnuplot, and what happens where it is not.
#include "report/pictures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/run_program.h"
#include "example_page.h"
#include "report/csv.h"
#include "report/gnuplot.h"

namespace attune::report {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

fs::path fresh_folder() {
  const fs::path folder = fs::path(::testing::TempDir()) / (std::string("attune_pictures_") + ::testing::UnitTest::GetInstance()->current_test_info()->name());
  fs::remove_all(folder);
  fs::create_directories(folder);
  return folder;
}

/// PATH for the life of one test.
class Path {
 public:
  explicit Path(const std::string& value) : before_(std::getenv("PATH")) { setenv("PATH", value.c_str(), 1); }
  ~Path() { setenv("PATH", before_.c_str(), 1); }
  Path(const Path&) = delete;
  Path& operator=(const Path&) = delete;

 private:
  std::string before_;
};

uint32_t big_endian(const std::string& bytes, size_t at) {
  uint32_t v = 0;
  for (size_t i = 0; i < 4; ++i) v = v << 8 | static_cast<unsigned char>(bytes[at + i]);
  return v;
}

TEST(Pictures, EveryKindIsDrawnWithItsNumbersBeside) {
  if (!find_program("gnuplot")) GTEST_SKIP() << "gnuplot is not in PATH (apt-get install gnuplot-nox)";
  const fs::path folder = fresh_folder();
  const auto all = charts(example_page());
  const Pictures pictures = write_pictures(all, folder);
  EXPECT_THAT(pictures.not_drawn, IsEmpty());
  EXPECT_EQ(pictures.files.size(), 3 * all.size());
  EXPECT_EQ(list_folder(folder).size(), 3 * all.size()) << "something else was left";
  for (const Chart& c : all) {
    EXPECT_EQ(read_file(folder / (c.id + ".csv")), csv(c));
    EXPECT_THAT(read_file(folder / (c.id + ".svg")), HasSubstr("</svg>")) << c.id;
    const std::string png = read_file(folder / (c.id + ".png"));
    ASSERT_EQ(png.substr(0, 8), "\x89PNG\r\n\x1a\n") << c.id;
    EXPECT_GE(big_endian(png, 16), 1040u) << c.id << ": legible on paper";
  }
  EXPECT_THAT(read_file(folder / "accuracy.svg"), HasSubstr("majority rate"));
  EXPECT_THAT(read_file(folder / "loss.svg"), HasSubstr("loss (nats)"));
}

TEST(Pictures, RingedPointsAreNamedFirst) {
  // Twenty points on one spot: there is room for some of their names only.
  Chart c{.id = "a", .title = "t", .kind = ChartKind::kScatter, .x = {"x", ""}, .y = {"y", ""}};
  Series s{.name = "s"};
  for (int i = 0; i < 20; ++i) {
    s.x.push_back(1);
    s.y.push_back(1 + 1e-6 * i);
    s.labels.push_back("variant-" + std::to_string(i) + "-of-many");
  }
  s.x.push_back(3);
  s.y.push_back(2);
  s.labels.emplace_back("away");
  c.series = {s};
  const auto named = [&] { return gnuplot_script(c, "a.svg", "a.png").find("'variant-19-of-many'") != std::string::npos; };
  EXPECT_FALSE(named());
  c.series[0].marked = {19};
  EXPECT_TRUE(named());
}

TEST(Pictures, EveryRingedPointIsNamedAndNoneForItsNeighbour) {
  const Chart chart = crowded_chart();
  const std::string script = gnuplot_script(chart, "a.svg", "a.png");
  size_t ringed = 0;
  for (const std::string& label : chart.series[0].labels) {
    const bool named = script.find("label '" + label + "'") != std::string::npos;
    if (label.starts_with("best") || label == "apart") {
      EXPECT_TRUE(named) << label;
    } else if (label.starts_with("h")) {
      EXPECT_FALSE(named) << label;
    }
    ringed += label.starts_with("best");
  }
  EXPECT_EQ(ringed, 4u);
  EXPECT_THAT(script, HasSubstr("set arrow from graph")) << "a name that is not beside its point is led to by a line";
}

TEST(Pictures, TextsAreNeverCommands) {
  if (!find_program("gnuplot")) GTEST_SKIP() << "gnuplot is not in PATH (apt-get install gnuplot-nox)";
  const fs::path folder = fresh_folder(), sign = folder / "broken";
  const std::string text = "it's `touch " + sign.string() + "` $(touch " + sign.string() + ") \" @x \\ \n system('touch " + sign.string() + "')";
  Chart c{.id = "a", .title = text, .kind = ChartKind::kScatter, .x = {text, ""}, .y = {text, ""}};
  c.series = {{.name = text, .x = {1, 2}, .y = {1, 2}, .labels = {text, text}, .marked = {0}, .mark = text}};
  c.references = {{.name = text, .value = 1.5}};
  EXPECT_THAT(write_pictures({c}, folder / "pictures").not_drawn, IsEmpty());
  EXPECT_FALSE(fs::exists(sign));
}

TEST(Pictures, WithoutGnuplotTheNumbersAreThereAndASentence) {
  const fs::path folder = fresh_folder();
  const Path none("/nowhere");
  const Pictures pictures = write_pictures({roc_chart()}, folder);
  ASSERT_EQ(pictures.not_drawn.size(), 1u);
  EXPECT_THAT(pictures.not_drawn[0], HasSubstr("gnuplot was not found in PATH"));
  EXPECT_EQ(list_folder(folder), std::vector<std::string>{"roc.csv"});
}

TEST(Pictures, AProgramThatFailsIsNamedAndLeavesNothing) {
  const fs::path folder = fresh_folder();
  fs::create_directories(folder / "bin");
  write_file_atomically(folder / "bin/gnuplot", "#!/bin/sh\necho no such terminal >&2\nexit 3\n");
  fs::permissions(folder / "bin/gnuplot", fs::perms::owner_all);
  const Path only((folder / "bin").string());
  const Pictures pictures = write_pictures({roc_chart()}, folder / "out");
  ASSERT_EQ(pictures.not_drawn.size(), 1u);
  EXPECT_THAT(pictures.not_drawn[0], HasSubstr("roc was not drawn: gnuplot ended with status 3 (no such terminal"));
  EXPECT_EQ(list_folder(folder / "out"), std::vector<std::string>{"roc.csv"});
}

TEST(Pictures, ChartsWithoutAValueAreDrawnEmpty) {
  if (!find_program("gnuplot")) GTEST_SKIP() << "gnuplot is not in PATH (apt-get install gnuplot-nox)";
  Chart line{.id = "line", .title = "nothing", .kind = ChartKind::kLine, .x = {"x", ""}, .y = {"y", ""}, .series = {{.name = "a", .x = {1, 2}, .y = {kNoValue, kNoValue}}}};
  Chart bars{.id = "bars", .title = "nothing", .kind = ChartKind::kBars, .x = {"x", ""}, .y = {"y", ""}, .categories = {"k"}, .series = {{.name = "a", .y = {kNoValue}}}};
  Chart one{.id = "one", .title = "one point", .kind = ChartKind::kScatter, .x = {"x", ""}, .y = {"y", ""}, .series = {{.name = "a", .x = {3}, .y = {4}}}};
  one.x.logarithmic = true;
  Chart zero{.id = "zero", .title = "no logarithm of 0", .kind = ChartKind::kLine, .x = {"x", ""}, .y = {"y", ""}, .series = {{.name = "a", .x = {0, 10}, .y = {1, 0}}}};
  zero.x.logarithmic = zero.y.logarithmic = true;
  EXPECT_THAT(write_pictures({line, bars, one, zero}, fresh_folder()).not_drawn, IsEmpty());
}

}  // namespace
}  // namespace attune::report
