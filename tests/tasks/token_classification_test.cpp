// Labels, windows, entities and metrics of token classification.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "tasks/task.h"
#include "tiny_tokenizer.h"

namespace attune {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<std::string> kLabels{"B-LOC", "B-PER", "I-LOC", "I-PER", "O"};

class Tokens : public testing::Test {
 protected:
  std::shared_ptr<const Tokenizer> tokenizer_ = tiny_tokenizer({"new", "york", "##er", "##ers", "in", "anna", "lives", ".", "a", "##s"});

  static TaskSettings settings(int64_t max_length = 64) {
    TaskSettings s;
    s.task = "token-classification";
    s.labels = kLabels;
    s.max_length = max_length;
    return s;
  }
  static Row row(const std::vector<std::string>& words, const std::vector<std::string>& tags, uint64_t index = 0) {
    Row r;
    r.index = index;
    r.line = 10 + index;
    r.tokens = words;
    for (const std::string& w : words) r.text += (r.text.empty() ? "" : " ") + w;
    if (!tags.empty()) r.label = tags;
    return r;
  }
  std::vector<std::string> tokens(const Example& x) const {
    std::vector<std::string> out;
    for (int32_t id : x.ids) out.push_back(tokenizer_->token(id));
    return out;
  }
  /// Logits that give every token its label, and further pieces the label `other`.
  static Outputs outputs_for(const std::vector<Example>& examples, int32_t other) {
    Outputs out;
    for (const Example& x : examples) out.starts.push_back(out.starts.back() + static_cast<int64_t>(x.ids.size()));
    const auto width = static_cast<int64_t>(kLabels.size());
    out.logits = Tensor::zeros({out.starts.back(), width});
    for (size_t i = 0; i < examples.size(); ++i)
      for (size_t t = 0; t < examples[i].ids.size(); ++t) {
        const int32_t label = examples[i].labels.tokens[t] >= 0 ? examples[i].labels.tokens[t] : other;
        out.logits.f32()[(out.starts[i] + static_cast<int64_t>(t)) * width + label] = 5;
      }
    return out;
  }
};

TEST_F(Tokens, FirstPiecesLearnAndTheRestDoNot) {
  const std::vector<Row> rows{row({"Anna", "lives", "in", "New", "Yorkers"}, {"B-PER", "O", "O", "B-LOC", "I-LOC"})};
  const auto task = make_task(settings());
  const std::vector<Example> x = task->encode_all(rows, *tokenizer_, "x.conll", false);
  ASSERT_EQ(x.size(), 1u);
  EXPECT_THAT(tokens(x[0]), ElementsAre("[CLS]", "anna", "lives", "in", "new", "york", "##ers", "[SEP]"));
  EXPECT_THAT(x[0].labels.tokens, ElementsAre(-100, 1, 4, 4, 0, 2, -100, -100));
  TaskSettings all = settings();
  all.options.label_all_tokens = true;
  EXPECT_THAT(make_task(all)->encode_all(rows, *tokenizer_, "x.conll", false)[0].labels.tokens, ElementsAre(-100, 1, 4, 4, 0, 2, 2, -100));
  const std::vector<Row> begins{row({"Yorkers"}, {"B-LOC"})};
  EXPECT_THAT(make_task(all)->encode_all(begins, *tokenizer_, "x.conll", false)[0].labels.tokens, ElementsAre(-100, 0, 2, -100)) << "the I- form goes on";
}

TEST_F(Tokens, NumbersAreTagsToo) {
  Row r = row({"Anna", "lives"}, {"B-PER", "O"});
  r.label = {1, 4};
  EXPECT_THAT(make_task(settings())->encode_all(std::vector<Row>{r}, *tokenizer_, "x.jsonl", false)[0].labels.tokens, ElementsAre(-100, 1, 4, -100));
}

TEST_F(Tokens, EveryWordOfALongSentenceIsScoredOnce) {
  std::vector<std::string> words, tags;
  for (int i = 0; i < 37; ++i) {
    words.push_back(i % 3 == 0 ? "Yorkers" : i % 3 == 1 ? "in" : "Anna");
    tags.push_back(i % 3 == 0 ? "B-LOC" : i % 3 == 1 ? "O" : "B-PER");
  }
  const std::vector<Row> rows{row(words, tags)};
  const auto task = make_task(settings(12));
  const std::vector<Example> x = task->encode_all(rows, *tokenizer_, "x.conll", false);
  ASSERT_GT(x.size(), 3u);
  size_t labels = 0;
  for (const Example& e : x) {
    EXPECT_LE(e.ids.size(), 12u);
    for (int32_t l : e.labels.tokens) labels += l >= 0;
  }
  EXPECT_EQ(labels, 37u) << "each gold word teaches once, whatever the windows share";
  // Windows say O about words that belong to their neighbour: that must not be heard.
  const Outputs out = outputs_for(x, 4);
  const Json m = task->metrics(rows, x, out, 0);
  EXPECT_EQ(m["overall_f1"], 1.0);
  EXPECT_EQ(m["words"], 37);
  EXPECT_EQ(m["coverage"], 1.0);
  EXPECT_THAT(task->report(m), HasSubstr("coverage: 100 % of 37 words in"));
  EXPECT_EQ(task->judged(by_row(rows, x, out)[0])["prediction"], rows[0].label);
  const Json a = task->answer(by_row(rows, x, out)[0], true);
  EXPECT_EQ(a["input_ids"].size(), 37u + 13u + 2u) << "words, further pieces, [CLS] and [SEP], each once";
  EXPECT_EQ(a["logits"].size(), a["input_ids"].size());
}

TEST_F(Tokens, EntitiesHaveOffsetsInTheText) {
  const auto task = make_task(settings());
  const auto entities = [&](const Row& r, const std::vector<int32_t>& labels, const std::string& strategy) {
    TaskSettings s = settings();
    s.options.aggregation_strategy = strategy;
    std::vector<Example> x = make_task(s)->encode(r, *tokenizer_);
    x[0].labels.tokens = labels;
    const Outputs out = outputs_for(x, 4);
    std::vector<std::string> all;
    const Json answer = make_task(s)->answer(by_row(std::span(&r, 1), x, out)[0], false);
    for (const Json& e : answer["entities"])
      all.push_back(e["type"].get<std::string>() + " " + e["text"].get<std::string>() + " " + std::to_string(e["start"].get<int>()) + "-" + std::to_string(e["end"].get<int>()));
    return all;
  };
  Row text;
  text.text = "é, Anna lives in New  Yorkers.";
  // [CLS] [UNK] [UNK] anna lives in new york ##ers . [SEP]
  const std::vector<int32_t> labels{-100, 4, 4, 1, 4, 4, 0, 2, 4, 4, -100};
  EXPECT_THAT(entities(text, labels, "simple"), ElementsAre("PER Anna 3-7", "LOC New  York 17-26")) << "an untrained further piece cuts the word";
  EXPECT_THAT(entities(text, labels, "first"), ElementsAre("PER Anna 3-7", "LOC New  Yorkers 17-29"));
  EXPECT_THAT(entities(text, labels, "none"), ElementsAre("B-PER Anna 3-7", "B-LOC New 17-20", "I-LOC York 22-26"));
  EXPECT_THAT(entities(text, labels, ""), ElementsAre("PER Anna 3-7", "LOC New  York 17-26")) << "simple unless said";
  EXPECT_THAT(entities(row({"é,", "Anna", "Yorkers"}, {}), {-100, 4, 4, 1, 0, 4, -100}, "first"), ElementsAre("PER Anna 3-7", "LOC Yorkers 8-15"));
  Row empty;
  EXPECT_TRUE(entities(empty, {-100, -100}, "simple").empty());
}

TEST_F(Tokens, BadTagsAreListed) {
  const auto task = make_task(settings());
  const auto error = [&](std::vector<Row> rows) {
    try {
      task->encode_all(rows, *tokenizer_, "x.conll", false);
    } catch (const Error& e) {
      return e.info().id + " " + e.what();
    }
    return std::string("no error");
  };
  EXPECT_THAT(error({row({"in", "Anna"}, {"O", "B-ORG"})}), testing::AllOf(HasSubstr("data.labels.unknown"), HasSubstr("x.conll:10: word 2 ('Anna'): 'B-ORG'")));
  EXPECT_THAT(error({row({"Anna"}, {"B-PER"}), row({"in", "York"}, {"O", "I-LOC"}, 1), row({"New", "York"}, {"B-LOC", "I-LOC"}, 2)}),
              testing::AllOf(HasSubstr("data.tags.broken"), HasSubstr("x.conll:11: word 2 ('York'): I-LOC follows O, but IOB2 opens an entity with B-LOC")));
  EXPECT_EQ(error({row({"in", "York"}, {"O", "I-LOC"})}), "no error") << "IO tags";
}

TEST_F(Tokens, LabelsOfTheData) {
  const TaskKind& kind = find_task("token-classification");
  const std::vector<Row> rows{row({"a", "a", "a"}, {"O", "B-X", "I-X"})};
  EXPECT_THAT(kind.labels(rows, {}, "x").names(), ElementsAre("B-X", "I-X", "O")) << "by code point, as run_ner";
  LabelOptions model;
  model.model_names = {"O", "B-X", "I-X"};
  EXPECT_THAT(kind.labels(rows, model, "x").names(), ElementsAre("O", "B-X", "I-X"));
  model.model_names.push_back("B-Y");
  EXPECT_EQ(kind.labels(rows, model, "x").names().size(), 4u) << "a head that knows more keeps it";
  LabelOptions given;
  given.names = {"O", "I-X"};
  EXPECT_THROW(kind.labels(rows, given, "x"), Error);
  EXPECT_THROW(kind.labels(std::vector<Row>{row({"a"}, {"O"})}, {}, "x"), Error) << "one tag teaches nothing";
}

TEST_F(Tokens, StrictModeAndOtherTags) {
  const std::vector<Row> rows{row({"a", "a"}, {"B-LOC", "I-LOC"})};
  TaskSettings s = settings();
  s.options.strict = true;
  std::vector<Example> x = make_task(s)->encode_all(rows, *tokenizer_, "x", false);
  x[0].labels.tokens = {-100, 2, 2, -100};  // I-LOC I-LOC
  const Outputs out = outputs_for(x, 4);
  EXPECT_EQ(make_task(s)->metrics(rows, x, out, 0)["overall_f1"], 0.0);
  EXPECT_EQ(make_task(settings())->metrics(rows, x, out, 0)["overall_f1"], 1.0);
  TaskSettings pos = settings();
  pos.labels = {"NOUN", "VERB", "X", "Y", "Z"};
  const std::vector<Row> words{row({"a", "a"}, {"NOUN", "VERB"})};
  x = make_task(pos)->encode_all(words, *tokenizer_, "x", false);
  const Json m = make_task(pos)->metrics(words, x, outputs_for(x, 4), 0);
  EXPECT_EQ(m["overall_accuracy"], 1.0);
  EXPECT_FALSE(m.contains("overall_f1"));
}

}  // namespace
}  // namespace attune
