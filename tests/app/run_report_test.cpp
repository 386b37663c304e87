// Reports of run folders whose numbers are known: every picture and table shows those and no others.
#include "app/run_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "app/report_sections.h"
#include "base/error.h"
#include "report/csv.h"

namespace attune::report {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class Reported : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::path(::testing::TempDir()) / (std::string("attune_report_") + ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(root_);
    fs::create_directories(root_);
  }
  std::string path(const std::string& name) const { return (root_ / name).string(); }
  void write(const std::string& name, const std::string& bytes) const {
    fs::create_directories((root_ / name).parent_path());
    write_file_atomically(root_ / name, bytes);
  }
  /// A run of ten rows, the first `wrong` of them wrong.
  std::string run(const std::string& name, int wrong, double seconds, int64_t parameters) const {
    write(name + "/all_results.json",
          dump_json({{"adapter_parameters", parameters - 770}, {"head_parameters", 770}, {"trainable_parameters", parameters}, {"all_parameters", 100 * parameters}, {"train_runtime", seconds},
                     {"head_origin", "random-init(seed=1)"}, {"memory_peak_bytes", {{"process", 300000000}, {"weights", 90000000}, {"activations", 50000000}, {"quantized", 0}}},
                     {"phase_seconds", {{"data", 0.5}, {"forward", 10.0}, {"backward", 20.0}}},
                     {"latency", Json::array({{{"batch_size", 1}, {"p50", 0.004}, {"p95", 0.005}, {"p99", 0.006}, {"predictions_per_second", 250.0}}})},
                     {"overfitting", {{"found", true}, {"since_step", 10}, {"evaluations", 2}}}, {"best_by_loss", {{"step", 10}, {"epoch", 1.0}, {"value", 0.5}}}}));
    write(name + "/trainer_state.json",
          "{\"best_global_step\": 20, \"log_history\": [{\"step\": 5, \"loss\": 0.75, \"learning_rate\": 0.0005, \"grad_norm\": 1.5}, {\"step\": 10, \"eval_loss\": 0.5}, {\"step\": 15, \"loss\": NaN}, "
          "{\"step\": 20, \"eval_loss\": 0.625}]}");
    const double right = (10 - wrong) / 10.0;
    write(name + "/test_results.json", dump_json({{"accuracy", right}, {"accuracy_interval", {right - 0.1, right + 0.05}}, {"majority_rate", 0.5}, {"rows", 10}, {"roc_auc", nullptr},
                                                  {"undefined", {{"roc_auc", "scores were not finite"}}}}));
    write(name + "/attune.json", dump_json({{"task", "text-classification"}, {"id2label", {{"0", "neg"}, {"1", "pos"}}}, {"problem_type", "single_label_classification"}, {"format_version", 1}}));
    write(name + "/config.yaml", "model: m\n");
    std::string rows;
    for (int i = 0; i < 10; ++i) {
      const bool positive = i % 2, said = positive != (i < wrong);
      rows += dump_json({{"id", "r" + std::to_string(i)}, {"gold", positive ? "pos" : "neg"}, {"prediction", said ? "pos" : "neg"},
                         {"scores", {{"neg", said ? 0.25 : 0.75}, {"pos", said ? 0.75 : 0.25}}}, {"text", "text <" + std::to_string(i) + ">"}},
                        {.indent = -1, .sort_keys = false}) + "\n";
    }
    write(name + "/predictions.jsonl", rows);
    return path(name);
  }

  fs::path root_;
};

const Chart* chart(const Page& page, const std::string& id) {
  static std::vector<Chart> all;
  all = charts(page);
  const auto it = std::find_if(all.begin(), all.end(), [&](const Chart& c) { return c.id == id; });
  return it == all.end() ? nullptr : &*it;
}
std::vector<std::string> ids(const Page& page) {
  std::vector<std::string> names;
  for (const Chart& c : charts(page)) names.push_back(c.id);
  return names;
}

