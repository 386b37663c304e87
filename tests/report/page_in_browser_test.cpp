// A page opened in headless Chromium: the values drawn are those of the CSV files, clicks and sorting do what they say, nothing is loaded.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "base/json.h"
#include "base/run_program.h"
#include "example_page.h"
#include "read_csv.h"
#include "report/csv.h"
#include "report/html.h"

namespace attune::report {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* kSeeErrors =
    "<script>window.seenErrors = [];\naddEventListener('error', (e) => seenErrors.push(e.message));\n"
    "addEventListener('securitypolicyviolation', (e) => seenErrors.push('blocked ' + e.blockedURI));</script>\n";

/// What read_page.js says of the page; null where there is no browser.
Json read_back(const Page& page) {
  const auto chromium = find_program("chromium");
  if (!chromium) return nullptr;
  const fs::path folder = fs::path(::testing::TempDir()) / "attune_page_in_browser";
  fs::remove_all(folder);
  fs::create_directories(folder);
  std::string text = html(page);
  text.insert(text.find("</head>"), kSeeErrors);
  text.insert(text.rfind("</body>"), "<script>\n" + read_file(fs::path(ATTUNE_SOURCE_DIR) / "tests/report/read_page.js") + "</script>\n");
  write_file_atomically(folder / "page.html", text);
  const ProgramResult r = run_program(*chromium, {"--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1280,2000", "--blink-settings=preferredColorScheme=1",
                                                  "--user-data-dir=" + (folder / "profile").string(), "--dump-dom", "file://" + (folder / "page.html").string()}, "");
  const size_t begin = r.output.find("<pre id=\"read-back\">"), end = r.output.find("</pre>", begin);
  if (begin == std::string::npos || end == std::string::npos) throw std::runtime_error("the page's script did not come to its end: " + r.output.substr(0, 2000));
  fs::remove_all(folder);
  return parse_json(r.output.substr(begin + 20, end - begin - 20), "read-back");
}

class PageInBrowser : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { seen_ = new Json(read_back(example_page())); }
  static void TearDownTestSuite() { delete seen_; }
  void SetUp() override {
    if (seen_->is_null()) GTEST_SKIP() << "chromium is not in PATH (apt-get install chromium)";
  }
  static const Json& seen() { return *seen_; }

 private:
  static inline Json* seen_ = nullptr;
};

/// Lines of one series in the CSV of a chart.
std::vector<std::vector<std::string>> lines_of(const Chart& chart, const std::string& series) {
  std::vector<std::vector<std::string>> found;
  for (auto& line : read_csv(csv(chart)))
    if (line[0] == series) found.push_back(std::move(line));
  return found;
}

/// A pixel is the most that can be lost on the way to the screen and back.
void expect_near(double got, const std::string& want, double range, const std::string& what) { EXPECT_NEAR(got, std::stod(want), range / 300) << what; }

double span_of(const std::vector<double>& values) {
  double least = INFINITY, most = -INFINITY;
  for (const double v : values)
    if (std::isfinite(v)) least = std::min(least, v), most = std::max(most, v);
  return most > least ? most - least : std::abs(most);
}

TEST_F(PageInBrowser, LinesAndPointsAreDrawnWhereTheCsvSays) {
  for (const Chart& chart : {loss_chart(), roc_chart(), trade_off_chart()}) {
    const Json& sets = seen()["charts"][chart.id]["sets"];
    for (const Series& s : chart.series) {
      const auto set = std::find_if(sets.begin(), sets.end(), [&](const Json& j) { return j["label"] == s.name; });
      ASSERT_NE(set, sets.end()) << s.name;
      const auto lines = lines_of(chart, s.name);
      ASSERT_EQ((*set)["points"].size(), lines.size());
      for (size_t i = 0; i < lines.size(); ++i) {
        const std::string what = chart.id + ", " + s.name + ", point " + std::to_string(i);
        const Json& p = (*set)["points"][i];
        expect_near(p["x"], lines[i][1], chart.x.logarithmic ? s.x[i] * 10 : span_of(s.x), what);
        expect_near(p["y"], lines[i][s.second_axis ? 3 : 2], span_of(s.y), what);
      }
    }
  }
}

TEST_F(PageInBrowser, EveryRingedPointIsNamedAndNoneForItsNeighbour) {
  const Json& names = seen()["charts"]["crowded"]["names"];
  const auto named = [&](const std::string& label) { return std::any_of(names.begin(), names.end(), [&](const Json& n) { return n["text"] == label; }); };
  const Chart chart = crowded_chart();
  for (const std::string& label : chart.series[0].labels) {
    if (label.starts_with("best") || label == "apart") {
      EXPECT_TRUE(named(label)) << label;
    } else if (label.starts_with("h")) {
      EXPECT_FALSE(named(label)) << label;
    }
  }
  for (const Json& a : names)
    for (const Json& b : names)
      if (a != b && std::abs(a["x"].get<double>() - b["x"].get<double>()) < 40) {
        EXPECT_GE(std::abs(a["y"].get<double>() - b["y"].get<double>()), 13) << a << b;
      }
}

