// What causal language models are asked: of chats and completions the answers, of texts everything.
#include <gtest/gtest.h>

#include "base/error.h"
#include "tasks/task.h"

namespace attune {
namespace {

std::shared_ptr<const Tokenizer> tokenizer() {
  static const auto t = load_tokenizer(fs::path(ATTUNE_SOURCE_DIR) / "examples/shakespeare/gpt2-tiny");
  return t;
}

std::unique_ptr<Task> task(bool answers_only = true, const std::string& form = "chatml") {
  TaskSettings s;
  s.task = "text-generation";
  s.max_length = 256;
  s.options.completion_only_loss = answers_only;
  s.options.chat_template = form;
  return make_task(s);
}

/// The text of the tokens that are learned, in order; the last row of an example predicts nothing.
std::string learned(const Task& t, const Row& row) {
  const std::vector<Row> rows = {row};
  std::vector<int32_t> ids;
  for (const Example& e : t.encode_all(rows, *tokenizer(), "test"))
    for (const int32_t id : e.labels.tokens)
      if (id >= 0) ids.push_back(id);
  return tokenizer()->decode(ids, false);
}

Row chat_row() {
  Row row;
  row.label = parse_json(R"([{"role": "user", "content": "Hi there"}, {"role": "assistant", "content": "Hello!"},
                             {"role": "user", "content": "Bye"}, {"role": "assistant", "content": "So long."}])",
                         "test");
  return row;
}

TEST(TextGeneration, OfChatsTheAssistantIsLearned) {
  EXPECT_EQ(learned(*task(), chat_row()), "Hello!<|im_end|>So long.<|im_end|>");
  const std::string all = learned(*task(false), chat_row());
  EXPECT_NE(all.find("Hi there"), std::string::npos);
  EXPECT_NE(all.find("So long."), std::string::npos);
}

TEST(TextGeneration, OfPromptsInMessagesTheCompletionIsLearned) {
  Row row;
  row.label = parse_json(R"({"prompt": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}, {"role": "user", "content": "Bye"}],
                             "completion": [{"role": "assistant", "content": "So long."}]})",
                         "test");
  EXPECT_EQ(learned(*task(), row), "So long.<|im_end|>");
}

TEST(TextGeneration, OfCompletionsThePromptIsRead) {
  Row row;
  row.text = "The capital of France is";
  row.pair = " Paris.";
  const std::string end = tokenizer()->token(*tokenizer()->eos_id());
  EXPECT_EQ(learned(*task(), row), " Paris." + end);
  EXPECT_NE(learned(*task(false), row).find("France"), std::string::npos);
}

TEST(TextGeneration, AFormIsNeeded) {
  const std::vector<Row> rows = {chat_row()};
  try {
    task(true, "")->encode_all(rows, *tokenizer(), "test");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.info().id, "chat.form");
  }
}

TEST(TextGeneration, AnswersAreTheBestTokenOfEveryRow) {
  const std::vector<float> a = {0, 1, 2, 5, 4, 3}, near = {0, 1, 1.5, 5, 4.9f, 3}, other = {0, 1, 2, 4, 5, 3};
  EXPECT_TRUE(task()->same_answer(a, near, 3));
  EXPECT_FALSE(task()->same_answer(a, other, 3));
  EXPECT_THROW(task()->same_answer(a, near, 0), Bug);
}

TEST(TextGeneration, NothingToLearnIsRefused) {
  Row row;
  row.text = "";
  const std::vector<Row> rows = {row};
  EXPECT_THROW(task()->encode_all(rows, *tokenizer(), "test"), Error);
}

}  // namespace
}  // namespace attune
