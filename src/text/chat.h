// Chat forms known by name: how messages become the text that a model was tuned on. A folder's chat_template is a program (Jinja); it is
// recognised, never executed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/text_files.h"

namespace attune {

/// kChatMl: "<|im_start|>role\ncontent<|im_end|>\n" (Qwen and others). kSmolLm2: the same, with a system message of its own where the first
/// message is none. kLlama3: headers between <|start_header_id|> and <|end_header_id|>, contents trimmed, <|begin_of_text|> in front.
enum class ChatForm { kChatMl, kSmolLm2, kLlama3 };

std::string chat_form_name(ChatForm form);                      ///< "chatml", "smollm2", "llama3"
std::optional<ChatForm> chat_form_named(const std::string& s);  ///< of those names

struct ChatMessage {
  std::string role, content;
};

/// A stretch of the rendered text. The pieces joined are the text; encode it without special tokens, since it holds its own.
struct ChatPiece {
  std::string text;
  bool trained = false;  ///< an assistant's content and the token that ends its turn
};

/// `bos`: the text of the tokenizer's bos_token, which Llama-3's form begins with. `generation_prompt`: the header of an assistant's turn at
/// the end. Error(kInput) "chat.empty", "chat.role" (a role that is empty or not a plain word), each with `where`.
std::vector<ChatPiece> render_chat(ChatForm form, const std::vector<ChatMessage>& messages, bool generation_prompt, const std::string& bos,
                                   const std::string& where);
std::string chat_text(const std::vector<ChatPiece>& pieces);

/// What ends an assistant's turn: "<|im_end|>" or "<|eot_id|>".
std::string end_of_turn(ChatForm form);

/// The form of a folder's template: chat_template.jinja, else chat_template of tokenizer_config.json (a text, or a list with one named
/// "default"). `given`: the configured name, which is taken instead of looking. Error(kInput) "chat.none", "chat.unknown";
/// Error(kUsage) "chat.name" for a name that is none.
ChatForm find_chat_form(const TextFiles& files, const std::string& given = "");

}  // namespace attune