TEST_F(Reported, OneRun) {
  const Page page = runs_page(read_runs({run("a", 2, 60, 1000)}), "", "attune report a");
  EXPECT_EQ(page.title, "Report on a");
  EXPECT_EQ(page.verdict.answer, "a: accuracy 0.8000 [0.7000, 0.8500].");
  EXPECT_THAT(ids(page), ElementsAre("score", "loss", "gradient-norm", "confusion", "roc", "precision-recall", "reliability", "confidence", "memory", "time", "latency"));
  EXPECT_EQ(csv(*chart(page, "loss")),
            "series,step,loss (nats),learning rate,marked\ntraining loss,5,0.75,,0\ntraining loss,15,,,0\nvalidation loss,10,0.5,,0\nvalidation loss,20,0.625,,1\nlearning rate,5,,0.0005,0\n");
  EXPECT_EQ(csv(*chart(page, "memory")), "series,run,memory (MB)\nweights,a,90\nactivations,a,50\n");
  EXPECT_EQ(csv(*chart(page, "time")), "series,run,time (s)\ndata,a,0.5\nforward,a,10\nbackward,a,20\n");
  EXPECT_EQ(csv(*chart(page, "latency")), "series,batch size (rows),latency (ms),low,high\na,1,4,4,5\n");
}

TEST_F(Reported, TheConfusionMatrixHoldsItsRows) {
  const Page page = runs_page(read_runs({run("a", 3, 60, 1000)}), "", "");
  const Chart* c = chart(page, "confusion");
  ASSERT_TRUE(c);
  // Rows 0 and 2 are negative and said to be positive, row 1 the other way.
  EXPECT_THAT(c->matrix.values, ElementsAre(3, 2, 1, 4));
  EXPECT_THAT(c->matrix.shares, ElementsAre(0.6, 0.4, 0.2, 0.8));
  ASSERT_EQ(c->matrix.behind[1].size(), 2u);
  EXPECT_EQ(c->matrix.behind[1][0].id, "r0");
  EXPECT_EQ(c->matrix.behind[1][0].text, "text <0>");
  EXPECT_EQ(c->matrix.behind[1][0].score, 0.75);
  EXPECT_EQ(c->matrix.behind[2][0].id, "r1");
}

TEST_F(Reported, WrongAnswersAreListedTheLargestMissesFirst) {
  write("qa/all_results.json", dump_json({{"train_runtime", 1.0}}));
  write("qa/attune.json", dump_json({{"task", "question-answering"}, {"format_version", 1}}));
  write("qa/predictions.jsonl", R"({"id": "right", "gold": ["the cup"], "prediction": "The cup!", "text": "who?", "text_pair": "c"}
{"id": "near", "gold": ["the blue cup", "a cup"], "prediction": "blue cup of tea", "text": "which?", "text_pair": "a blue cup of tea"}
{"id": "none", "gold": [], "prediction": "tea", "text": "why?", "text_pair": "c"}
)");
  const std::vector<Table> all = tables(runs_page(read_runs({path("qa")}), "", ""));
  const auto t = std::find_if(all.begin(), all.end(), [](const Table& x) { return x.id == "wrong"; });
  ASSERT_NE(t, all.end());
  ASSERT_EQ(t->rows.size(), 2u);
  EXPECT_EQ(t->rows[0][0].text, "none");
  EXPECT_EQ(t->rows[0][2].text, "(no answer)");
  EXPECT_EQ(t->rows[1][0].text, "near");
  EXPECT_EQ(t->rows[1][2].text, "the blue cup / a cup");
  EXPECT_EQ(t->rows[1][4].text, "0.67") << "2 of 4 words, of 2: the article is none";
  EXPECT_THAT(t->note, HasSubstr("2 of 3 answers are no exact match"));
}

