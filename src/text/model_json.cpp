// Vocabularies, merges and models from tokenizer.json, vocab.txt, vocab.json and merges.txt.
#include <fmt/format.h>

#include <algorithm>

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

/// The part of a token's text that BPE joins: without the continuing prefix.
std::optional<int32_t> joined(const Vocabulary& vocabulary, std::string_view left, std::string_view right, size_t prefix) {
  if (right.size() < prefix) return std::nullopt;
  Vocabulary::Hash hash;
  hash.add(left);
  hash.add(right.substr(prefix));
  return vocabulary.id(hash, left, right.substr(prefix));
}

BpeMerge make_merge(const Vocabulary& vocabulary, std::string_view left, std::string_view right, size_t prefix, const std::string& where) {
  const auto a = vocabulary.id(left), b = vocabulary.id(right);
  const auto whole = joined(vocabulary, left, right, prefix);
  if (a && b && whole) return {*a, *b, *whole};
  const std::string missing = !a ? shown(left) : !b ? shown(right) : shown(std::string(left) + std::string(right.substr(std::min(prefix, right.size()))));
  fail(ErrorCode::kInput, {.id = "tokenizer.merges",
                           .where = where,
                           .what = fmt::format("{} is not in the vocabulary", missing),
                           .expected = "a merge whose parts and result are tokens"});
}

void require_token(const Vocabulary& vocabulary, const std::string& unk_token, const std::string& where) {
  if (vocabulary.id(unk_token)) return;
  fail(ErrorCode::kInput, {.id = "tokenizer.unk",
                           .where = where + ".unk_token",
                           .what = fmt::format("the unknown token {} is not in the vocabulary", shown(unk_token)),
                           .hint = "add it to the vocabulary or name another unk_token"});
}

/// "left right", as merges.txt and old tokenizer.json files have it. False: a line to skip.
bool split_merge(std::string_view line, std::string_view& left, std::string_view& right, const std::string& where) {
  if (line.starts_with("#version")) return false;
  const size_t space = line.find(' ');
  if (space == std::string_view::npos || line.find(' ', space + 1) != std::string_view::npos) {
    fail(ErrorCode::kInput, {.id = "tokenizer.merges", .where = where, .what = "is no merge", .expected = "two tokens with one space between them", .got = shown(line)});
  }
  left = line.substr(0, space);
  right = line.substr(space + 1);
  return true;
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

std::string model_type_of(const Json& json, const std::string& where) {
  const std::string type = get_string(json, "type", "", where);
  if (!type.empty()) return type;
  if (json.contains("continuing_subword_prefix") && json.contains("max_input_chars_per_word")) return "WordPiece";
  return json.contains("merges") ? "BPE" : "";
}

void require_supported_model(const Json& json, const std::string& where) {
  const std::string type = model_type_of(json, where);
  if (type == "WordPiece" || type == "BPE") return;
  fail(ErrorCode::kInput,
       {.id = "tokenizer.unsupported",
        .where = where + ".type",
        .what = type.empty() ? std::string("the model has no type") : fmt::format("the model '{}' is not supported", type),
        .expected = "one of BPE, WordPiece"});
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

std::vector<BpeMerge> parse_merges(const Json& json, const Vocabulary& vocabulary, size_t prefix, const std::string& where) {
  if (!json.is_array())
    fail(ErrorCode::kInput, {.id = "json.type", .where = where, .what = "is missing or has the wrong type", .expected = "a list"});
  std::vector<BpeMerge> out;
  out.reserve(json.size());
  for (size_t i = 0; i < json.size(); ++i) {
    const Json& item = json[i];
    const auto path = [&] { return fmt::format("{}[{}]", where, i); };
    std::string_view left, right;
    if (item.is_string()) {
      if (!split_merge(item.get_ref<const std::string&>(), left, right, path())) continue;
    } else if (item.is_array() && item.size() == 2 && item[0].is_string() && item[1].is_string()) {
      left = item[0].get_ref<const std::string&>();
      right = item[1].get_ref<const std::string&>();
    } else {
      fail(ErrorCode::kInput, {.id = "tokenizer.merges", .where = path(), .what = "is no merge", .expected = R"(["a", "b"] or "a b")"});
    }
    out.push_back(make_merge(vocabulary, left, right, prefix, path()));
  }
  return out;
}

std::vector<BpeMerge> parse_merge_lines(std::string_view text, const Vocabulary& vocabulary, size_t prefix, const std::string& where) {
  if (const size_t bad = first_invalid_utf8(text); bad != std::string_view::npos)
    fail(ErrorCode::kInput, {.id = "tokenizer.merges", .where = where, .what = fmt::format("is not UTF-8 at byte {}", bad)});
  std::vector<BpeMerge> out;
  for (int64_t line = 1; !text.empty(); ++line) {
    const size_t end = text.find('\n');
    std::string_view one = text.substr(0, end);
    if (one.ends_with('\r')) one.remove_suffix(1);
    std::string_view left, right;
    const std::string path = fmt::format("{}:{}", where, line);
    if (split_merge(one, left, right, path)) out.push_back(make_merge(vocabulary, left, right, prefix, path));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  return out;
}

std::unique_ptr<TokenModel> parse_bpe(const Json& json, Vocabulary vocabulary, const std::vector<BpeMerge>& merges, const std::string& where) {
  BpeOptions o;
  if (json.contains("unk_token") && !json["unk_token"].is_null()) {
    o.unk_token = get_string(json, "unk_token", "", where);
    require_token(vocabulary, *o.unk_token, where);
  }
  o.continuing_prefix = get_string(json, "continuing_subword_prefix", "", where);
  o.word_suffix = get_string(json, "end_of_word_suffix", "", where);
  o.fuse_unk = get_bool(json, "fuse_unk", false, where);
  o.byte_fallback = get_bool(json, "byte_fallback", false, where);
  o.ignore_merges = get_bool(json, "ignore_merges", false, where);
  if (const double dropout = get_number(json, "dropout", 0, where); dropout != 0) {
    fail(ErrorCode::kInput, {.id = "tokenizer.dropout",
                             .where = where + ".dropout",
                             .what = "BPE dropout gives another tokenization each time, which this program does not do",
                             .expected = "null or 0",
                             .got = fmt::format("{}", dropout),
                             .hint = "set it to null"});
  }
  auto model = make_bpe(std::move(vocabulary), merges, o);
  if (!model) fail(ErrorCode::kInput, {.id = "tokenizer.merges", .where = where + ".merges", .what = "the merges are made to collide with one another"});
  return model;
}

std::unique_ptr<TokenModel> parse_model(const Json& json, Vocabulary vocabulary, const std::string& where) {
  require(model_type_of(json, where) == "WordPiece", "the caller knows the model's type");
  WordPieceOptions o;
  o.unk_token = get_string(json, "unk_token", o.unk_token, where);
  o.continuing_prefix = get_string(json, "continuing_subword_prefix", o.continuing_prefix, where);
  o.max_characters =
      static_cast<uint64_t>(get_int(json, "max_input_chars_per_word", static_cast<int64_t>(o.max_characters), where, 0, INT32_MAX));
  require_token(vocabulary, o.unk_token, where);
  return make_wordpiece(std::move(vocabulary), o);
}

}  // namespace attune
