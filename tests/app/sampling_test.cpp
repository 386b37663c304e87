// Processors of scores against worked examples of transformers (docs/formats.md, section 16.1).
#include "app/sampling.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace attune {
namespace {

std::set<int> kept(const SamplingSettings& s, std::vector<float> scores) {
  filter_scores(s, scores);
  std::set<int> ids;
  for (size_t i = 0; i < scores.size(); ++i)
    if (std::isfinite(scores[i])) ids.insert(static_cast<int>(i));
  return ids;
}
SamplingSettings none() {
  SamplingSettings s;
  s.top_k = 0;
  return s;
}
SamplingSettings top_k(int64_t k) {
  SamplingSettings s = none();
  s.top_k = k;
  return s;
}
SamplingSettings top_p(double p) {
  SamplingSettings s = none();
  s.top_p = p;
  return s;
}
SamplingSettings min_p(double p) {
  SamplingSettings s = none();
  s.min_p = p;
  return s;
}

using Ids = std::set<int>;
const std::vector<float> kScores{3, 2, 2, 1, 0};

TEST(Sampling, TopKKeepsTies) {
  EXPECT_EQ(kept(top_k(2), kScores), (Ids{0, 1, 2}));
  EXPECT_EQ(kept(top_k(1), kScores), (Ids{0}));
  EXPECT_EQ(kept(top_k(9), kScores), (Ids{0, 1, 2, 3, 4}));
  EXPECT_EQ(kept(top_k(0), kScores), (Ids{0, 1, 2, 3, 4}));
}

TEST(Sampling, TopP) {
  EXPECT_EQ(kept(top_p(0.3), kScores), (Ids{0}));
  EXPECT_EQ(kept(top_p(0.57), kScores), (Ids{0, 2}));
  EXPECT_EQ(kept(top_p(0.78), kScores), (Ids{0, 1, 2}));
  EXPECT_EQ(kept(top_p(0.99), kScores), (Ids{0, 1, 2, 3, 4}));
  EXPECT_EQ(kept(top_p(0.0), kScores), (Ids{0}));
  const std::vector<float> p{std::log(0.5f), std::log(0.3f), std::log(0.15f), std::log(0.05f)};
  EXPECT_EQ(kept(top_p(0.499), p), (Ids{0}));
  EXPECT_EQ(kept(top_p(0.51), p), (Ids{0, 1}));
  EXPECT_EQ(kept(top_p(0.79), p), (Ids{0, 1}));
  EXPECT_EQ(kept(top_p(0.81), p), (Ids{0, 1, 2}));
  EXPECT_EQ(kept(top_p(0.94), p), (Ids{0, 1, 2}));
}

TEST(Sampling, MinP) {
  EXPECT_EQ(kept(min_p(0.05), kScores), (Ids{0, 1, 2, 3}));
  EXPECT_EQ(kept(min_p(0.1), kScores), (Ids{0, 1, 2, 3}));
  EXPECT_EQ(kept(min_p(0.36), kScores), (Ids{0, 1, 2}));
  EXPECT_EQ(kept(min_p(0.5), kScores), (Ids{0}));
  EXPECT_EQ(kept(min_p(1.0), kScores), (Ids{0}));
}

/// Each filter sees what its predecessor left: top_p works on the softmax of the survivors of top_k, and temperature comes first.
TEST(Sampling, FiltersInOrder) {
  SamplingSettings s = top_k(2);
  s.top_p = 0.65;  // of 0, 1, 2: probabilities .576 .212 .212
  EXPECT_EQ(kept(s, kScores), (Ids{0, 2}));
  s.temperature = 0.1;
  EXPECT_EQ(kept(s, kScores), (Ids{0}));
}

TEST(Sampling, RepetitionPenaltyOncePerToken) {
  SamplingSettings s;
  s.repetition_penalty = 2;
  std::vector<float> scores{3, 2, -1, -2, 0};
  const std::vector<int32_t> text{0, 3, 4, 3, 0};
  process_scores(s, text, 0, {}, scores);
  EXPECT_EQ(scores, (std::vector<float>{1.5f, 2, -1, -4, 0}));
}

TEST(Sampling, NoRepeatedNgrams) {
  SamplingSettings s;
  s.no_repeat_ngram_size = 2;
  std::vector<float> scores(4, 1.0f);
  process_scores(s, std::vector<int32_t>{1, 2, 3, 1}, 0, {}, scores);
  EXPECT_TRUE(std::isinf(scores[2]));
  EXPECT_EQ(std::count(scores.begin(), scores.end(), 1.0f), 3);
  scores.assign(4, 1.0f);
  process_scores(s, std::vector<int32_t>{1}, 0, {}, scores);
  EXPECT_EQ(std::count(scores.begin(), scores.end(), 1.0f), 4);
}

TEST(Sampling, NoEndBeforeTheLeastLength) {
  SamplingSettings s;
  s.min_new_tokens = 3;
  const std::vector<int32_t> ends{1, 3};
  std::vector<float> scores(4, 1.0f);
  process_scores(s, {}, 2, ends, scores);
  EXPECT_TRUE(std::isinf(scores[1]) && std::isinf(scores[3]));
  scores.assign(4, 1.0f);
  process_scores(s, {}, 3, ends, scores);
  EXPECT_EQ(scores[1], 1.0f);
}

TEST(Sampling, GreedyTakesTheLowestOfEquals) {
  Random random(1);
  std::vector<float> scores{1, 5, 5, 2};
  EXPECT_EQ(choose_token({}, scores, random), 1);
  EXPECT_EQ(scores[3], 2) << "nothing is filtered";
}

/// 20,000 draws against the softmax.
TEST(Sampling, DrawsFromTheSoftmax) {
  SamplingSettings s = none();
  s.do_sample = true;
  s.temperature = 0.5;
  std::vector<int> counts(5);
  const int n = 20'000;
  for (int i = 0; i < n; ++i) {
    Random random(mix_key(7, static_cast<uint64_t>(i)));
    std::vector<float> scores = kScores;
    ++counts[static_cast<size_t>(choose_token(s, scores, random))];
  }
  double sum = 0;
  for (const float x : kScores) sum += std::exp(2.0 * static_cast<double>(x));
  for (size_t i = 0; i < 5; ++i) EXPECT_NEAR(counts[i] / static_cast<double>(n), std::exp(2.0 * static_cast<double>(kScores[i])) / sum, 0.012) << i;
}

}  // namespace
}  // namespace attune
