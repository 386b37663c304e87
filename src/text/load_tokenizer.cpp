// A model folder to a tokenizer. Two ways, as transformers has them: BERT's classes take the vocabulary and the added tokens from the
// files and build the rest from tokenizer_config.json (a missing argument has the class default); any other class takes tokenizer.json as
// it is.
#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "text/components.h"
#include "text/special_tokens.h"
#include "text/tokenizer_parts.h"

namespace attune {
namespace {

constexpr uint64_t kMaxFile = uint64_t{256} << 20;
constexpr double kNoLimit = 1e18;  // larger maximum lengths mean "no limit"

std::optional<Json> read_object(const fs::path& path) {
  if (!file_exists(path)) return std::nullopt;
  Json json = read_json(path, {.max_bytes = kMaxFile});
  if (!json.is_object()) {
    fail(ErrorCode::kInput,
         {.id = "json.type", .where = path.string(), .what = "has the wrong type", .expected = "an object", .got = json.type_name()});
  }
  return json;
}

/// True when transformers would load a BERT tokenizer class for the folder.
bool takes_arguments(const std::string& tokenizer_class, const std::string& model_type, bool has_document) {
  std::string name = tokenizer_class;
  if (name.ends_with("Fast")) name.resize(name.size() - 4);
  if (!name.empty()) {
    const std::string_view known[] = {"BertTokenizer",        "DistilBertTokenizer", "ElectraTokenizer", "MobileBertTokenizer",
                                      "SqueezeBertTokenizer", "LayoutLMTokenizer",   "LxmertTokenizer"};
    return std::find(std::begin(known), std::end(known), name) != std::end(known);
  }
  const std::string_view types[] = {"bert",     "distilbert",    "electra",    "convbert",   "ernie",
                                    "layoutlm", "megatron-bert", "nomic_bert", "squeezebert"};
  if (std::find(std::begin(types), std::end(types), model_type) != std::end(types)) return true;
  return model_type.empty() && !has_document;  // a bare vocab.txt
}

class Loader {
 public:
  explicit Loader(const fs::path& folder) : folder_(folder) {}

  std::shared_ptr<const Tokenizer> load() {
    const auto model_config = read_object(folder_ / "config.json");
    parts_.config = read_object(config_path()).value_or(Json::object());
    document_ = read_object(document_path());
    tokenizer_class_ = get_string(parts_.config, "tokenizer_class", "", config_path().string());
    std::string model_type;
    if (model_config) {
      model_type = get_string(*model_config, "model_type", "", (folder_ / "config.json").string());
      if (tokenizer_class_.empty()) tokenizer_class_ = get_string(*model_config, "tokenizer_class", "", (folder_ / "config.json").string());
    }
    bert_ = takes_arguments(tokenizer_class_, model_type, document_.has_value());
    if (!document_ && !(bert_ && file_exists(folder_ / "vocab.txt"))) {
      fail(ErrorCode::kInput, {.id = "tokenizer.missing",
                               .where = folder_.string(),
                               .what = "there is no tokenizer this program can read",
                               .expected = bert_ ? "tokenizer.json or vocab.txt" : "tokenizer.json",
                               .hint = "save the tokenizer with transformers' save_pretrained into this folder"});
    }
    if (document_) check_document();

    std::vector<std::pair<int32_t, AddedToken>> in_document = read_added_tokens();
    const SpecialTokens specials = read_special_tokens({.config = parts_.config,
                                                        .config_where = config_path().string(),
                                                        .map = read_object(folder_ / "special_tokens_map.json"),
                                                        .map_where = (folder_ / "special_tokens_map.json").string(),
                                                        .added = read_object(folder_ / "added_tokens.json"),
                                                        .added_where = (folder_ / "added_tokens.json").string(),
                                                        .in_document = in_document,
                                                        .bert_defaults = bert_});
    if (bert_) {
      build_from_arguments(specials);
    } else {
      build_from_document(specials, in_document);
    }
    read_settings(specials);
    prepare_config(specials);
    return make_tokenizer(std::move(parts_));
  }

