// Each kind is one row of a chain here and a file of its own; sequences recurse, bounded by the depth parse_json allows.
#include "text/components.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace attune {
namespace {

std::string type_of(const Json& json, const std::string& where) {
  if (!json.is_object()) {
    fail(ErrorCode::kInput,
         {.id = "json.type", .where = where, .what = "has the wrong type", .expected = "an object", .got = json.type_name()});
  }
  return get_string(json, "type", "", where);
}

[[noreturn]] void unsupported(const char* part, const std::string& type, const char* supported, const std::string& where) {
  fail(ErrorCode::kInput,
       {.id = "tokenizer.unsupported",
        .where = where + ".type",
        .what = type.empty() ? fmt::format("the {} has no type", part) : fmt::format("the {} '{}' is not supported", part, type),
        .expected = fmt::format("one of {}", supported)});
}

const Json& items(const Json& json, const char* key, const std::string& where) {
  const auto at = json.find(key);
  if (at == json.end() || !at->is_array()) {
    fail(ErrorCode::kInput,
         {.id = "json.type", .where = where, .what = fmt::format("'{}' is missing or has the wrong type", key), .expected = "a list"});
  }
  return *at;
}

int32_t small(const Json& json, const char* key, const std::string& where) {
  const int64_t v = get_int(json, key, -1, where, 0, INT32_MAX);
  if (v < 0)
    fail(ErrorCode::kInput, {.id = "json.type", .where = where, .what = fmt::format("'{}' is missing", key), .expected = "an integer"});
  return static_cast<int32_t>(v);
}

TemplatePiece parse_piece(const Json& json, const Json& specials, bool pair, const std::string& where, const std::string& specials_where) {
  if (!json.is_object() || json.size() != 1) {
    fail(ErrorCode::kInput, {.id = "tokenizer.template",
                             .where = where,
                             .what = "is no piece of a template",
                             .expected = R"({"Sequence": ...} or {"SpecialToken": ...})"});
  }
  const auto& [kind, body] = *json.get_ref<const Json::object_t&>().begin();
  const std::string inner = where + "." + kind;
  if (kind != "Sequence" && kind != "SpecialToken") {
    fail(ErrorCode::kInput, {.id = "tokenizer.template",
                             .where = where,
                             .what = fmt::format("'{}' is no piece of a template", kind),
                             .expected = "Sequence or SpecialToken"});
  }
  const std::string id = get_string(body, "id", "", inner);
  const int32_t type_id = small(body, "type_id", inner);
  if (kind == "Sequence") {
    if (id == "A") return {TemplatePiece::kFirst, type_id};
    if (id == "B" && pair) return {TemplatePiece::kSecond, type_id};
    fail(ErrorCode::kInput, {.id = "tokenizer.template",
                             .where = inner,
                             .what = fmt::format("there is no sequence '{}' here", id),
                             .expected = pair ? "A or B" : "A"});
  }
  const auto at = specials.find(id);
  if (at == specials.end()) {
    fail(ErrorCode::kInput, {.id = "tokenizer.template",
                             .where = inner,
                             .what = fmt::format("the special token '{}' is not described", id),
                             .expected = fmt::format("a member of {}", specials_where)});
  }
  TemplatePiece piece{TemplatePiece::kSpecial, type_id};
  const std::string special_where = fmt::format("{}.{}", specials_where, id);
  const Json& ids = items(*at, "ids", special_where);
  const Json& tokens = items(*at, "tokens", special_where);
  if (ids.size() != tokens.size()) {
    fail(ErrorCode::kInput, {.id = "tokenizer.template", .where = special_where, .what = "has ids and tokens of different count"});
  }
  for (size_t i = 0; i < ids.size(); ++i) {
    piece.ids.push_back(small(Json{{"id", ids[i]}}, "id", fmt::format("{}.ids[{}]", special_where, i)));
  }
  return piece;
}

std::vector<TemplatePiece> parse_template(const Json& json, const char* key, const std::string& where) {
  static const Json nothing = Json::object();
  const auto specials = json.find("special_tokens");
  const bool pair = std::string_view(key) == "pair";
  if (specials != json.end() && !specials->is_object()) {
    fail(ErrorCode::kInput, {.id = "json.type", .where = where, .what = "'special_tokens' has the wrong type", .expected = "an object"});
  }
  std::vector<TemplatePiece> out;
  int uses[2] = {0, 0};
  const Json& pieces = items(json, key, where);
  for (size_t i = 0; i < pieces.size(); ++i) {
    const std::string path = fmt::format("{}.{}[{}]", where, key, i);
    out.push_back(parse_piece(pieces[i], specials == json.end() ? nothing : *specials, pair, path, where + ".special_tokens"));
    if (out.back().kind != TemplatePiece::kSpecial && ++uses[out.back().kind] > 1) {
      fail(ErrorCode::kInput, {.id = "tokenizer.template", .where = path, .what = "the template has the same text twice"});
    }
  }
  return out;
}

/// ["[SEP]", 102]
TemplatePiece parse_token_pair(const Json& json, const char* key, const std::string& where) {
  const Json& both = items(json, key, where);
  if (both.size() != 2) fail(ErrorCode::kInput, {.id = "json.type", .where = where + "." + key, .what = "is not a token and its id"});
  return {TemplatePiece::kSpecial, 0, {small(Json{{"id", both[1]}}, "id", where + "." + key + "[1]")}};
}

std::unique_ptr<PreTokenizer> parse_split(const Json& json, const std::string& where) {
  constexpr std::pair<std::string_view, SplitBehavior> kBehaviors[] = {{"Removed", SplitBehavior::kRemoved},
                                                                       {"Isolated", SplitBehavior::kIsolated},
                                                                       {"MergedWithPrevious", SplitBehavior::kMergedWithPrevious},
                                                                       {"MergedWithNext", SplitBehavior::kMergedWithNext},
                                                                       {"Contiguous", SplitBehavior::kContiguous}};
  const std::string name = get_string(json, "behavior", "", where);
  const auto behavior = std::find_if(std::begin(kBehaviors), std::end(kBehaviors), [&](const auto& b) { return b.first == name; });
  if (behavior == std::end(kBehaviors)) {
    fail(ErrorCode::kInput, {.id = "tokenizer.split",
                             .where = where + ".behavior",
                             .what = "is no behaviour of a Split",
                             .expected = "Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous",
                             .got = name});
  }
  const auto pattern = json.find("pattern");
  const bool one = pattern != json.end() && pattern->is_object() && pattern->size() == 1;
  const std::string kind = one ? pattern->begin().key() : "";
  if (kind != "String" && kind != "Regex") {
    fail(ErrorCode::kInput,
         {.id = "tokenizer.split", .where = where + ".pattern", .what = "is no pattern", .expected = R"({"String": ...} or {"Regex": ...})"});
  }
  const std::string text = get_string(*pattern, kind, "", where + ".pattern"), path = where + ".pattern." + kind;
  return make_split(kind == "Regex" ? SplitPattern::regex(text, path) : SplitPattern::literal(text, path), behavior->second,
                    get_bool(json, "invert", false, where));
}

/// Passes over the offsets and at most one template: what they change does not depend on which comes first.
PostProcessor parse_post_processors(const Json& json, const std::string& where) {
  PostProcessor out;
  std::string with_template;
  const Json& list = items(json, "processors", where);
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string path = fmt::format("{}.processors[{}]", where, i);
    const std::string type = type_of(list[i], path);
    PostProcessor part = parse_post_processor(list[i], path);
    out.trims.insert(out.trims.end(), part.trims.begin(), part.trims.end());
    if (type == "ByteLevel") continue;
    if (!with_template.empty() || type == "Sequence") {
      fail(ErrorCode::kInput, {.id = "tokenizer.unsupported",
                               .where = path + ".type",
                               .what = fmt::format("the post-processor '{}' cannot stand here", type),
                               .expected = "ByteLevel, and one of TemplateProcessing, BertProcessing, RobertaProcessing"});
    }
    with_template = type;
    out.single = std::move(part.single);
    out.pair = std::move(part.pair);
    out.types_kept_windows_only = part.types_kept_windows_only;
  }
  return out;
}

}  // namespace