TEST_F(Reported, CurvesComeFromTheStoredScores) {
  const Page page = runs_page(read_runs({run("a", 2, 60, 1000)}), "", "");
  // One wrong row of either class, two scores: the curve has one corner.
  EXPECT_EQ(csv(*chart(page, "roc")), "series,false positive rate,true positive rate\na (AUC 0.800),0,0\na (AUC 0.800),0.2,0.8\na (AUC 0.800),1,1\nchance,0,0\nchance,1,1\n");
  EXPECT_EQ(csv(*chart(page, "reliability")), "series,mean of the top probability,accuracy\na,0.75,0.8\nperfect calibration,0,0\nperfect calibration,1,1\n");
}

TEST_F(Reported, SeveralRunsStandSideBySideWithTheirFront) {
  const Page page = runs_page(read_runs({run("dear", 1, 90, 5000), run("cheap", 2, 30, 1000), run("worse", 3, 60, 2000)}), "Three", "");
  EXPECT_EQ(page.title, "Three");
  EXPECT_EQ(page.verdict.answer, "dear has the best accuracy: 0.9000 [0.8000, 0.9500].");
  EXPECT_THAT(page.verdict.reasons.back().text, HasSubstr("Next is cheap with 0.8000 [0.7000, 0.8500]: the intervals overlap"));
  EXPECT_THAT(ids(page), Contains("confusion-cheap"));
  EXPECT_THAT(ids(page), Contains("validation-loss"));
  const Chart* c = chart(page, "trade-off-parameters");
  ASSERT_TRUE(c);
  EXPECT_THAT(c->series[0].marked, ElementsAre(0, 1));
  EXPECT_THAT(c->series[1].x, ElementsAre(1000, 5000)) << "the front, by rising cost";
  EXPECT_EQ(tables(page)[0].rows[0][4].emphasis, Emphasis::kBest);
  EXPECT_EQ(tables(page)[0].rows[1][4].emphasis, Emphasis::kNone);
}

TEST_F(Reported, BaselinesAreRowsOfTheTableEachOnce) {
  const auto with_bow = [&](const std::string& name, int wrong, double accuracy) {
    const std::string folder = run(name, wrong, 100, 1000);
    Json results = read_json(fs::path(folder) / "all_results.json");
    results["baseline_bow_accuracy"] = accuracy;
    results["baseline_bow_accuracy_interval"] = {accuracy - 0.25, accuracy + 0.125};
    results["baseline_bow_f1_macro"] = 0.5;
    write(name + "/all_results.json", dump_json(results));
    return folder;
  };
  const auto page_of = [&](const std::vector<std::string>& folders) { return results_section(read_runs(folders)); };
  const auto rows = [](const Section& section) {
    std::vector<std::pair<std::string, std::string>> found;
    for (const Block& block : section.blocks)
      if (const auto* table = std::get_if<Table>(&block); table && table->id == "runs")
        for (const auto& row : table->rows) found.emplace_back(row[0].text, row[4].text);
    return found;
  };
  const auto lines = [](const Section& section) {
    std::vector<std::string> names;
    for (const Block& block : section.blocks)
      if (const auto* chart = std::get_if<Chart>(&block); chart && chart->id == "score")
        for (const Reference& r : chart->references) names.push_back(r.name);
    return names;
  };
  const std::string a = with_bow("a", 2, 0.625), b = with_bow("b", 3, 0.625), other = with_bow("c", 3, 0.75);
  const Section same = page_of({a, b}), differs = page_of({a, other});
  ASSERT_EQ(rows(same).size(), 3u);
  EXPECT_EQ(rows(same)[2], std::pair(std::string("bow"), std::string("0.6250 [0.3750, 0.7500]")));
  EXPECT_THAT(lines(same), ElementsAre("majority rate", "bow"));
  ASSERT_EQ(rows(differs).size(), 4u);
  EXPECT_EQ(rows(differs)[3].first, "bow, rows of c");
  EXPECT_THAT(runs_verdict(read_runs({a})).reasons.back().text, HasSubstr("**bow** (logistic regression on word counts) reaches 0.6250 [0.3750, 0.7500]."));
  EXPECT_EQ(rows(page_of({run("d", 2, 100, 1000)})).size(), 1u) << "no baseline was asked for";
}