TEST_F(PageInBrowser, DotsLieAtTheirCategoriesAndBarsReachTheirValues) {
  const Chart dots = accuracy_chart();
  for (size_t k = 0; k < dots.series.size(); ++k) {
    const Json& points = seen()["charts"]["accuracy"]["sets"][k]["points"];
    const auto lines = lines_of(dots, dots.series[k].name);
    for (size_t i = 0; i < lines.size(); ++i) {
      EXPECT_EQ(std::lround(points[i]["y"].get<double>()), static_cast<long>(i));
      EXPECT_EQ(points[i]["drawn"], !lines[i][2].empty());
      if (!lines[i][2].empty()) expect_near(points[i]["x"], lines[i][2], 0.5, lines[i][1]);
    }
  }
  const Chart stacked = time_chart();
  for (size_t k = 0; k < stacked.series.size(); ++k) {
    const auto lines = lines_of(stacked, stacked.series[k].name);
    for (size_t i = 0; i < lines.size(); ++i) {
      const Json& p = seen()["charts"]["time"]["sets"][k]["points"][i];
      expect_near(p["x"].get<double>() - p["from_x"].get<double>(), lines[i][2], 50, stacked.series[k].name);
      EXPECT_EQ(p["y"], i);
    }
  }
  const Chart bars = bins_chart();
  for (size_t k = 0; k < bars.series.size(); ++k) {
    const auto lines = lines_of(bars, bars.series[k].name);
    for (size_t i = 0; i < lines.size(); ++i) {
      const Json& p = seen()["charts"]["bins"]["sets"][k]["points"][i];
      expect_near(p["y"], lines[i][2], 350, bars.series[k].name);
      EXPECT_EQ(p["x"], i);
    }
  }
}

TEST_F(PageInBrowser, WhiskersAndReferenceLinesAreDrawn) {
  size_t with_intervals = 0;
  for (const char* id : {"loss", "accuracy", "trade-off"})
    for (const Json& set : seen()["charts"][id]["sets"])
      for (const Json& ends : set["whiskers"]) {
        if (ends.is_null()) continue;
        ++with_intervals;
        EXPECT_EQ(ends, Json({true, true})) << id << ", " << set["label"] << ": " << ends;
      }
  EXPECT_EQ(with_intervals, 4u + 3u + 4u + 5u);
  EXPECT_GT(seen()["charts"]["accuracy"]["reference"], 0.3);
}

TEST_F(PageInBrowser, RingsMarkThePoints) {
  const Chart chart = trade_off_chart();
  const Json& sets = seen()["charts"]["trade-off"]["sets"];
  const auto ring = std::find_if(sets.begin(), sets.end(), [](const Json& j) { return j["label"] == "Pareto front"; });
  ASSERT_NE(ring, sets.end());
  ASSERT_EQ((*ring)["points"].size(), chart.series[0].marked.size());
  for (size_t i = 0; i < chart.series[0].marked.size(); ++i) EXPECT_NEAR((*ring)["points"][i]["y"], chart.series[0].y[chart.series[0].marked[i]], 0.001);
}

TEST_F(PageInBrowser, AxesSayWhatTheyShowWithUnits) {
  EXPECT_THAT(seen()["charts"]["loss"]["titles"].get<std::vector<std::string>>(), ::testing::UnorderedElementsAre("step", "loss (nats)", "learning rate"));
  EXPECT_THAT(seen()["charts"]["time"]["titles"].get<std::vector<std::string>>(), ::testing::Contains("time (s)"));
}

TEST_F(PageInBrowser, AClickOnACellShowsItsRows) {
  const Json& click = seen()["click"];
  EXPECT_EQ(click["hidden"], false);
  EXPECT_EQ(click["heading"], "gold negative, predicted positive <b> (2 of 13)");
  ASSERT_EQ(click["rows"].size(), 2u);
  EXPECT_THAT(click["rows"][0].get<std::vector<std::string>>(), ElementsAre("7", kHostile, "negative", "positive <b>", "0.9100"));
  EXPECT_EQ(click["elements"], 0) << "a text of a row became an element";
  EXPECT_EQ(seen()["click_again"]["hidden"], true);
  EXPECT_THAT(seen()["other_click"]["rows"][0].get<std::vector<std::string>>(), ElementsAre("12", "a second text", "positive <b>", "negative", ""));
}

TEST_F(PageInBrowser, HeadingsSortByValueAndMissingOnesStayLast) {
  const auto order = [](const char* key) { return seen()[key].get<std::vector<std::string>>(); };
  EXPECT_THAT(order("first_sort"), ElementsAre(kHostile, "full", "base", "failed"));
  EXPECT_THAT(order("second_sort"), ElementsAre("base", "full", kHostile, "failed"));
  EXPECT_THAT(order("words_sort"), ElementsAre(kHostile, "base", "failed", "full"));
}

TEST_F(PageInBrowser, DarkAndLightAndPaper) {
  EXPECT_EQ(seen()["colours"][0][0], "rgb(255, 255, 255)");
  EXPECT_EQ(seen()["colours"][1][0], "rgb(21, 24, 29)");
  EXPECT_NE(seen()["colours"][0][1], seen()["colours"][1][1]);
  EXPECT_EQ(seen()["print_colour"], seen()["colours"][0][1]) << "paper is light";
}

TEST_F(PageInBrowser, NothingIsLoadedAndNothingFails) {
  EXPECT_THAT(seen()["errors"], IsEmpty());
  EXPECT_THAT(seen()["loaded"], IsEmpty());
  EXPECT_EQ(seen()["title"], "Report " + kHostile) << "a text became a script";
  EXPECT_LE(seen()["width"], 1280) << "wider than the window";
}

}  // namespace
}  // namespace attune::report