std::unique_ptr<Normalizer> parse_normalizer(const Json& json, const std::string& where) {
  if (json.is_null()) return nullptr;
  const std::string type = type_of(json, where);
  if (type == "BertNormalizer") {
    BertNormalizerOptions o;
    o.clean_text = get_bool(json, "clean_text", true, where);
    o.handle_chinese_chars = get_bool(json, "handle_chinese_chars", true, where);
    o.lowercase = get_bool(json, "lowercase", true, where);
    o.strip_accents = get_bool(json, "strip_accents", o.lowercase, where);
    return make_bert_normalizer(o);
  }
  if (type == "Lowercase") return make_lowercase_normalizer();
  if (type == "NFC") return make_nfc_normalizer();
  if (type == "NFD") return make_nfd_normalizer();
  if (type == "StripAccents") return make_strip_accents_normalizer();
  if (type == "Sequence") {
    std::vector<std::unique_ptr<Normalizer>> parts;
    const Json& list = items(json, "normalizers", where);
    for (size_t i = 0; i < list.size(); ++i) {
      const std::string path = fmt::format("{}.normalizers[{}]", where, i);
      type_of(list[i], path);
      parts.push_back(parse_normalizer(list[i], path));
    }
    return make_normalizer_sequence(std::move(parts));
  }
  unsupported("normalizer", type, "BertNormalizer, Lowercase, NFC, NFD, StripAccents, Sequence", where);
}

