// Windows, labels and answers of extractive question answering on the worked example of docs/formats.md, sections 10.1 and 10.2.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "tasks/task.h"
#include "tiny_tokenizer.h"

namespace attune {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const char* kContext = "In 1998 France beat Brazil 3-0. Zidane scored two goals and Petit one.";

class Questions : public testing::Test {
 protected:
  std::shared_ptr<const Tokenizer> tokenizer_ = tiny_tokenizer({"who", "won", "?", "in", "1998", "france", "beat", "brazil", "3", "-", "0", ".", "zidane", "scored", "two", "goals", "and",
                                                                "petit", "one", "the", "cup"});

  static TaskSettings settings(int64_t max_length, int64_t stride) {
    TaskSettings s;
    s.task = "question-answering";
    s.max_length = max_length;
    s.options.doc_stride = stride;
    return s;
  }
  static Row row(const std::string& question, const std::string& context, const std::string& answer = "", uint64_t index = 0) {
    Row r;
    r.index = index;
    r.line = index + 1;
    r.id = "q" + std::to_string(index);
    r.text = question;
    r.pair = context;
    r.group = context;
    r.label = {{"text", Json::array()}, {"answer_start", Json::array()}};
    if (!answer.empty()) {
      r.label["text"].push_back(answer);
      r.label["answer_start"].push_back(context.find(answer));
    }
    return r;
  }
  /// Start and end labels of every window.
  std::vector<std::pair<int32_t, int32_t>> labels(const Row& r, int64_t max_length, int64_t stride) {
    const auto task = make_task(settings(max_length, stride));
    std::vector<std::pair<int32_t, int32_t>> out;
    for (const Example& x : task->encode_all(std::vector<Row>{r}, *tokenizer_, "x.json", false)) out.emplace_back(x.labels.tokens.at(0), x.labels.tokens.at(1));
    return out;
  }
};

using P = std::pair<int32_t, int32_t>;

TEST_F(Questions, LabelsOfTheWorkedExample) {
  const std::string q = "  who won ?";
  EXPECT_THAT(labels(row(q, kContext, "Zidane"), 12, 3), ElementsAre(P{0, 0}, P{0, 0}, P{8, 8}, P{5, 5}, P{0, 0}));
  EXPECT_THAT(labels(row(q, kContext, "two goals"), 14, 3), ElementsAre(P{0, 0}, P{11, 12}, P{6, 7}));
  EXPECT_THAT(labels(row(q, kContext, "Brazil 3-0"), 14, 3), ElementsAre(P{9, 12}, P{0, 0}, P{0, 0}));
  EXPECT_THAT(labels(row(q, kContext, "idane scor"), 14, 3), ElementsAre(P{0, 0}, P{9, 10}, P{0, 0}));
  EXPECT_THAT(labels(row(q, kContext), 14, 3), ElementsAre(P{0, 0}, P{0, 0}, P{0, 0}));
  // The reference says (6, 5) here: its search for the start does not stop at the end of the context.
  EXPECT_THAT(labels(row("who ?", "the cup", "cup"), 12, 3), ElementsAre(P{5, 5}));
}

TEST_F(Questions, WindowsHoldTheWholeQuestion) {
  const auto task = make_task(settings(12, 3));
  const std::vector<Example> windows = task->encode(row("who won ?", kContext), *tokenizer_);
  ASSERT_EQ(windows.size(), 5u);
  for (const Example& x : windows) {
    EXPECT_LE(x.ids.size(), 12u);
    EXPECT_EQ(tokenizer_->token(x.ids[1]), "who");
    EXPECT_EQ(tokenizer_->token(x.ids[4]), "[SEP]");
    EXPECT_EQ(x.type_ids[3], 0);
    EXPECT_EQ(x.type_ids[5], 1);
  }
  EXPECT_EQ(tokenizer_->token(windows[3].ids[5]), "zidane");
}

TEST_F(Questions, ThatLeaveNoRoomAreNamed) {
  const auto task = make_task(settings(12, 7));
  const Row bad = row("who won ?", kContext);
  try {
    task->encode_all(std::vector<Row>{bad, row("who ?", "the cup", "cup", 1)}, *tokenizer_, "x.json", false);
    ADD_FAILURE();
  } catch (const Error& e) {
    EXPECT_EQ(e.info().id, "data.question");
    EXPECT_THAT(std::string(e.what()), HasSubstr("x.json:1: question 'q0': the question has 3 tokens, which leaves 6 of max_length 12"));
  }
  EXPECT_EQ(task->encode(row("who won ?", "the cup"), *tokenizer_).size(), 1u) << "a context that fits needs no windows";
  TaskSettings unset = settings(12, 0);
  unset.options.doc_stride.reset();
  EXPECT_GT(make_task(unset)->encode(bad, *tokenizer_).size(), 1u) << "the usual stride is lowered to the room there is";
  Row without = row("who ?", "");
  without.pair.reset();
  EXPECT_THROW(task->encode(without, *tokenizer_), Error);
}

TEST_F(Questions, MetricsAnswersAndFilesAgree) {
  const auto task = make_task(settings(12, 3));
  const std::vector<Row> rows{row("who won ?", kContext, "Zidane", 0), row("who ?", "the cup", "", 1), row("who ?", "the cup", "the cup", 2)};
  const std::vector<Example> examples = task->encode_all(rows, *tokenizer_, "x.json", false);
  ASSERT_EQ(examples.size(), 7u);
  Outputs outputs;
  for (const Example& x : examples) outputs.starts.push_back(outputs.starts.back() + static_cast<int64_t>(x.ids.size()));
  outputs.logits = Tensor({outputs.starts.back(), 2});
  for (float& z : outputs.logits.span()) z = -5;
  const auto set = [&](size_t example, int64_t token, float start, float end) {
    outputs.logits.f32()[(outputs.starts[example] + token) * 2] = start;
    outputs.logits.f32()[(outputs.starts[example] + token) * 2 + 1] = end;
  };
  set(3, 5, 4, 3);   // zidane
  set(5, 0, 3, 3);   // no answer
  set(6, 4, 2, 0);   // the
  set(6, 5, 0, 2);   // cup
  const Json m = task->metrics(rows, examples, outputs, 0);
  EXPECT_DOUBLE_EQ(m["exact"].get<double>(), 100);
  EXPECT_EQ(m["total"], 3);
  EXPECT_EQ(m["HasAns_total"], 2);
  EXPECT_DOUBLE_EQ(m["NoAns_f1"].get<double>(), 100);
  EXPECT_TRUE(m.contains("best_exact_thresh"));
  EXPECT_EQ(m["windows"], 7);
  // Windows without the answer are labelled with their first token, which wins a tie of -5; the third holds "Zidane" and says the same.
  EXPECT_DOUBLE_EQ(m["span_accuracy"].get<double>(), 6.0 / 7);
  EXPECT_THAT(task->report(m), HasSubstr("3 questions in 7 windows"));

  std::vector<std::string> answers;
  for (const RowOutputs& r : by_row(rows, examples, outputs)) {
    const Json a = task->answer(r, true);
    answers.push_back(a["answer"]);
    EXPECT_EQ(a["windows"].size(), r.examples.size());
    EXPECT_EQ(a["windows"][0]["input_ids"].size(), a["windows"][0]["start_logits"].size());
    if (!a["answer"].get_ref<const std::string&>().empty()) {
      EXPECT_EQ(r.row->pair->substr(a["start"].get<size_t>(), a["end"].get<size_t>() - a["start"].get<size_t>()), a["answer"]);
    }
    EXPECT_EQ(task->judged(r)["prediction"], a["answer"]);
  }
  EXPECT_THAT(answers, ElementsAre("Zidane", "", "the cup"));

  EXPECT_TRUE(task->look_at(rows[0])) << "this one has an answer: more are to be seen";
  EXPECT_FALSE(task->look_at(rows[1]));
  EXPECT_THAT(task->row_files(), ElementsAre("predictions.json", "nbest_predictions.json", "null_odds.json"));
  const std::vector<RowOutputs> by_question = by_row(rows, examples, outputs);
  EXPECT_EQ(task->row_value(0, by_question[0]), "Zidane");
  EXPECT_EQ(task->row_value(0, by_question[1]), "");
  EXPECT_EQ(task->row_value(1, by_question[1])[0]["text"], "");
  EXPECT_NEAR(task->row_value(2, by_question[1]).get<double>(), 6 - -10, 1e-6);
}

TEST_F(Questions, WithoutUnanswerableOnesNoneIsNeverSaid) {
  const auto task = make_task(settings(12, 3));
  const std::vector<Row> rows{row("who ?", "the cup", "cup", 0)};
  const std::vector<Example> examples = task->encode_all(rows, *tokenizer_, "x.json", false);
  Outputs outputs;
  outputs.starts.push_back(static_cast<int64_t>(examples[0].ids.size()));
  outputs.logits = Tensor::zeros({outputs.starts.back(), 2});
  outputs.logits.f32()[0] = outputs.logits.f32()[1] = 50;
  EXPECT_NE(task->answer(by_row(rows, examples, outputs)[0], false)["answer"], "");
  EXPECT_EQ(task->row_files().size(), 2u);
  EXPECT_FALSE(task->metrics(rows, examples, outputs, 0).contains("best_exact"));
}

}  // namespace
}  // namespace attune
