// What an analysis concludes from cells whose predictions are known.
#include "app/analysis_summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "app/analysis_page.h"
#include "app/analysis_sections.h"
#include "base/files.h"
#include "base/random.h"

namespace attune {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

class Concluded : public ::testing::Test {
 protected:
  static constexpr int kRows = 400, kSeeds = 3;

  void SetUp() override {
    root_ = fs::path(::testing::TempDir()) / (std::string("attune_summary_") + ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(root_);
    fs::create_directories(root_);
    a_.split = "test";
    a_.metric = "accuracy";
    a_.config.analysis.draws = 500;
    a_.plan.seeds = {0, 1, 2};
  }

  /// A variant that has about `right` of the rows right, with the same rows hard for all of the same `taste`; `doubt` is the probability of the
  /// other label.
  void add(const std::string& name, double right, int64_t weights, double validation, double doubt = 0.25, uint64_t taste = 0) {
    Variant variant;
    variant.name = name;
    a_.plan.variants.push_back(std::move(variant));
    for (int s = 0; s < kSeeds; ++s) {
      std::string lines;
      int hits = 0;
      double loss = 0;
      for (int i = 0; i < kRows; ++i) {
        Random hard(mix_key(taste, static_cast<uint64_t>(i))), luck(mix_key(static_cast<uint64_t>(s), static_cast<uint64_t>(i)));
        const bool hit = hard.uniform() + 0.02 * (luck.uniform() - 0.5) < right, gold = i % 2;
        const double positive = gold == hit ? 1 - doubt : doubt;
        hits += hit;
        loss -= std::log(hit ? 1 - doubt : doubt) / kRows;
        lines += dump_json({{"id", std::to_string(i)}, {"gold", gold ? "pos" : "neg"}, {"prediction", gold == hit ? "pos" : "neg"}, {"scores", {{"neg", 1 - positive}, {"pos", positive}}}}, {.indent = -1}) + "\n";
      }
      const fs::path file = root_ / (name + std::to_string(s) + ".jsonl");
      write_file_atomically(file, lines);
      Cell cell;
      cell.name = name;
      cell.config.output_dir = file.string();
      a_.cells.push_back(cell);
      CellResult r;
      r.state = CellResult::State::kDone;
      r.results = {{"test_accuracy", static_cast<double>(hits) / kRows}, {"eval_accuracy", validation}, {"test_log_loss", loss}, {"eval_log_loss", 1 - validation}, {"trainable_parameters", weights}, {"test_majority_rate", 0.5},
                   {"phase_seconds", {{"data", 0.0}, {"forward", 1.0}, {"backward", 2.0}, {"optimizer", 0.5}, {"evaluation", 0.5}, {"checkpoint", 0.0}}}};
      a_.results.push_back(r);
    }
  }

  fs::path root_;
  Analysis a_;
};

TEST_F(Concluded, FindingsPointTheRightWay) {
  add("lora", 0.80, 1000, 0.80);
  add("good", 0.90, 5000, 0.91);
  add("bad", 0.60, 1000, 0.62);
  add("like", 0.803, 1000, 0.80);
  a_.wall_seconds = 66;
  a_.choice.plan.jobs = 1;
  const AnalysisSummary s = summarise(a_);
  ASSERT_EQ(s.against_reference.size(), 3u);
  EXPECT_EQ(s.against_reference[0].finding, Finding::kBetter);
  EXPECT_THAT(s.against_reference[0].sentence, HasSubstr("**good** is better than **lora** by 1"));
  EXPECT_EQ(s.against_reference[1].finding, Finding::kWorse);
  EXPECT_THAT(s.against_reference[1].sentence, MatchesRegex(".*worse than .*lora.* by 1[0-9]\\.[0-9]* points of accuracy \\(95 % interval over rows 1[0-9]\\.[0-9]* to 1[0-9].*"));
  EXPECT_EQ(s.against_reference[2].finding, Finding::kEquivalent);
  EXPECT_THAT(s.against_reference[2].sentence, HasSubstr("equivalent within 1 point of accuracy: the difference is 0."));
  EXPECT_EQ(s.variants[*s.best].name, "good");
  EXPECT_EQ(s.variants[*s.ship].name, "good");
  EXPECT_THAT(s.answer, StartsWith("Ship good: accuracy "));
  EXPECT_THAT(s.reasons, testing::Contains(StartsWith("Significantly worse than good: lora, bad, like.")));
  EXPECT_NEAR(s.overhead, 66.0 / (12 * 4), 1e-12);
}

TEST_F(Concluded, TheSmallerOfTwoEqualsIsShippedAndTheWordIsSaid) {
  add("large", 0.900, 22000000, 0.92);
  add("small", 0.899, 37634, 0.90);
  add("worse", 0.80, 10, 0.80);
  const AnalysisSummary s = summarise(a_);
  EXPECT_EQ(s.variants[*s.best].name, "large");
  EXPECT_EQ(s.variants[*s.ship].name, "small");
  EXPECT_THAT(s.reasons, testing::Contains(HasSubstr("small trains 37,634 weights instead of 22,000,000")));
  EXPECT_THAT(s.reasons, testing::Contains(HasSubstr("a little flattered")));
}

TEST_F(Concluded, TheSameScoreOnOtherRowsIsNotEquivalence) {
  a_.config.analysis.margin = 0.03;
  add("lora", 0.80, 1000, 0.80);
  add("other", 0.815, 1000, 0.80, 0.25, 7);
  const AnalysisSummary s = summarise(a_);
  const VariantComparison& c = s.against_reference[0];
  ASSERT_TRUE(c.equivalence && c.equivalence->equivalent) << "seeds alone see no gap: " << c.sentence;
  EXPECT_GT(c.high, 0.03);
  EXPECT_EQ(c.finding, Finding::kUnclear) << "other rows might show one";
}

TEST_F(Concluded, TwinsAreEquivalentThoughNothingVaries) {
  add("lora", 0.80, 1000, 0.80);
  add("twin", 0.80, 1000, 0.80);
  const AnalysisSummary s = summarise(a_);
  EXPECT_EQ(s.against_reference[0].finding, Finding::kEquivalent);
  EXPECT_EQ(s.against_reference[0].sentence, "**twin** and **lora** give the same answer on every row.");
}

TEST_F(Concluded, TheFrontCountsEveryCostThatWasMeasured) {
  add("large", 0.90, 22000000, 0.92);
  add("small", 0.85, 1000, 0.90);
  add("same", 0.85, 5000, 0.90);
  const auto front = [&] { return report::cost_front(a_, summarise(a_)); };
  EXPECT_EQ(front(), (std::vector<uint8_t>{1, 1, 0})) << "as good as small with more weights";
  a_.latency = {{"large", 0.002}, {"small", 0.002}, {"same", 0.001}};
  EXPECT_EQ(front(), (std::vector<uint8_t>{1, 1, 1})) << "but faster";
  a_.latency = {{"large", 0.002}, {"small", 0.001}, {"same", 0.002}};
  EXPECT_EQ(front(), (std::vector<uint8_t>{1, 1, 0}));
  EXPECT_EQ(to_json(a_, summarise(a_))["cost"]["front"], Json({"large", "small"}));
  a_.plan.variants[1].untrained = true;
  EXPECT_EQ(front(), (std::vector<uint8_t>{1, 0, 1})) << "the untrained is never on it";
}

TEST_F(Concluded, ALossIsBetterWhereItIsSmaller) {
  a_.metric = "log_loss";
  add("unsure", 0.85, 1000, 0.5, 0.45);
  add("sure", 0.85, 1000, 0.6, 0.15);
  const AnalysisSummary s = summarise(a_);
  EXPECT_TRUE(s.lower_is_better);
  EXPECT_EQ(s.against_reference[0].finding, Finding::kBetter);
  EXPECT_LT(s.against_reference[0].difference, 0);
  EXPECT_EQ(s.variants[*s.best].name, "sure") << "the smaller validation loss";
}

}  // namespace
}  // namespace attune