std::unique_ptr<PreTokenizer> parse_pre_tokenizer(const Json& json, const std::string& where) {
  if (json.is_null()) return nullptr;
  const std::string type = type_of(json, where);
  if (type == "BertPreTokenizer") return make_bert_pre_tokenizer();
  if (type == "WhitespaceSplit") return make_whitespace_split();
  if (type == "Whitespace") return make_whitespace();
  if (type == "ByteLevel") return make_byte_level(get_bool(json, "add_prefix_space", true, where), get_bool(json, "use_regex", true, where));
  if (type == "Digits") return make_digits(get_bool(json, "individual_digits", false, where));
  if (type == "Split") return parse_split(json, where);
  if (type == "Sequence") {
    std::vector<std::unique_ptr<PreTokenizer>> parts;
    const Json& list = items(json, "pretokenizers", where);
    for (size_t i = 0; i < list.size(); ++i) {
      const std::string path = fmt::format("{}.pretokenizers[{}]", where, i);
      type_of(list[i], path);
      parts.push_back(parse_pre_tokenizer(list[i], path));
    }
    return make_pre_tokenizer_sequence(std::move(parts));
  }
  unsupported("pre-tokenizer", type, "BertPreTokenizer, ByteLevel, Digits, Split, Whitespace, WhitespaceSplit, Sequence", where);
}

PostProcessor parse_post_processor(const Json& json, const std::string& where) {
  PostProcessor out;
  if (json.is_null()) return out;
  const std::string type = type_of(json, where);
  if (type == "TemplateProcessing") {
    out.single = parse_template(json, "single", where);
    out.pair = parse_template(json, "pair", where);
    out.types_kept_windows_only = true;
    return out;
  }
  if (type == "BertProcessing") {
    const TemplatePiece cls = parse_token_pair(json, "cls", where), sep = parse_token_pair(json, "sep", where);
    TemplatePiece last = sep;
    last.type_id = 1;
    out.single = {cls, {TemplatePiece::kFirst, 0}, sep};
    out.pair = {cls, {TemplatePiece::kFirst, 0}, sep, {TemplatePiece::kSecond, 1}, last};
    return out;
  }
  if (type == "RobertaProcessing") {
    const TemplatePiece cls = parse_token_pair(json, "cls", where), sep = parse_token_pair(json, "sep", where);
    out.single = {cls, {TemplatePiece::kFirst, 0}, sep};
    out.pair = {cls, {TemplatePiece::kFirst, 0}, sep, sep, {TemplatePiece::kSecond, 0}, sep};
    if (get_bool(json, "trim_offsets", true, where)) out.trims.push_back(get_bool(json, "add_prefix_space", true, where));
    return out;
  }
  if (type == "ByteLevel") {
    if (get_bool(json, "trim_offsets", true, where)) out.trims.push_back(get_bool(json, "add_prefix_space", true, where));
    return out;
  }
  if (type == "Sequence") return parse_post_processors(json, where);
  unsupported("post-processor", type, "TemplateProcessing, BertProcessing, ByteLevel, RobertaProcessing, Sequence", where);
}

Decoder parse_decoder(const Json& json, const std::string& where) {
  Decoder out;
  if (json.is_null()) return out;
  const std::string type = type_of(json, where);
  if (type == "ByteLevel") {
    out.byte_level = true;
    return out;
  }
  if (type != "WordPiece") unsupported("decoder", type, "ByteLevel, WordPiece", where);
  out.wordpiece = WordPieceDecoder{get_string(json, "prefix", "##", where), get_bool(json, "cleanup", true, where)};
  return out;
}

AddedToken parse_added_token(const Json& json, const std::string& where) {
  AddedToken t;
  t.content = get_string(json, "content", "", where);
  if (t.content.empty()) fail(ErrorCode::kInput, {.id = "tokenizer.added_token", .where = where, .what = "an added token has no content"});
  t.single_word = get_bool(json, "single_word", false, where);
  t.lstrip = get_bool(json, "lstrip", false, where);
  t.rstrip = get_bool(json, "rstrip", false, where);
  t.special = get_bool(json, "special", false, where);
  t.normalized = get_bool(json, "normalized", !t.special, where);
  return t;
}

Json added_token_json(const AddedToken& t) {
  Json out = Json::object();
  out["content"] = t.content;
  out["single_word"] = t.single_word;
  out["lstrip"] = t.lstrip;
  out["rstrip"] = t.rstrip;
  out["normalized"] = t.normalized;
  out["special"] = t.special;
  return out;
}

}  // namespace attune
