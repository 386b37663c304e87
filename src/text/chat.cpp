// Templates are compared in a canonical form: tags without white space, one kind of quotes, m.role as m['role'], neighbouring literals joined.
#include "text/chat.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/json.h"
#include "text/aligned_text.h"
#include "text/unicode.h"

namespace attune {
namespace {

constexpr const char* kSmolLm2System = "You are a helpful AI assistant named SmolLM, trained by Hugging Face";

// As published; the canonical form takes in their usual variations.
constexpr const char* kChatMlTemplate =
    R"({% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %})"
    R"({% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %})";
constexpr const char* kSmolLm2Template =
    R"({% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\n)"
    R"(You are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}{% endif %})"
    R"({{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %})"
    R"({% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %})";
constexpr const char* kLlama3Template =
    R"({% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start_header_id|>' + message['role'] + )"
    R"('<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %})"
    R"({% endif %}{{ content }}{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %})";
// What some templates begin with and what changes nothing.
constexpr const char* kDefaultPrompt = "{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}";

struct NamedForm {
  ChatForm form;
  const char* name;
  const char* text;
};
constexpr NamedForm kForms[] = {{ChatForm::kChatMl, "chatml", kChatMlTemplate}, {ChatForm::kSmolLm2, "smollm2", kSmolLm2Template}, {ChatForm::kLlama3, "llama3", kLlama3Template}};

bool blank(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

void replace_each(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) text.replace(at, from.size(), to);
}

/// One tag's inside: white space outside of literals gone, literals in single quotes.
std::string canonical_tag(std::string_view inside) {
  std::string out;
  for (size_t i = 0; i < inside.size(); ++i) {
    const char c = inside[i];
    if (c != '\'' && c != '"') {
      if (!blank(c)) out += c;
      continue;
    }
    out += '\'';
    for (++i; i < inside.size() && inside[i] != c; ++i) {
      if (inside[i] == '\n') {
        out += "\\n";
      } else {
        out += inside[i];
        if (inside[i] == '\\' && i + 1 < inside.size()) out += inside[++i];
      }
    }
    out += '\'';
  }
  for (const char* key : {"role", "content"}) {
    replace_each(out, fmt::format("message.{}", key), fmt::format("message['{}']", key));
    replace_each(out, fmt::format("messages[0].{}", key), fmt::format("messages[0]['{}']", key));
  }
  replace_each(out, "'+'", "");
  return out;
}

/// White space between two tags that Jinja, as transformers sets it up (trim_blocks, lstrip_blocks), does not print.
bool unprinted(std::string_view between, bool block_before, bool trimmed, bool block_behind) {
  if (between.empty() || trimmed) return true;
  if (!block_before || between[0] != '\n') return false;
  return between.size() == 1 || (block_behind && between.find('\n', 1) == std::string_view::npos);
}

/// The tags of a template; "" when it has anything between them that would be printed, or tags without an end.
std::string canonical(std::string_view text) {
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  std::string out;
  size_t at = 0;
  bool block_before = true, minus_before = true;  // white space at the start of a template is rare enough to be taken as trimmed
  while (at < text.size()) {
    const size_t open = text.find('{', at);
    if (open == std::string_view::npos || open + 1 >= text.size()) return "";
    const char kind = text[open + 1];
    if (kind != '%' && kind != '{') return "";
    const size_t close = text.find(kind == '%' ? "%}" : "}}", open + 2);
    if (close == std::string_view::npos) return "";
    std::string_view inside = text.substr(open + 2, close - open - 2);
    const bool minus = inside.starts_with('-'), minus_end = inside.ends_with('-');
    if (minus) inside.remove_prefix(1);
    if (minus_end && !inside.empty()) inside.remove_suffix(1);
    const std::string_view between = text.substr(at, open - at);
    if (!std::all_of(between.begin(), between.end(), blank) || !unprinted(between, block_before, minus || minus_before, kind == '%')) return "";
    out += fmt::format("{{{}{}{}", kind, canonical_tag(inside), kind == '%' ? "%}" : "}}");
    block_before = kind == '%';
    minus_before = minus_end;
    at = close + 2;
  }
  return out;
}

std::optional<ChatForm> recognised(std::string_view text) {
  std::string form = canonical(text);
  static const std::string prompt = canonical(kDefaultPrompt);
  if (form.starts_with(prompt)) form.erase(0, prompt.size());
  for (const NamedForm& f : kForms)
    if (!form.empty() && form == canonical(f.text)) return f.form;
  return std::nullopt;
}

/// Python's str.strip, which is what Jinja's trim does.
std::string trimmed(const std::string& text) {
  const uint16_t* flags = unicode::flags();
  const auto space = [flags](char32_t c) { return (flags[c] & unicode::kSpace) != 0 || (c >= 0x1c && c <= 0x1f); };
  const std::u32string chars = to_code_points(text);
  const auto begin = std::find_if_not(chars.begin(), chars.end(), space);
  const auto end = std::find_if_not(chars.rbegin(), std::make_reverse_iterator(begin), space).base();
  return to_utf8(std::u32string(begin, end));
}

void add_piece(std::vector<ChatPiece>& out, std::string text, bool trained) {
  if (text.empty()) return;
  if (!out.empty() && out.back().trained == trained) {
    out.back().text += text;
  } else {
    out.push_back({std::move(text), trained});
  }
}

std::string header(ChatForm form, const std::string& role) {
  return form == ChatForm::kLlama3 ? fmt::format("<|start_header_id|>{}<|end_header_id|>\n\n", role) : fmt::format("<|im_start|>{}\n", role);
}

constexpr const char* kFormNames = "chatml, smollm2 or llama3";

[[noreturn]] void refuse_template(const char* id, const std::string& where, std::string what) {
  fail(ErrorCode::kInput, {.id = id,
                           .where = where,
                           .what = std::move(what),
                           .expected = fmt::format("one of the forms known by name: {}", kFormNames),
                           .hint = "name the form the model was tuned on: chat_template: chatml (or smollm2, llama3)"});
}

/// The template's text and where it stands; nothing when the folder has none.
std::optional<std::pair<std::string, std::string>> template_of(const TextFiles& files) {
  constexpr const char *kTemplateFile = "chat_template.jinja", *kSettings = "tokenizer_config.json";
  if (files.contains(kTemplateFile)) return std::pair(files.read(kTemplateFile, uint64_t{16} << 20), files.where(kTemplateFile));
  if (!files.contains(kSettings)) return std::nullopt;
  const Json config = files.json(kSettings);
  const std::string where = files.where(kSettings) + ": chat_template";
  if (!config.is_object() || !config.contains("chat_template") || config["chat_template"].is_null()) return std::nullopt;
  const Json& value = config["chat_template"];
  if (value.is_string()) return std::pair(value.get<std::string>(), where);
  if (value.is_array()) {
    for (const Json& item : value) {
      if (item.is_object() && item.value("name", Json()) == "default" && item.contains("template") && item["template"].is_string())
        return std::pair(item["template"].get<std::string>(), where);
    }
  }
  fail(ErrorCode::kInput, {.id = "json.type", .where = where, .what = "has the wrong type", .expected = "a text, or a list with a template named default"});
}

}  // namespace

std::string chat_form_name(ChatForm form) {
  for (const NamedForm& f : kForms)
    if (f.form == form) return f.name;
  throw Bug("a chat form without a name");
}

std::optional<ChatForm> chat_form_named(const std::string& s) {
  for (const NamedForm& f : kForms)
    if (s == f.name) return f.form;
  return std::nullopt;
}

std::string end_of_turn(ChatForm form) { return form == ChatForm::kLlama3 ? "<|eot_id|>" : "<|im_end|>"; }

std::vector<ChatPiece> render_chat(ChatForm form, const std::vector<ChatMessage>& messages, bool generation_prompt, const std::string& bos,
                                   const std::string& where) {
  if (messages.empty()) fail(ErrorCode::kInput, {.id = "chat.empty", .where = where, .what = "there are no messages", .expected = "at least one"});
  std::vector<ChatPiece> out;
  if (form == ChatForm::kLlama3) add_piece(out, bos, false);
  if (form == ChatForm::kSmolLm2 && messages[0].role != "system")
    add_piece(out, fmt::format("{}{}{}\n", header(form, "system"), kSmolLm2System, end_of_turn(form)), false);
  for (size_t i = 0; i < messages.size(); ++i) {
    const ChatMessage& m = messages[i];
    if (m.role.empty()) {
      fail(ErrorCode::kInput, {.id = "chat.role",
                               .where = where.empty() ? fmt::format("message {}", i + 1) : fmt::format("{}, message {}", where, i + 1),
                               .what = "a message has no role",
                               .expected = "system, user or assistant"});
    }
    const bool assistant = m.role == "assistant";
    add_piece(out, header(form, m.role), false);
    add_piece(out, (form == ChatForm::kLlama3 ? trimmed(m.content) : m.content) + end_of_turn(form), assistant);
    if (form != ChatForm::kLlama3) add_piece(out, "\n", false);
  }
  if (generation_prompt) add_piece(out, header(form, "assistant"), false);
  return out;
}

std::string chat_text(const std::vector<ChatPiece>& pieces) {
  std::string out;
  for (const ChatPiece& p : pieces) out += p.text;
  return out;
}

ChatForm find_chat_form(const TextFiles& files, const std::string& given) {
  if (!given.empty()) {
    if (const auto form = chat_form_named(given)) return *form;
    fail(ErrorCode::kUsage, {.id = "chat.name", .where = "chat_template", .what = "is no chat form this program knows", .expected = kFormNames, .got = given});
  }
  const auto text = template_of(files);
  if (!text) refuse_template("chat.none", files.place().string(), "the folder has no chat template, so the form of its messages is not known");
  if (const auto form = recognised(text->first)) return *form;
  refuse_template("chat.unknown", text->second, "the chat template is none this program recognises, and templates are not executed");
}

}  // namespace attune
