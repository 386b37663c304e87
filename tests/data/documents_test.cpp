// Rows of language models: whole texts, prompts with completions, chats.
#include <gtest/gtest.h>

#include "base/error.h"
#include "data/reader.h"

namespace attune {
namespace {

DataFile read(const std::string& content, const std::string& name) {
  ReadOptions options;
  options.kind = RowKind::kDocument;
  options.labels = LabelUse::kIgnored;
  return parse_rows(content, name, options);
}

TEST(DocumentRows, ATextFileIsOneText) {
  const DataFile f = read("First line.\n\nSecond line.\r\n", "a.txt");
  ASSERT_EQ(f.rows.size(), 1u);
  EXPECT_EQ(f.rows[0].text, "First line.\n\nSecond line.\r\n");
}

TEST(DocumentRows, TextsPromptsAndChats) {
  EXPECT_EQ(read("{\"text\": \"a\"}\n{\"text\": \"b\", \"label\": 1}\n", "a.jsonl").rows[1].text, "b");
  for (const auto& [content, name] : {std::pair{"{\"prompt\": \"2+2=\", \"completion\": \"4\"}\n", "a.jsonl"}, {"prompt,completion\n2+2=,4\n", "a.csv"}}) {
    const DataFile f = read(content, name);
    EXPECT_EQ(f.rows[0].text, "2+2=") << name;
    EXPECT_EQ(f.rows[0].pair, "4") << name;
  }
  const DataFile chat = read(R"({"id": "x", "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]})", "a.jsonl");
  EXPECT_EQ(chat.rows[0].id, "x");
  EXPECT_EQ(chat.rows[0].label[1]["content"], "Hello");
  const DataFile turns = read(R"({"prompt": [{"role": "user", "content": "Hi"}], "completion": [{"role": "assistant", "content": "Hello"}]})", "a.jsonl");
  EXPECT_EQ(turns.rows[0].label["completion"][0]["role"], "assistant");
}

TEST(DocumentRows, WhatCannotBeUsedIsListed) {
  for (const auto& [content, reason] : {std::pair{R"({"messages": []})", "an empty list"},
                                        {R"({"messages": [{"role": "user"}]})", "no content"},
                                        {R"({"messages": "Hi"})", "expected a list of messages"},
                                        {R"({"prompt": "a", "completion": null})", "'completion' is null"},
                                        {R"({"text": 5})", "expected a text"}}) {
    try {
      read(content, "a.jsonl");
      ADD_FAILURE() << content;
    } catch (const Error& e) {
      EXPECT_EQ(e.info().id, "data.bad_rows") << content;
      EXPECT_NE(std::string(e.what()).find(reason), std::string::npos) << e.what();
    }
  }
}

}  // namespace
}  // namespace attune