 private:
  fs::path document_path() const { return folder_ / "tokenizer.json"; }
  fs::path config_path() const { return folder_ / "tokenizer_config.json"; }
  std::string at(const std::string& path) const { return document_path().string() + ": " + path; }

  void check_document() {
    const std::string version = get_string(*document_, "version", "1.0", at("version"));
    if (version != "1.0") {
      fail(ErrorCode::kInput,
           {.id = "tokenizer.version", .where = at("version"), .what = "is of an unknown version", .expected = "1.0", .got = version});
    }
    const auto model = document_->find("model");
    if (model == document_->end() || !model->is_object()) {
      fail(ErrorCode::kInput,
           {.id = "json.type", .where = at("model"), .what = "is missing or has the wrong type", .expected = "an object"});
    }
    require_supported_model(*model, at("model"));
  }

  std::vector<std::pair<int32_t, AddedToken>> read_added_tokens() const {
    std::vector<std::pair<int32_t, AddedToken>> out;
    if (!document_) return out;
    const auto list = document_->find("added_tokens");
    if (list == document_->end() || list->is_null()) return out;
    if (!list->is_array())
      fail(ErrorCode::kInput, {.id = "json.type", .where = at("added_tokens"), .what = "has the wrong type", .expected = "a list"});
    for (size_t i = 0; i < list->size(); ++i) {
      const std::string where = at(fmt::format("added_tokens[{}]", i));
      const int64_t id = get_int((*list)[i], "id", -1, where, 0, INT32_MAX - 1);
      if (id < 0) fail(ErrorCode::kInput, {.id = "tokenizer.added_token", .where = where, .what = "an added token has no id"});
      out.emplace_back(static_cast<int32_t>(id), parse_added_token((*list)[i], where));
    }
    return out;
  }

  Vocabulary read_vocabulary() {
    if (!document_) return parse_vocabulary_lines(read_file(folder_ / "vocab.txt", kMaxFile), (folder_ / "vocab.txt").string());
    Json& model = (*document_)["model"];
    const auto vocab = model.find("vocab");
    Vocabulary out = parse_vocabulary(vocab == model.end() ? Json() : *vocab, at("model.vocab"));
    if (vocab != model.end()) model.erase(vocab);
    return out;
  }

  void build_from_arguments(const SpecialTokens& specials) {
    const std::string where = config_path().string();
    Json normalizer = {{"type", "BertNormalizer"}, {"clean_text", true}};
    normalizer["handle_chinese_chars"] = get_bool(parts_.config, "tokenize_chinese_chars", true, where);
    const bool lowercase = get_bool(parts_.config, "do_lower_case", true, where);
    const bool strips = parts_.config.contains("strip_accents") && !parts_.config["strip_accents"].is_null();
    normalizer["strip_accents"] = strips ? Json(get_bool(parts_.config, "strip_accents", lowercase, where)) : Json();
    normalizer["lowercase"] = lowercase;
    auto name = [&](const char* key) {
      const AddedToken* t = specials.find(key);
      if (!t)
        fail(ErrorCode::kInput, {.id = "tokenizer.special_token", .where = where, .what = fmt::format("a BERT tokenizer needs a {}", key)});
      return t->content;
    };
    const Json model = {
        {"type", "WordPiece"}, {"unk_token", name("unk_token")}, {"continuing_subword_prefix", "##"}, {"max_input_chars_per_word", 100}};
    const bool from_lines = !document_;
    parts_.document["normalizer"] = normalizer;
    parts_.document["pre_tokenizer"] = {{"type", "BertPreTokenizer"}};
    parts_.document["decoder"] = {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}};
    parts_.document["model"] = model;
    parts_.normalizer = parse_normalizer(normalizer, where);
    parts_.pre_tokenizer = make_bert_pre_tokenizer();
    parts_.decoder = parse_decoder(parts_.document["decoder"], where);
    parts_.model = parse_model(model, read_vocabulary(), from_lines ? (folder_ / "vocab.txt").string() : at("model"));
    parts_.added.add(specials.in_order(), parts_.model->vocabulary());
    finish_added(specials.by_declared_id);
    parts_.document["post_processor"] = bert_template(name("cls_token"), name("sep_token"));
    parts_.post_processor = parse_post_processor(parts_.document["post_processor"], where);
  }

