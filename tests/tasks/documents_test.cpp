// Texts of language models: nothing is scored twice or forgotten, no token sees another document, bytes add up.
#include "tasks/documents.h"

#include <gtest/gtest.h>

#include <numeric>
#include <set>

#include "data/packing.h"

namespace attune {
namespace {

/// Tokens first, first + 1, ...; token i stands for i % 3 bytes.
Document document(int32_t first, size_t tokens, bool packed = true) {
  Document d;
  d.ids.resize(tokens);
  std::iota(d.ids.begin(), d.ids.end(), first);
  d.type_ids.resize(tokens);
  d.special.resize(tokens);
  d.learned.assign(tokens, 1);
  for (const int32_t id : d.ids) d.bytes.push_back(id % 3);
  d.packed = packed;
  return d;
}

/// Every label of a causal example is the token after it in its own sequence, and belongs to the same document.
void expect_next(const Example& e) {
  const std::vector<Example> one = {e};
  const Batch b = pack(one);
  for (int64_t s = 0; s < b.sequences(); ++s)
    for (int64_t t = b.starts[static_cast<size_t>(s)]; t < b.starts[static_cast<size_t>(s) + 1]; ++t) {
      const auto i = static_cast<size_t>(t);
      if (t + 1 == b.starts[static_cast<size_t>(s) + 1]) {
        EXPECT_EQ(e.labels.tokens[i], -100);
      } else {
        EXPECT_EQ(e.ids[i + 1], e.ids[i] + 1) << "a sequence of two documents";
        if (e.labels.tokens[i] >= 0) {
          EXPECT_EQ(e.labels.tokens[i], e.ids[i + 1]);
        }
      }
    }
}

TEST(Documents, ShareExamplesWithoutSeeingOneAnother) {
  const std::vector<Document> documents = {document(100, 3), document(200, 3), document(300, 9), document(400, 1), document(500, 2)};
  const auto examples = windows_of(documents, 8, 8, true);
  size_t tokens = 0;
  for (const Example& e : examples) {
    EXPECT_LE(e.ids.size(), 8u);
    tokens += e.ids.size();
    expect_next(e);
  }
  EXPECT_EQ(tokens, 18u) << "every token is there once";
  EXPECT_EQ(examples.size(), 3u);
  EXPECT_EQ(examples[0].breaks, (std::vector<int32_t>{3, 6}));
  const Batch b = pack(examples);
  EXPECT_EQ(b.positions[3], 0);
  std::set<uint64_t> rows(b.rows.begin(), b.rows.end());
  EXPECT_EQ(rows.size(), b.rows.size()) << "sequences have keys of their own";
}

TEST(Documents, OverlappingWindowsScoreEveryTokenOnce) {
  for (const int64_t stride : {1, 3, 5, 7}) {
    const std::vector<Document> documents = {document(1000, 30), document(2000, 5)};
    const auto examples = windows_of(documents, 8, stride, true);
    std::multiset<int32_t> scored_tokens;
    for (const Example& e : examples) {
      expect_next(e);
      for (const int32_t id : e.labels.tokens)
        if (id >= 0) scored_tokens.insert(id);
    }
    EXPECT_EQ(scored_tokens.size(), 33u) << "all but the first token of each, stride " << stride;
    EXPECT_EQ(std::set<int32_t>(scored_tokens.begin(), scored_tokens.end()).size(), 33u);
    int64_t bytes = 0;
    for (const int32_t id : scored_tokens) bytes += id % 3;
    EXPECT_EQ(scored(examples).bytes, bytes);
    EXPECT_EQ(scored(examples).tokens, 33);
  }
}

TEST(Documents, AnswersAreCutNotContinued) {
  Document d = document(10, 20, false);
  std::fill(d.learned.begin(), d.learned.begin() + 5, int8_t{0});
  const std::vector<Document> documents = {d, document(50, 3, false)};
  const auto examples = windows_of(documents, 8, 8, true);
  ASSERT_EQ(examples.size(), 2u);
  EXPECT_EQ(examples[0].labels.tokens, (std::vector<int32_t>{-100, -100, -100, -100, 15, 16, 17, -100}));
}

TEST(Documents, BytesOfTokensAreThoseOfTheText) {
  const auto tokenizer = load_tokenizer(fs::path(ATTUNE_SOURCE_DIR) / "tests/golden/models/bert");
  for (const std::string text : {"The film was good.", "  naïve   café ☕ — été  ", "x", "你好 world"}) {
    const Document d = document_of(text, *tokenizer);
    EXPECT_EQ(static_cast<size_t>(std::accumulate(d.bytes.begin(), d.bytes.end(), int64_t{0})), text.size()) << text;
    EXPECT_EQ(d.bytes.front(), 0) << "the special token in front stands for nothing";
  }
}

TEST(Documents, SequencesLossesAreSumsOfTheirTokens) {
  const std::vector<Document> documents = {document(0, 3), document(10, 2)};
  const Batch b = pack(windows_of(documents, 8, 8, true));
  const LossSum loss{15, 5, {1, 2, 3, 4, 5}};
  EXPECT_EQ(by_sequence(loss, b).rows, (std::vector<float>{6, 9}));
}

}  // namespace
}  // namespace attune