TEST_F(Reported, WhatIsNotThereIsSaidAndNotDrawn) {
  write("bare/all_results.json", "{}");
  const auto runs = read_runs({path("bare")});
  const Page page = runs_page(runs, "", "");
  EXPECT_THAT(charts(page), IsEmpty());
  EXPECT_TRUE(page.verdict.answer.empty());
  EXPECT_THAT(runs[0].missing, Contains(HasSubstr("`predictions.jsonl` is not there: no confusion matrix")));
  EXPECT_THAT(runs[0].missing, Contains(HasSubstr("`trainer_state.json` is not there: no training curves")));
  EXPECT_THAT(runs[0].missing, Contains(HasSubstr("Neither `test_results.json` nor `eval_results.json`")));
  for (const Table& t : tables(page)) {
    if (t.id == "environment") continue;
    for (size_t c = 4; c < t.columns.size(); ++c) EXPECT_TRUE(is_missing(t.rows[0][c])) << t.id << ", " << t.columns[c].heading << ": " << t.rows[0][c].text;
  }
}

TEST_F(Reported, AnUndefinedFigureHasItsReason) {
  const auto runs = read_runs({run("a", 2, 60, 1000)});
  const Cell cell = metric_cell(runs[0], "roc_auc");
  EXPECT_TRUE(is_missing(cell));
  EXPECT_EQ(cell.hint, "scores were not finite");
}

TEST_F(Reported, NamesAreUniqueAndNoFolderIsNamedTwice) {
  const auto runs = read_runs({run("x/a", 1, 1, 1000), run("y/a", 2, 1, 1000)});
  EXPECT_EQ(runs[0].name, "x/a");
  EXPECT_EQ(runs[1].name, "y/a");
  EXPECT_NO_THROW(check(runs_page(runs, "", "")));
  try {
    read_runs({path("x/a"), path("x/a/")});
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.info().id, "report.twice");
    EXPECT_EQ(e.code(), ErrorCode::kUsage);
  }
}

TEST_F(Reported, AFolderThatIsNoRunIsRefused) {
  for (const std::string& name : {std::string("nowhere"), std::string(".")}) {
    try {
      read_runs({path(name)});
      FAIL() << name;
    } catch (const Error& e) {
      EXPECT_EQ(e.info().id, "report.no_run");
      EXPECT_EQ(e.code(), ErrorCode::kInput);
    }
  }
}

TEST_F(Reported, FilesOfTheLayoutAreWrittenTwiceTheSame) {
  const std::string before = std::getenv("PATH");
  setenv("PATH", "/nowhere", 1);  // without gnuplot: quick, and the sentence is seen
  const ReportOptions options{.runs = {run("a", 2, 60, 1000)}, .output_dir = path("out"), .title = ""};
  const ReportFiles files = run_report(options);
  const std::string html = read_file(files.html), markdown = read_file(files.markdown);
  run_report(options);
  setenv("PATH", before.c_str(), 1);
  EXPECT_THAT(files.notes, Contains(HasSubstr("gnuplot was not found")));
  EXPECT_EQ(read_file(files.html), html);
  EXPECT_THAT(markdown, Not(HasSubstr("![")));
  EXPECT_THAT(list_folder(root_ / "out"), ElementsAre("report.html", "report.md", "results"));
  EXPECT_THAT(list_folder(root_ / "out/results"), ElementsAre("metrics", "models", "visualizations"));
  EXPECT_EQ(read_json(root_ / "out/results/metrics/runs.json")["a"]["all_results"]["train_runtime"], 60);
  EXPECT_THAT(read_file(root_ / "out/results/models/models.csv"), HasSubstr(",230,770,1000,100000,\n"));
  EXPECT_THAT(read_file(root_ / "out/results/metrics/runs.csv"), HasSubstr("accuracy,accuracy_low,accuracy_high"));
  EXPECT_TRUE(file_exists(root_ / "out/results/visualizations/confusion.csv"));
}

}  // namespace
}  // namespace attune::report