  int32_t id_of(const std::string& token) const {
    if (const auto id = parts_.added.id(token)) return *id;
    const auto id = parts_.model->vocabulary().id(token);
    require(id.has_value(), "every special token was added");
    return *id;
  }

  Json bert_template(const std::string& cls, const std::string& sep) const {
    auto special = [](const std::string& token, int type) { return Json{{"SpecialToken", {{"id", token}, {"type_id", type}}}}; };
    auto text = [](const char* id, int type) { return Json{{"Sequence", {{"id", id}, {"type_id", type}}}}; };
    Json out = {{"type", "TemplateProcessing"}};
    out["single"] = Json::array({special(cls, 0), text("A", 0), special(sep, 0)});
    out["pair"] = Json::array({special(cls, 0), text("A", 0), special(sep, 0), text("B", 1), special(sep, 1)});
    Json tokens = Json::object();
    for (const std::string& t : {cls, sep}) {
      tokens[t] = {{"id", t}, {"ids", Json::array({id_of(t)})}, {"tokens", Json::array({t})}};
    }
    out["special_tokens"] = std::move(tokens);
    return out;
  }

  void build_from_document(const SpecialTokens& specials, const std::vector<std::pair<int32_t, AddedToken>>& in_document) {
    Vocabulary vocabulary = read_vocabulary();
    for (const char* key : {"normalizer", "pre_tokenizer", "post_processor", "decoder", "model"}) {
      parts_.document[key] = document_->value(key, Json());
    }
    const Json& d = parts_.document;
    parts_.normalizer = parse_normalizer(d["normalizer"], at("normalizer"));
    parts_.pre_tokenizer = parse_pre_tokenizer(d["pre_tokenizer"], at("pre_tokenizer"));
    parts_.post_processor = parse_post_processor(d["post_processor"], at("post_processor"));
    parts_.decoder = parse_decoder(d["decoder"], at("decoder"));
    parts_.model = parse_model(d["model"], std::move(vocabulary), at("model"));
    std::vector<AddedToken> tokens;
    std::map<int32_t, AddedToken> declared = specials.by_declared_id;
    for (const auto& [id, token] : in_document) {
      tokens.push_back(token);
      declared[id] = token;
    }
    parts_.added.add(tokens, parts_.model->vocabulary());
    parts_.added.add(specials.in_order(), parts_.model->vocabulary());
    finish_added(declared);
    check_template_ids();
  }

  void finish_added(const std::map<int32_t, AddedToken>& declared) {
    parts_.added.finish(parts_.normalizer.get(), at("added_tokens"));
    for (const auto& [id, token] : declared) {
      const auto given = parts_.added.id(token.content);
      if (given && *given != id) {
        warning(fmt::format("{}: the token '{}' was expected to have id {} but has {}", folder_.string(), token.content, id, *given));
      }
    }
  }

  void check_template_ids() const {
    for (bool pair : {false, true}) {
      for (const TemplatePiece& piece : parts_.post_processor.pieces(pair)) {
        for (int32_t id : piece.ids) {
          if (parts_.added.token(id) || parts_.model->vocabulary().token(id)) continue;
          fail(ErrorCode::kInput, {.id = "tokenizer.template",
                                   .where = at("post_processor"),
                                   .what = fmt::format("puts in a special token of id {}, which no token has", id)});
        }
      }
    }
  }

