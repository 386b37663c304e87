// Data made by rules: repeatable, well formed, as noisy and as misleading as asked for.
#include "data/synthetic.h"

#include <gtest/gtest.h>

#include <set>

#include "base/code_points.h"

namespace attune {
namespace {

SyntheticOptions some(int64_t rows, double overlap = 0.8, double noise = 0.0) {
  SyntheticOptions o;
  o.rows = rows;
  o.seed = 7;
  o.overlap = overlap;
  o.label_noise = noise;
  return o;
}

TEST(SyntheticReviews, RepeatAndDifferByTextAndSeed) {
  const auto a = synthetic_reviews(some(500)), b = synthetic_reviews(some(500));
  std::set<std::string> texts;
  int64_t positive = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].text, b[i].text);
    EXPECT_EQ(a[i].positive, a[i].clean);
    EXPECT_GE(word_count(a[i].text), 8);
    EXPECT_LE(word_count(a[i].text), 40);
    EXPECT_EQ(a[i].text.find('{'), std::string::npos) << a[i].text;
    texts.insert(a[i].text);
    positive += a[i].positive;
  }
  EXPECT_EQ(texts.size(), a.size());
  EXPECT_NEAR(static_cast<double>(positive) / 500, 0.5, 0.08);
  SyntheticOptions other = some(1);
  other.seed = 8;
  EXPECT_NE(synthetic_reviews(other)[0].text, a[0].text);
  EXPECT_EQ(synthetic_reviews(some(3))[2].text, a[2].text) << "fewer rows are the first ones";
}

TEST(SyntheticReviews, NoiseFlipsItsShareAndKeepsTheTexts) {
  const auto clean = synthetic_reviews(some(2000)), noisy = synthetic_reviews(some(2000, 0.8, 0.1));
  int64_t flipped = 0;
  for (size_t i = 0; i < clean.size(); ++i) {
    EXPECT_EQ(clean[i].text, noisy[i].text);
    EXPECT_EQ(clean[i].clean, noisy[i].clean);
    flipped += noisy[i].positive != noisy[i].clean;
  }
  EXPECT_NEAR(static_cast<double>(flipped) / 2000, 0.1, 0.03);
}

TEST(SyntheticReviews, WordsOfBothSidesAreOnBothSidesUnlessSeparable) {
  const auto share_of_good_in_positive = [](double overlap) {
    int64_t all = 0, positive = 0;
    for (const SyntheticReview& r : synthetic_reviews(some(4000, overlap)))
      if (r.text.find(" excellent") != std::string::npos) {
        ++all;
        positive += r.clean;
      }
    return static_cast<double>(positive) / static_cast<double>(all);
  };
  EXPECT_EQ(share_of_good_in_positive(0), 1.0);
  EXPECT_NEAR(share_of_good_in_positive(0.8), 0.5, 0.08);
}

TEST(SyntheticSentences, TagsFollowTheSchemeAndNamesAreAmbiguous) {
  std::set<std::string> types_of_jordan;
  int64_t lower = 0;
  for (const SyntheticSentence& s : synthetic_sentences(some(3000, 0.5))) {
    ASSERT_EQ(s.tokens.size(), s.tags.size());
    EXPECT_EQ(s.tags, s.clean);
    EXPECT_LE(s.tokens.size(), 41u);
    for (size_t i = 0; i < s.tags.size(); ++i) {
      if (s.tags[i][0] == 'I') {
        ASSERT_GT(i, 0u);
        EXPECT_EQ(s.tags[i - 1].substr(1), s.tags[i].substr(1));
      }
      if (s.tokens[i] == "Jordan") types_of_jordan.insert(s.tags[i]);
      lower += s.tokens[i] == "jordan";
    }
  }
  EXPECT_EQ(types_of_jordan, (std::set<std::string>{"B-LOC", "B-ORG", "B-PER"}));
  EXPECT_GT(lower, 0);
}

TEST(SyntheticSentences, NoiseChangesWholeEntities) {
  int64_t entities = 0, wrong = 0;
  for (const SyntheticSentence& s : synthetic_sentences(some(2000, 0.5, 0.1)))
    for (size_t i = 0; i < s.tags.size(); ++i) {
      if (s.clean[i][0] == 'B') {
        ++entities;
        wrong += s.tags[i] != s.clean[i];
      } else if (s.clean[i][0] == 'I') {
        EXPECT_EQ(s.tags[i].substr(1), s.tags[i - 1].substr(1));
      }
    }
  EXPECT_NEAR(static_cast<double>(wrong) / static_cast<double>(entities), 0.1, 0.02);
}

TEST(SyntheticContexts, AnswersStandWhereTheyAreSaidToInCodePoints) {
  SyntheticOptions options = some(1002, 0.8);
  options.least = 50;
  options.most = 110;
  const auto contexts = synthetic_contexts(options, 0.25);
  int64_t questions = 0, none = 0, beyond_ascii = 0;
  for (const SyntheticContext& c : contexts) {
    const CodePoints text(c.text);
    std::set<std::string> asked;
    for (const SyntheticQuestion& q : c.questions) {
      ++questions;
      EXPECT_TRUE(asked.insert(q.question).second) << q.question;
      EXPECT_EQ(q.question.find('{'), std::string::npos);
      if (q.answer.empty()) {
        ++none;
        continue;
      }
      EXPECT_EQ(text.slice(q.start, q.start + CodePoints(q.answer).size()), q.answer);
      beyond_ascii += text.size() != static_cast<int64_t>(c.text.size());
    }
  }
  EXPECT_EQ(questions, 1002);
  EXPECT_NEAR(static_cast<double>(none) / 1002, 0.25, 0.05);
  EXPECT_GT(beyond_ascii, 100);
  for (const SyntheticContext& c : synthetic_contexts(options, 0))
    for (const SyntheticQuestion& q : c.questions) EXPECT_FALSE(q.answer.empty());
}

}  // namespace
}  // namespace attune
