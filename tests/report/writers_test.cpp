// The writers of a page against what they promise: escapes, numbers in full, every text where it belongs.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "example_page.h"
#include "read_csv.h"
#include "report/base64.h"
#include "report/chart_json.h"
#include "report/csv.h"
#include "report/html.h"
#include "report/markdown.h"
#include "report/markup.h"
#include "report/names.h"

namespace attune::report {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

size_t occurrences(const std::string& text, const std::string& part) {
  size_t n = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

TEST(Names, IdsAreFileNames) {
  EXPECT_EQ(id_of("LoRA r=16, int8"), "lora-r-16-int8");
  EXPECT_EQ(id_of("../../etc/passwd"), "etc-passwd");
  EXPECT_EQ(id_of("ü"), "x");
  for (const char* good : {"a", "loss-2_x", "7"}) EXPECT_TRUE(is_id(good)) << good;
  for (const char* bad : {"", "-a", "a/b", "A", "a b", "ä", "..", "a\"b"}) EXPECT_FALSE(is_id(bad)) << bad;
  EXPECT_FALSE(is_id(std::string(101, 'a')));
}

TEST(Base64, VectorsOfTheRfc) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xff\xfe"), "//4=");
}

TEST(Markup, CodeAndBoldAndNothingElse) {
  using K = Span::Kind;
  EXPECT_THAT(spans("a `b*` **c** *d* ` **"), ElementsAre(Span{K::kText, "a "}, Span{K::kCode, "b*"}, Span{K::kText, " "}, Span{K::kBold, "c"}, Span{K::kText, " *d* ` **"}));
}

TEST(Cells, TextForPeopleAndTheNumberItself) {
  EXPECT_EQ(number(0.87345, 3).text, "0.873");
  EXPECT_EQ(with_interval(0.5, 0.4, 0.61234).text, "0.5000 [0.4000, 0.6123]");
  EXPECT_EQ(count(-1234567).text, "-1,234,567");
  EXPECT_EQ(percent(0.004405, 4).text, "0.4405 %");
  EXPECT_TRUE(is_missing(number(kNoValue)));
  EXPECT_TRUE(is_missing(missing("why")));
  EXPECT_FALSE(is_missing(words("–x")));
}

TEST(Checks, WhatDoesNotAgreeIsABug) {
  Chart chart = loss_chart();
  chart.series[0].x.pop_back();
  EXPECT_THROW(check(chart), Bug);
  chart = accuracy_chart();
  chart.series[1].name = chart.series[0].name;
  EXPECT_THROW(csv(chart), Bug);
  chart = confusion_chart();
  chart.matrix.values.pop_back();
  EXPECT_THROW(chart_json(chart), Bug);
  chart = roc_chart();
  chart.id = "../roc";
  EXPECT_THROW(check(chart), Bug);
  Page page = example_page();
  page.sections.push_back({"again", "Again", {roc_chart()}});
  EXPECT_THROW(html(page), Bug);
  Table table = runs_table();
  table.rows[0].pop_back();
  EXPECT_THROW(csv(table), Bug);
}

TEST(Csv, OneLineAPointWithWhatTheChartHas) {
  Chart c{.id = "a", .kind = ChartKind::kLine, .x = {"step", ""}, .y = {"loss", "nats"}};
  c.second_y = Axis{"rate", ""};
  c.series = {{.name = "a,\"b\"", .x = {1, 2}, .y = {0.1, kNoValue}, .low = {0.05, kNoValue}, .high = {1e-05, kNoValue}, .labels = {"p", "q"}, .marked = {1}, .mark = "best"},
              {.name = "r", .x = {1}, .y = {5e-4}, .second_axis = true}};
  c.references = {{.name = "level", .value = 0.3}, {.name = "at", .value = 7, .vertical = true}};
  EXPECT_EQ(csv(c),
            "series,step,loss (nats),rate,low,high,label,marked\n"
            "\"a,\"\"b\"\"\",1,0.1,,0.05,1e-05,p,0\n"
            "\"a,\"\"b\"\"\",2,,,,,q,1\n"
            "r,1,,0.0005,,,,0\n"
            "level,,0.3,,,,,\n"
            "at,7,,,,,,\n");
}

TEST(Csv, NumbersReadBackToTheBit) {
  Chart c{.id = "a", .kind = ChartKind::kBars, .x = {"x", ""}, .y = {"y", ""}, .categories = {"k"}, .series = {{.name = "s", .y = {0.1 + 0.2}}}};
  EXPECT_EQ(std::stod(read_csv(csv(c)).at(1).at(2)), 0.1 + 0.2);
}

TEST(Csv, MatrixHasALineACell) {
  const auto lines = read_csv(csv(confusion_chart()));
  ASSERT_EQ(lines.size(), 5u);
  EXPECT_THAT(lines[0], ElementsAre("gold", "predicted", "value", "share"));
  EXPECT_THAT(lines[2], ElementsAre("negative", "positive <b>", "13", fmt::format("{}", 13 / 225.0)));
}

TEST(Csv, TablesHoldTheNumbersNotTheirText) {
  const auto lines = read_csv(csv(runs_table()));
  EXPECT_THAT(lines[0], ElementsAre("run", "accuracy", "accuracy_low", "accuracy_high", "time (s)", "rank"));
  EXPECT_THAT(lines[1], ElementsAre("base", "0.52", "0.47", "0.57", "", "4"));
  EXPECT_THAT(lines[2], ElementsAre(kHostile, "0.8912345", "0.87", "0.91", "25.25", "1"));
  EXPECT_THAT(lines[4], ElementsAre("failed", "", "", "", "3", "12345"));
}

TEST(Html, NoTextLeavesItsPlace) {
  const std::string page = html(example_page());
  // Scripts are the page's own: data, Chart.js and ours, however many the texts would like to begin.
  EXPECT_EQ(occurrences(page, "<script"), 7u);
  EXPECT_EQ(occurrences(page, "</script>"), 7u);
  EXPECT_EQ(occurrences(page, "<img"), 0u);
  EXPECT_EQ(occurrences(page, "<b>"), 0u);
  EXPECT_THAT(page, HasSubstr("title=\"a &quot;hint&quot; &lt;b&gt;\""));
  EXPECT_THAT(page, HasSubstr("&lt;/script&gt;&lt;script&gt;document.title=&#39;broken&#39;"));
}

TEST(Html, NothingComesFromAnywhereElse) {
  const std::string page = html(example_page());
  for (const char* outside : {"src=\"http", "href=\"http", "src=\"//", "href=\"//", "url(", "@import", "<link", "<iframe"}) EXPECT_THAT(page, Not(HasSubstr(outside)));
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  EXPECT_THAT(page, HasSubstr("Chart.js v"));
}

TEST(Html, EveryNumberCanBeSaved) {
  const Page page = example_page();
  const std::string text = html(page);
  for (const Chart& c : charts(page)) EXPECT_THAT(text, HasSubstr("download=\"" + c.id + ".csv\" href=\"data:text/csv;charset=utf-8;base64," + base64(csv(c)) + "\"")) << c.id;
  for (const Table& t : tables(page)) EXPECT_THAT(text, HasSubstr("base64," + base64(csv(t)) + "\"")) << t.id;
}

TEST(Html, ThePageIsAFunctionOfItsData) { EXPECT_EQ(html(example_page()), html(example_page())); }

TEST(ChartJson, NumbersNullsAndOnlyWhatIsThere) {
  const Json j = chart_json(accuracy_chart());
  EXPECT_EQ(j["kind"], "dots");
  EXPECT_TRUE(j["horizontal"]);
  EXPECT_TRUE(j["series"][0]["y"][3].is_null());
  EXPECT_EQ(j["series"][1]["high"][3], 0.9);
  EXPECT_EQ(j["references"][0]["value"], 0.509);
  EXPECT_FALSE(j.contains("second_y"));
  EXPECT_FALSE(j["series"][0].contains("x"));
}

TEST(ChartJson, NoTextEndsTheScriptItStandsIn) {
  const std::string text = script_text(chart_json(confusion_chart()));
  EXPECT_EQ(text.find('<'), std::string::npos);
  EXPECT_EQ(parse_json(text, "script")["behind"][1][0]["text"], kHostile);
}

TEST(Markdown, CharactersMeanThemselves) {
  Page page{.title = "a_b *c* <d> | #1 & $x$"};
  page.sections = {{"s", "S", {Paragraph{"- no list `a_b|c`"}, Paragraph{"1. no list"}, Code{.text = "```\ncode"}}}};
  EXPECT_EQ(markdown(page, ""),
            "# a\\_b \\*c\\* \\<d\\> \\| \\#1 \\& \\$x\\$\n\n## S\n\n\\- no list `a_b|c`\n\n1\\. no list\n\n````\n```\ncode\n````\n\n");
}

TEST(Markdown, TablesPicturesAndTheAnswer) {
  const std::string text = markdown(example_page(), "results/visualizations");
  EXPECT_THAT(text, HasSubstr("> **Ship lora r=8: it is as good as full fine-tuning.**\n"));
  EXPECT_THAT(text, HasSubstr("| run | accuracy | time (s) | rank |\n| --- | ---: | ---: | ---: |\n| base | 0.5200 \\[0.4700, 0.5700\\] | – | 4 |\n"));
  EXPECT_THAT(text, HasSubstr("![ROC](results/visualizations/roc.png)"));
  EXPECT_THAT(text, HasSubstr("| negative | 212 | 13 |\n"));
  EXPECT_THAT(markdown(example_page(), ""), Not(HasSubstr("![")));
}

}  // namespace
}  // namespace attune::report