  /// The truncation and padding blocks are not obeyed (transformers sets both on every call), but give defaults and must make sense.
  void read_blocks(const SpecialTokens& specials) {
    const Json truncation = document_ ? document_->value("truncation", Json()) : Json();
    if (!truncation.is_null()) {
      const int64_t length = get_int(truncation, "max_length", 512, at("truncation"), 0);
      const int64_t stride = get_int(truncation, "stride", 0, at("truncation"), 0);
      if (stride > 0 && stride >= length - parts_.post_processor.special_count(false)) {
        fail(ErrorCode::kInput, {.id = "tokenizer.stride",
                                 .where = at("truncation.stride"),
                                 .what = "windows cannot overlap by their whole length",
                                 .expected = "less than max_length without the special tokens",
                                 .got = fmt::format("{}", stride)});
      }
      if (get_string(truncation, "direction", "Right", at("truncation")) == "Left") parts_.truncation_side = Side::kLeft;
    }
    const Json padding = document_ ? document_->value("padding", Json()) : Json();
    if (padding.is_null()) return;
    const std::string token = get_string(padding, "pad_token", "", at("padding"));
    if (!specials.find("pad_token") && !token.empty()) {
      parts_.pad_id = parts_.added.id(token);
      if (!parts_.pad_id) parts_.pad_id = parts_.model->vocabulary().id(token);
      if (parts_.pad_id) parts_.config["pad_token"] = token;
    }
    if (!parts_.config.contains("padding_side") && get_string(padding, "direction", "Right", at("padding")) == "Left") {
      parts_.config["padding_side"] = "left";
    }
  }

  void read_settings(const SpecialTokens& specials) {
    const std::string where = config_path().string();
    read_blocks(specials);
    if (const AddedToken* t = specials.find("pad_token")) parts_.pad_id = id_of(t->content);
    if (const AddedToken* t = specials.find("mask_token")) parts_.mask_id = id_of(t->content);
    const char* key = parts_.config.contains("model_max_length") ? "model_max_length" : "max_len";
    const double length = get_number(parts_.config, key, 0, where);
    if (length > 0 && length < kNoLimit) parts_.model_max_length = get_int(parts_.config, key, -1, where, 1);
    const std::string side = get_string(parts_.config, "truncation_side", "", where);
    if (!side.empty() && side != "left" && side != "right") {
      fail(ErrorCode::kInput, {.id = "tokenizer.truncation_side",
                               .where = where + ": truncation_side",
                               .what = "is no side",
                               .expected = "left or right",
                               .got = side});
    }
    if (!side.empty()) parts_.truncation_side = side == "left" ? Side::kLeft : Side::kRight;
    parts_.decoder.clean_text = get_bool(parts_.config, "clean_up_tokenization_spaces", false, where);
    parts_.added.set_split_special(get_bool(parts_.config, "split_special_tokens", false, where));
  }

  /// tokenizer_config.json for saving: what was read, without what only held where it was read, and nothing left to a class default.
  void prepare_config(const SpecialTokens& specials) {
    Json& c = parts_.config;
    for (const char* key : {"name_or_path", "special_tokens_map_file", "tokenizer_file", "added_tokens_decoder", "is_local",
                            "local_files_only", "init_inputs", "max_len", "auto_map"}) {
      c.erase(key);
    }
    for (const auto& [name, token] : specials.named) {
      if (c.contains("extra_special_tokens") && c["extra_special_tokens"].is_object() && c["extra_special_tokens"].contains(name)) continue;
      c[name] = token.content;
    }
    if (!specials.extra.empty()) {
      c.erase("additional_special_tokens");
      c["extra_special_tokens"] = Json::array();
      for (const AddedToken& t : specials.extra) c["extra_special_tokens"].push_back(t.content);
    }
    const Json& normalizer = parts_.document["normalizer"];
    if (normalizer.is_object() && normalizer.value("type", "") == "BertNormalizer") {
      c["do_lower_case"] = normalizer.value("lowercase", Json(true));
      c["strip_accents"] = normalizer.value("strip_accents", Json());
      c["tokenize_chinese_chars"] = normalizer.value("handle_chinese_chars", Json(true));
    }
    const bool backend = tokenizer_class_ == "TokenizersBackend" || tokenizer_class_ == "PreTrainedTokenizerFast";
    c["tokenizer_class"] = bert_     ? (tokenizer_class_.empty() ? "BertTokenizer" : tokenizer_class_)
                           : backend ? tokenizer_class_
                                     : "PreTrainedTokenizerFast";
  }

  fs::path folder_;
  std::optional<Json> document_;
  std::string tokenizer_class_;
  bool bert_ = false;
  TokenizerParts parts_;
};

}  // namespace

std::shared_ptr<const Tokenizer> load_tokenizer(const fs::path& folder) { return Loader(folder).load(); }

}  // namespace attune
