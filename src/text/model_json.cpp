// Vocabularies and models from tokenizer.json and vocab.txt.
#include <fmt/format.h>

#include "base/error.h"
#include "base/utf8.h"
#include "text/components.h"
#include "text/unicode.h"
#include "text/wordpiece.h"

namespace attune {
namespace {

[[noreturn]] void refuse(const std::string& where, std::string what, std::string expected = "") {
  fail(ErrorCode::kInput, {.id = "tokenizer.vocab", .where = where, .what = std::move(what), .expected = std::move(expected)});
}

std::string shown(std::string_view token) { return dump_json(Json(std::string(token.substr(0, 80))), {.indent = -1}); }

/// Old files have no "type": a WordPiece model is known by its members.
std::string model_type(const Json& json, const std::string& where) {
  const std::string type = get_string(json, "type", "", where);
  if (type.empty() && json.contains("continuing_subword_prefix") && json.contains("max_input_chars_per_word")) return "WordPiece";
  return type;
}

std::string_view without_trailing_space(std::string_view line) {
  const uint16_t* flags = unicode::flags();
  while (!line.empty()) {
    size_t begin = line.size() - 1;
    while (begin > 0 && (static_cast<unsigned char>(line[begin]) & 0xc0) == 0x80) --begin;
    uint32_t c = 0;
    if (decode_utf8(line.substr(begin), c) == 0 || !(flags[c] & unicode::kSpace)) break;
    line = line.substr(0, begin);
  }
  return line;
}

}  // namespace

void require_supported_model(const Json& json, const std::string& where) {
  const std::string type = model_type(json, where);
  if (type == "WordPiece") return;
  fail(ErrorCode::kInput,
       {.id = "tokenizer.unsupported",
        .where = where + ".type",
        .what = type.empty() ? std::string("the model has no type") : fmt::format("the model '{}' is not supported", type),
        .expected = "one of WordPiece"});
}

Vocabulary parse_vocabulary(const Json& json, const std::string& where) {
  if (!json.is_object())
    fail(ErrorCode::kInput, {.id = "json.type", .where = where, .what = "has the wrong type", .expected = "an object"});
  const auto& members = json.get_ref<const Json::object_t&>();
  if (members.empty()) refuse(where, "the vocabulary is empty", "at least the unknown token");
  Vocabulary out;
  size_t bytes = 0;
  for (const auto& [token, id] : members) bytes += token.size();
  out.reserve(members.size(), bytes);
  for (const auto& [token, id] : members) {
    if (!id.is_number_unsigned() || id.get<uint64_t>() >= INT32_MAX) {
      refuse(fmt::format("{}[{}]", where, shown(token)), "is no token id", "an integer from 0 to 2147483646");
    }
    if (out.add(token, static_cast<int32_t>(id.get<uint64_t>())) == Vocabulary::Added::kCrowded) {
      refuse(where, "the tokens are made to collide with one another");
    }
  }
  if (const auto shared = out.finish()) refuse(where, fmt::format("the id {} belongs to more than one token", *shared));
  return out;
}

Vocabulary parse_vocabulary_lines(std::string_view text, const std::string& where) {
  if (const size_t bad = first_invalid_utf8(text); bad != std::string_view::npos)
    refuse(where, fmt::format("is not UTF-8 at byte {}", bad));
  Vocabulary out;
  out.reserve(text.size() / 8, text.size());
  int32_t line = 0;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view token = without_trailing_space(text.substr(0, end));
    switch (out.add(token, line)) {
      case Vocabulary::Added::kNew:
        break;
      case Vocabulary::Added::kDuplicateToken:
        out.replace(token, line);
        break;
      case Vocabulary::Added::kCrowded:
        refuse(fmt::format("{}:{}", where, line + 1), "the tokens are made to collide with one another");
    }
    if (++line == INT32_MAX) refuse(where, "has too many lines");
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  if (out.size() == 0) refuse(where, "the vocabulary is empty", "one token a line");
  require(!out.finish(), "line numbers are unique");
  return out;
}

std::unique_ptr<TokenModel> parse_model(const Json& json, Vocabulary vocabulary, const std::string& where) {
  require_supported_model(json, where);
  WordPieceOptions o;
  o.unk_token = get_string(json, "unk_token", o.unk_token, where);
  o.continuing_prefix = get_string(json, "continuing_subword_prefix", o.continuing_prefix, where);
  o.max_characters =
      static_cast<uint64_t>(get_int(json, "max_input_chars_per_word", static_cast<int64_t>(o.max_characters), where, 0, INT32_MAX));
  if (!vocabulary.id(o.unk_token)) {
    fail(ErrorCode::kInput, {.id = "tokenizer.unk",
                             .where = where + ".unk_token",
                             .what = fmt::format("the unknown token {} is not in the vocabulary", shown(o.unk_token)),
                             .hint = "add it to the vocabulary or name another unk_token"});
  }
  return make_wordpiece(std::move(vocabulary), o);
}

}  // namespace attune
