// Tokens stand in the file in the byte alphabet already; which pattern cuts the text is known by a name, tokenizer.ggml.pre, alone.
#include "app/gguf_tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "base/log.h"
#include "text/components.h"

namespace attune {
namespace {

constexpr const char* kGpt2Pattern = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr const char* kLlama3Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kQwen2Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

enum class Cut { kGpt2, kDigits, kLlama3, kQwen2, kDefault };

constexpr std::pair<std::string_view, Cut> kCuts[] = {
    {"gpt-2", Cut::kGpt2},       {"phi-2", Cut::kGpt2},       {"roberta-bpe", Cut::kGpt2},   {"jina-es", Cut::kGpt2},  {"jina-de", Cut::kGpt2},
    {"smollm", Cut::kDigits},    {"starcoder", Cut::kDigits}, {"refact", Cut::kDigits},      {"command-r", Cut::kDigits}, {"codeshell", Cut::kDigits},
    {"exaone", Cut::kDigits},    {"minerva-7b", Cut::kDigits}, {"llama-bpe", Cut::kLlama3},  {"llama3", Cut::kLlama3}, {"llama-v3", Cut::kLlama3},
    {"falcon3", Cut::kLlama3},   {"pixtral", Cut::kLlama3},   {"lfm2", Cut::kLlama3},        {"qwen2", Cut::kQwen2},   {"deepseek-r1-qwen", Cut::kQwen2},
    {"megrez", Cut::kQwen2},     {"default", Cut::kDefault},  {"", Cut::kDefault}};

[[noreturn]] void refuse_tokenizer(const GgufFile& file, const std::string& key, std::string what, std::string expected = "", std::string got = "") {
  fail(ErrorCode::kInput, {.id = "convert.tokenizer",
                           .where = fmt::format("{}: tokenizer.ggml.{}", file.path().string(), key),
                           .what = std::move(what),
                           .expected = std::move(expected),
                           .got = std::move(got)});
}

Cut cut_of(const GgufFile& file) {
  const std::string pre = file.text("tokenizer.ggml.pre", "");
  const auto it = std::find_if(std::begin(kCuts), std::end(kCuts), [&](const auto& c) { return c.first == pre; });
  if (it == std::end(kCuts)) {
    std::string known;
    for (const auto& [name, cut] : kCuts)
      if (!name.empty()) known += (known.empty() ? "" : ", ") + std::string(name);
    refuse_tokenizer(file, "pre", "is a pre-tokenizer this program does not know", known, pre);
  }
  if (it->second == Cut::kDefault)
    warning(fmt::format("{}: the file does not say how its tokenizer cuts text (tokenizer.ggml.pre); llama.cpp's default is taken, which is seldom what the model was trained with",
                        file.path().string()));
  return it->second;
}

Json byte_level_json(bool use_regex) {
  return {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", use_regex}};
}
Json split_json(const char* pattern) {
  return {{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}, {"invert", false}};
}
Json sequence_json(std::initializer_list<Json> parts) {
  Json list = Json::array();
  for (const Json& p : parts) list.push_back(p);
  return {{"type", "Sequence"}, {"pretokenizers", std::move(list)}};
}

Json pre_tokenizer_json(Cut cut) {
  switch (cut) {
    case Cut::kGpt2:
      return byte_level_json(true);
    case Cut::kDigits:
      return sequence_json({Json{{"type", "Digits"}, {"individual_digits", true}}, byte_level_json(true)});
    case Cut::kLlama3:
      return sequence_json({split_json(kLlama3Pattern), byte_level_json(false)});
    case Cut::kQwen2:
      return sequence_json({split_json(kQwen2Pattern), byte_level_json(false)});
    case Cut::kDefault:
      return sequence_json({split_json(R"([\p{P}\$\+<=>\^~\|]+)"), split_json(kGpt2Pattern), split_json(R"(\p{N}+)"), split_json("[0-9][0-9][0-9]"), byte_level_json(false)});
  }
  throw Bug("a way to cut text without a pre-tokenizer");
}

/// The tokens and the special ones among them.
class GgufTokens {
 public:
  explicit GgufTokens(const GgufFile& file) : file_(file), tokens_(file.texts("tokenizer.ggml.tokens")) {
    if (tokens_.empty()) refuse_tokenizer(file, "tokens", "holds no tokens");
  }

  const std::vector<std::string>& all() const { return tokens_; }

  /// "bos" -> the token of bos_token_id; none when the file names none.
  std::optional<std::string> named(const std::string& name) const {
    const int64_t id = file_.integer(fmt::format("tokenizer.ggml.{}_token_id", name), -1, 0, static_cast<int64_t>(tokens_.size()) - 1);
    return id < 0 ? std::nullopt : std::optional(tokens_[static_cast<size_t>(id)]);
  }

  /// Control tokens (type 3) and user-defined ones (4), which are found in the text as they are.
  Json added() const {
    constexpr int64_t kControl = 3, kUserDefined = 4;
    Json out = Json::array();
    const auto types = file_.metadata().find("tokenizer.ggml.token_type");
    if (types == file_.metadata().end()) return out;
    const Json& list = types->second;
    if (!list.is_array() || list.size() != tokens_.size())
      refuse_tokenizer(file_, "token_type", "is no list of one type a token", fmt::format("{} types", tokens_.size()), list.is_array() ? fmt::format("{}", list.size()) : list.type_name());
    for (size_t i = 0; i < list.size(); ++i) {
      if (!list[i].is_number_integer()) refuse_tokenizer(file_, "token_type", fmt::format("type {} is no integer", i));
      const int64_t type = list[i].get<int64_t>();
      if (type != kControl && type != kUserDefined) continue;
      if (tokens_[i].empty()) refuse_tokenizer(file_, "tokens", fmt::format("the special token {} is empty", i));
      Json token = {{"id", i}};
      token.update(added_token_json({.content = tokens_[i], .special = type == kControl}));
      out.push_back(std::move(token));
    }
    return out;
  }

 private:
  const GgufFile& file_;
  std::vector<std::string> tokens_;
};

Json post_processor_json(const GgufFile& file, const GgufTokens& tokens, bool bos_default) {
  const bool bos = file.boolean("tokenizer.ggml.add_bos_token", bos_default), eos = file.boolean("tokenizer.ggml.add_eos_token", false);
  if (!bos && !eos) return {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", false}, {"use_regex", true}};
  Json specials = Json::object(), single = Json::array(), pair = Json::array();
  const auto special = [&](const char* name, int type) {
    const auto token = tokens.named(name);
    if (!token) refuse_tokenizer(file, fmt::format("{}_token_id", name), "is missing, though the token is to be added to every text");
    specials[*token] = {{"id", *token}, {"ids", Json::array({file.integer(fmt::format("tokenizer.ggml.{}_token_id", name), 0)})}, {"tokens", Json::array({*token})}};
    return Json{{"SpecialToken", {{"id", *token}, {"type_id", type}}}};
  };
  const auto text = [&](Json& out, const char* id, int type) {
    if (bos) out.push_back(special("bos", type));
    out.push_back(Json{{"Sequence", {{"id", id}, {"type_id", type}}}});
    if (eos) out.push_back(special("eos", type));
  };
  text(single, "A", 0);
  text(pair, "A", 0);
  text(pair, "B", 1);
  return {{"type", "TemplateProcessing"}, {"single", std::move(single)}, {"pair", std::move(pair)}, {"special_tokens", std::move(specials)}};
}

Json model_json(const GgufFile& file, const GgufTokens& tokens, bool ignore_merges) {
  const std::string where = file.path().string() + ": tokenizer.ggml.";
  Json vocab = Json::object();
  using Members = Json::object_t::Container;  // appended directly: ordered_json's own insertion looks every key up
  auto& members = static_cast<Members&>(vocab.get_ref<Json::object_t&>());
  Vocabulary vocabulary;
  for (size_t i = 0; i < tokens.all().size(); ++i) {
    if (vocabulary.add(tokens.all()[i], static_cast<int32_t>(i)) != Vocabulary::Added::kNew)
      refuse_tokenizer(file, "tokens", fmt::format("the token {} is there twice", dump_json(Json(tokens.all()[i].substr(0, 80)))));
    members.emplace_back(tokens.all()[i], Json(i));
  }
  vocabulary.finish();
  Json merges = Json::array();
  for (const std::string& merge : file.texts("tokenizer.ggml.merges")) {
    const size_t space = merge.find(' ', 1);
    if (space == std::string::npos) refuse_tokenizer(file, "merges", fmt::format("{} is no merge", dump_json(Json(merge.substr(0, 80)))), "two tokens with a space between them");
    merges.push_back(Json::array({merge.substr(0, space), merge.substr(space + 1)}));
  }
  Json model = {{"type", "BPE"},           {"dropout", nullptr}, {"unk_token", nullptr},   {"continuing_subword_prefix", nullptr},
                {"end_of_word_suffix", nullptr}, {"fuse_unk", false},  {"byte_fallback", false}, {"ignore_merges", ignore_merges}};
  parse_bpe(model, vocabulary, parse_merges(merges, vocabulary, 0, where + "merges"), where);  // every merge is one of tokens
  model["vocab"] = std::move(vocab);
  model["merges"] = std::move(merges);
  return model;
}

Json config_json(const GgufFile& file, const GgufTokens& tokens) {
  Json c = Json::object();
  c["clean_up_tokenization_spaces"] = false;
  c["tokenizer_class"] = "PreTrainedTokenizerFast";
  c["model_max_length"] = file.integer(file.text("general.architecture", "") + ".context_length", 2048, 1);
  constexpr std::pair<const char*, const char*> kTokens[] = {{"bos", "bos_token"}, {"eos", "eos_token"}, {"padding", "pad_token"}, {"unknown", "unk_token"}};
  for (const auto& [name, key] : kTokens)
    if (const auto token = tokens.named(name)) c[key] = *token;
  if (const std::string chat = file.text("tokenizer.chat_template", ""); !chat.empty()) c["chat_template"] = chat;
  return c;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> gguf_tokenizer_files(const GgufFile& file) {
  if (const std::string model = file.text("tokenizer.ggml.model", ""); model != "gpt2")
    refuse_tokenizer(file, "model", "is a kind of tokenizer this program does not read", "gpt2 (byte-level BPE)", model.empty() ? "nothing" : model);
  const GgufTokens tokens(file);
  const Cut cut = cut_of(file);
  Json document = {{"version", "1.0"}, {"truncation", nullptr}, {"padding", nullptr}, {"added_tokens", tokens.added()}};
  document["normalizer"] = cut == Cut::kQwen2 ? Json{{"type", "NFC"}} : Json();
  document["pre_tokenizer"] = pre_tokenizer_json(cut);
  document["post_processor"] = post_processor_json(file, tokens, cut == Cut::kLlama3);
  document["decoder"] = {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", true}, {"use_regex", true}};
  document["model"] = model_json(file, tokens, cut == Cut::kLlama3);
  return {{"tokenizer.json", dump_json(document, {.indent = 2, .sort_keys = false, .ascii = false})},
          {"tokenizer_config.json", dump_json(config_json(file, tokens), {.indent = 2, .sort_keys = true, .ascii = false}) + "\n"}};
}

}  // namespace attune
