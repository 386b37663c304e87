// Features as scikit-learn's TfidfVectorizer makes them; the golden comparison with a model on top stands in tests/app/baselines_test.cpp.
#include "data/bag_of_words.h"

#include <gtest/gtest.h>

#include <cmath>

namespace attune {
namespace {

TEST(BagOfWords, WordsAreLowerCaseRunsOfTwoOrMore) {
  EXPECT_EQ(bag_words("It's a GOOD film_noir, isn't x42?"), (std::vector<std::string>{"it", "good", "film_noir", "isn", "x42"}));
  EXPECT_EQ(bag_words("DÉJÀ Straße ΟΔΟΣ 数学"), (std::vector<std::string>{"déjà", "straße", "οδος", "数学"}));
  EXPECT_TRUE(bag_words("a . I !").empty());
}

TEST(BagOfWords, WeighsByRarityAndScalesToLengthOne) {
  const std::vector<std::string> texts = {"good film", "good good soup", "bad soup"};
  const BagOfWords bag(texts);
  EXPECT_EQ(bag.words(), (std::vector<std::string>{"bad", "film", "good", "soup"}));
  EXPECT_DOUBLE_EQ(bag.weights()[0], std::log(4.0 / 2) + 1);
  EXPECT_DOUBLE_EQ(bag.weights()[2], std::log(4.0 / 3) + 1);
  const SparseRows rows = bag.transform(texts);
  ASSERT_EQ(rows.size(), 3u);
  for (size_t i = 0; i < rows.size(); ++i) {
    double squares = 0;
    for (size_t j = rows.starts[i]; j < rows.starts[i + 1]; ++j) squares += rows.values[j] * rows.values[j];
    EXPECT_NEAR(squares, 1, 1e-15);
  }
  EXPECT_DOUBLE_EQ(rows.values[2] / rows.values[3], 2.0) << "good twice, soup once, both in two texts";
}

TEST(BagOfWords, UnknownWordsAndEmptyTextsAreZeros) {
  const std::vector<std::string> texts = {"good film"}, others = {"", "bad soup"}, none = {"a", "?"};
  EXPECT_EQ(BagOfWords(texts).transform(others).values.size(), 0u);
  EXPECT_EQ(BagOfWords(none).transform(texts).width, 0);
}

}  // namespace
}  // namespace attune
