// Chat forms against transformers' apply_chat_template (tools/goldens/chat.py).
#include "text/chat.h"

#include "base/error.h"
#include "text/golden_text.h"

namespace attune::testing {
namespace {

const Json& chat_golden() {
  static const Json golden = read_json(fs::path(ATTUNE_SOURCE_DIR) / "tests/golden/chat.json");
  return golden;
}

std::vector<ChatMessage> messages_of(const Json& json) {
  std::vector<ChatMessage> out;
  for (const Json& m : json) out.push_back({m["role"], m["content"]});
  return out;
}

TEST(Chat, RendersAsTheTemplatesDo) {
  ASSERT_GT(chat_golden()["cases"].size(), 50u);
  for (const Json& c : chat_golden()["cases"]) {
    const auto form = chat_form_named(c["form"]);
    ASSERT_TRUE(form.has_value());
    EXPECT_EQ(chat_text(render_chat(*form, messages_of(c["messages"]), c["generation_prompt"], chat_golden()["bos"], "test")), c["text"].get<std::string>())
        << c["form"] << dump_json(c["messages"], {.indent = -1});
  }
}

TEST(Chat, TrainsOnWhatTheAssistantSaysAndTheEndOfItsTurn) {
  const std::vector<ChatMessage> messages{{"system", "Be brief."}, {"user", "Hi"}, {"assistant", " Hello! "}, {"user", "Bye"}, {"assistant", "So long."}};
  const auto trained = [&](ChatForm form) {
    std::vector<std::string> out;
    for (const ChatPiece& p : render_chat(form, messages, true, "<s>", "test"))
      if (p.trained) out.push_back(p.text);
    return out;
  };
  EXPECT_EQ(trained(ChatForm::kChatMl), (std::vector<std::string>{" Hello! <|im_end|>", "So long.<|im_end|>"}));
  EXPECT_EQ(trained(ChatForm::kSmolLm2), trained(ChatForm::kChatMl));
  EXPECT_EQ(trained(ChatForm::kLlama3), (std::vector<std::string>{"Hello!<|eot_id|>", "So long.<|eot_id|>"}));
  for (ChatForm form : {ChatForm::kChatMl, ChatForm::kSmolLm2, ChatForm::kLlama3}) {
    for (const std::string& t : trained(form)) EXPECT_TRUE(t.ends_with(end_of_turn(form)));
    EXPECT_EQ(chat_form_named(chat_form_name(form)), form);
  }
}

/// Writes a template in each of the three places it may stand.
std::vector<std::string> found(const std::string& text, const std::string& given = "") {
  std::vector<std::string> out;
  for (int place = 0; place < 3; ++place) {
    TempFolder folder;
    if (place == 0) put(folder / "chat_template.jinja", text);
    if (place == 0) put(folder / "tokenizer_config.json", R"({"chat_template": "not this one"})");
    if (place == 1) put(folder / "tokenizer_config.json", dump_json(Json{{"chat_template", text}}));
    if (place == 2) put(folder / "tokenizer_config.json", dump_json(Json{{"chat_template", {{{"name", "tool_use"}, {"template", "x"}}, {{"name", "default"}, {"template", text}}}}}));
    try {
      out.push_back(chat_form_name(find_chat_form(folder.path(), given)));
    } catch (const Error& e) {
      out.push_back(e.info().id);
      EXPECT_NE(e.info().expected.find("llama3"), std::string::npos);
    }
  }
  return out;
}

TEST(Chat, RecognisesTemplatesHoweverTheyAreSpelled) {
  for (const auto& [name, spellings] : chat_golden()["spellings"].get_ref<const Json::object_t&>()) {
    ASSERT_GE(spellings.size(), 3u);
    for (const Json& text : spellings) EXPECT_EQ(found(text), std::vector<std::string>(3, name)) << text;
  }
}

TEST(Chat, RefusesTemplatesItDoesNotKnow) {
  ASSERT_GT(chat_golden()["others"].size(), 8u);
  for (const Json& text : chat_golden()["others"]) EXPECT_EQ(found(text), std::vector<std::string>(3, "chat.unknown")) << text;
  EXPECT_EQ(found("{{ messages }}", "llama3"), std::vector<std::string>(3, "llama3"));
  EXPECT_EQ(found("{{ messages }}", "alpaca"), std::vector<std::string>(3, "chat.name"));
  TempFolder empty;
  EXPECT_EQ(error_id([&] { find_chat_form(empty.path()); }), "chat.none");
  put(empty / "tokenizer_config.json", R"({"chat_template": null})");
  EXPECT_EQ(error_id([&] { find_chat_form(empty.path()); }), "chat.none");
  put(empty / "tokenizer_config.json", R"({"chat_template": 3})");
  EXPECT_EQ(error_id([&] { find_chat_form(empty.path()); }), "json.type");
}

TEST(Chat, RefusesMessagesThatAreNone) {
  EXPECT_EQ(error_id([] { render_chat(ChatForm::kChatMl, {}, true, "", "row 3"); }), "chat.empty");
  const Error e = error_of([] { render_chat(ChatForm::kChatMl, {{"user", "a"}, {"", "b"}}, true, "", "row 3"); });
  EXPECT_EQ(e.info().id, "chat.role");
  EXPECT_EQ(e.info().where, "row 3, message 2");
}

}  // namespace
}  // namespace attune::testing
