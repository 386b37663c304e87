#include "text/tokenizer_class.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace attune {
namespace {

using Names = std::function<std::string(const char*)>;
using Ids = std::function<int32_t(const std::string&)>;

constexpr std::pair<const char*, const char*> kBertTokens[] = {
    {"unk_token", "[UNK]"}, {"sep_token", "[SEP]"}, {"pad_token", "[PAD]"}, {"cls_token", "[CLS]"}, {"mask_token", "[MASK]"}};
constexpr std::pair<const char*, const char*> kGpt2Tokens[] = {
    {"bos_token", "<|endoftext|>"}, {"eos_token", "<|endoftext|>"}, {"unk_token", "<|endoftext|>"}};
constexpr std::pair<const char*, const char*> kRobertaTokens[] = {
    {"bos_token", "<s>"}, {"eos_token", "</s>"}, {"unk_token", "<unk>"}, {"sep_token", "</s>"},
    {"pad_token", "<pad>"}, {"cls_token", "<s>"}, {"mask_token", "<mask>"}};

constexpr std::pair<std::string_view, TokenizerClass> kClasses[] = {
    {"BertTokenizer", TokenizerClass::kBert},        {"DistilBertTokenizer", TokenizerClass::kBert}, {"ElectraTokenizer", TokenizerClass::kBert},
    {"MobileBertTokenizer", TokenizerClass::kBert},  {"SqueezeBertTokenizer", TokenizerClass::kBert}, {"LayoutLMTokenizer", TokenizerClass::kBert},
    {"LxmertTokenizer", TokenizerClass::kBert},      {"GPT2Tokenizer", TokenizerClass::kGpt2},       {"RobertaTokenizer", TokenizerClass::kRoberta}};

constexpr std::pair<std::string_view, TokenizerClass> kModelTypes[] = {
    {"bert", TokenizerClass::kBert},          {"distilbert", TokenizerClass::kBert},
    {"electra", TokenizerClass::kBert},       {"convbert", TokenizerClass::kBert},
    {"ernie", TokenizerClass::kBert},         {"layoutlm", TokenizerClass::kBert},
    {"megatron-bert", TokenizerClass::kBert}, {"nomic_bert", TokenizerClass::kBert},
    {"squeezebert", TokenizerClass::kBert},   {"gpt2", TokenizerClass::kGpt2},
    {"gpt_neo", TokenizerClass::kGpt2},       {"gptj", TokenizerClass::kGpt2},
    {"codegen", TokenizerClass::kGpt2},       {"opt", TokenizerClass::kGpt2},
    {"phi", TokenizerClass::kGpt2},           {"starcoder2", TokenizerClass::kGpt2},
    {"roberta", TokenizerClass::kRoberta},    {"roberta-prelayernorm", TokenizerClass::kRoberta},
    {"bart", TokenizerClass::kRoberta},       {"longformer", TokenizerClass::kRoberta},
    {"data2vec-text", TokenizerClass::kRoberta}, {"ibert", TokenizerClass::kRoberta}};

template <class Table>
TokenizerClass look_up(const Table& table, std::string_view name) {
  for (const auto& [known, c] : table)
    if (known == name) return c;
  return TokenizerClass::kDocument;
}

Json special_piece(const std::string& token, int type) { return Json{{"SpecialToken", {{"id", token}, {"type_id", type}}}}; }
Json text_piece(const char* id, int type) { return Json{{"Sequence", {{"id", id}, {"type_id", type}}}}; }

Json template_json(Json single, Json pair, const std::vector<std::string>& specials, const Ids& id) {
  Json tokens = Json::object();
  for (const std::string& t : specials) tokens[t] = {{"id", t}, {"ids", Json::array({id(t)})}, {"tokens", Json::array({t})}};
  Json out = {{"type", "TemplateProcessing"}};
  out["single"] = std::move(single);
  out["pair"] = std::move(pair);
  out["special_tokens"] = std::move(tokens);
  return out;
}

/// bos A eos, bos A eos bos B eos, with only what add_bos_token and add_eos_token ask for.
Json gpt2_template(const Json& config, const Names& name, const Ids& id, const std::string& where) {
  const bool bos = get_bool(config, "add_bos_token", false, where), eos = get_bool(config, "add_eos_token", false, where);
  std::vector<std::string> specials;
  if (bos) specials.push_back(name("bos_token"));
  if (eos) specials.push_back(name("eos_token"));
  const auto one = [&](Json& out, const char* text, int type) {
    if (bos) out.push_back(special_piece(specials.front(), type));
    out.push_back(text_piece(text, type));
    if (eos) out.push_back(special_piece(specials.back(), type));
  };
  Json single = Json::array(), pair = Json::array();
  one(single, "A", 0);
  one(pair, "A", 0);
  one(pair, "B", 1);
  return template_json(std::move(single), std::move(pair), specials, id);
}

Json bert_parts(const Json& config, const Names& name, const std::string& where) {
  Json normalizer = {{"type", "BertNormalizer"}, {"clean_text", true}};
  normalizer["handle_chinese_chars"] = get_bool(config, "tokenize_chinese_chars", true, where);
  const bool lowercase = get_bool(config, "do_lower_case", true, where);
  const bool strips = config.contains("strip_accents") && !config["strip_accents"].is_null();
  normalizer["strip_accents"] = strips ? Json(get_bool(config, "strip_accents", lowercase, where)) : Json();
  normalizer["lowercase"] = lowercase;
  return {{"normalizer", normalizer},
          {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
          {"decoder", {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}}},
          {"model",
           {{"type", "WordPiece"}, {"unk_token", name("unk_token")}, {"continuing_subword_prefix", "##"}, {"max_input_chars_per_word", 100}}}};
}

Json byte_level_parts(const Json& config, const std::string& where) {
  const bool prefix = get_bool(config, "add_prefix_space", false, where);
  Json model = {{"type", "BPE"},          {"dropout", nullptr},      {"unk_token", nullptr}, {"continuing_subword_prefix", ""},
                {"end_of_word_suffix", ""}, {"fuse_unk", false}, {"byte_fallback", false}, {"ignore_merges", false}};
  return {{"normalizer", nullptr},
          {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", prefix}, {"trim_offsets", true}, {"use_regex", true}}},
          {"decoder", {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", true}, {"use_regex", true}}},
          {"model", std::move(model)}};
}

}  // namespace

TokenizerClass tokenizer_class_of(const std::string& tokenizer_class, const std::string& model_type, bool bare_lines) {
  std::string name = tokenizer_class;
  if (name.ends_with("Fast")) name.resize(name.size() - 4);
  if (!name.empty()) return look_up(kClasses, name);
  if (!model_type.empty()) return look_up(kModelTypes, model_type);
  return bare_lines ? TokenizerClass::kBert : TokenizerClass::kDocument;
}

std::string class_name(TokenizerClass c) {
  switch (c) {
    case TokenizerClass::kDocument:
      return "";
    case TokenizerClass::kBert:
      return "BertTokenizer";
    case TokenizerClass::kGpt2:
      return "GPT2Tokenizer";
    case TokenizerClass::kRoberta:
      return "RobertaTokenizer";
  }
  throw Bug("a tokenizer class without a name");
}

std::span<const std::pair<const char*, const char*>> default_special_tokens(TokenizerClass c) {
  switch (c) {
    case TokenizerClass::kDocument:
      return {};
    case TokenizerClass::kBert:
      return kBertTokens;
    case TokenizerClass::kGpt2:
      return kGpt2Tokens;
    case TokenizerClass::kRoberta:
      return kRobertaTokens;
  }
  throw Bug("a tokenizer class without special tokens");
}

Json class_parts(TokenizerClass c, const Json& config, const Names& name, const std::string& where) {
  require(c != TokenizerClass::kDocument, "a class that builds its parts");
  return c == TokenizerClass::kBert ? bert_parts(config, name, where) : byte_level_parts(config, where);
}

Json class_post_processor(TokenizerClass c, const Json& config, const Names& name, const Ids& id, const std::string& where) {
  require(c != TokenizerClass::kDocument, "a class that builds its post-processor");
  if (c == TokenizerClass::kGpt2) return gpt2_template(config, name, id, where);
  const std::string cls = name("cls_token"), sep = name("sep_token");
  if (c == TokenizerClass::kBert) {
    Json single = Json::array({special_piece(cls, 0), text_piece("A", 0), special_piece(sep, 0)});
    Json pair = single;
    pair.push_back(text_piece("B", 1));
    pair.push_back(special_piece(sep, 1));
    return template_json(std::move(single), std::move(pair), {cls, sep}, id);
  }
  return {{"type", "RobertaProcessing"},
          {"sep", Json::array({sep, id(sep)})},
          {"cls", Json::array({cls, id(cls)})},
          {"trim_offsets", get_bool(config, "trim_offsets", true, where)},
          {"add_prefix_space", get_bool(config, "add_prefix_space", false, where)}};
}

void write_class_arguments(TokenizerClass c, const Json& document, Json& config) {
  const Json& normalizer = document["normalizer"];
  if (normalizer.is_object() && normalizer.value("type", "") == "BertNormalizer") {
    config["do_lower_case"] = normalizer.value("lowercase", Json(true));
    config["strip_accents"] = normalizer.value("strip_accents", Json());
    config["tokenize_chinese_chars"] = normalizer.value("handle_chinese_chars", Json(true));
  }
  if (c != TokenizerClass::kGpt2 && c != TokenizerClass::kRoberta) return;
  config["add_prefix_space"] = document["pre_tokenizer"].value("add_prefix_space", Json(false));
  if (c == TokenizerClass::kRoberta) config["trim_offsets"] = document["post_processor"].value("trim_offsets", Json(true));
  config.erase("add_bos_token");  // said by the post-processor now
  config.erase("add_eos_token");
}

}  // namespace attune
