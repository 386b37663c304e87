// A model folder to a tokenizer. Two ways, as transformers has them: some classes take the vocabulary and the added tokens from the files and
// build the rest from tokenizer_config.json (text/tokenizer_class.h); any other class takes tokenizer.json as it is.
#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "text/components.h"
#include "text/special_tokens.h"
#include "text/tokenizer_class.h"
#include "text/tokenizer_parts.h"

namespace attune {
namespace {

constexpr const char *kTokenizerJson = "tokenizer.json", *kTokenizerConfig = "tokenizer_config.json";
constexpr uint64_t kMaxFile = uint64_t{256} << 20;
constexpr double kNoLimit = 1e18;  // larger maximum lengths mean "no limit"

std::optional<Json> read_object(const TextFiles& files, const std::string& name) {
  if (!files.contains(name)) return std::nullopt;
  Json json = files.json(name, {.max_bytes = kMaxFile});
  if (!json.is_object()) {
    fail(ErrorCode::kInput,
         {.id = "json.type", .where = files.where(name), .what = "has the wrong type", .expected = "an object", .got = json.type_name()});
  }
  return json;
}

class Loader {
 public:
  explicit Loader(TextFiles files) : files_(std::move(files)) {}

  std::shared_ptr<const Tokenizer> load() {
    const auto model_config = read_object(files_, "config.json");
    parts_.config = read_object(files_, kTokenizerConfig).value_or(Json::object());
    document_ = read_object(files_, kTokenizerJson);
    tokenizer_class_ = get_string(parts_.config, "tokenizer_class", "", files_.where(kTokenizerConfig));
    std::string model_type;
    if (model_config) {
      model_type = get_string(*model_config, "model_type", "", files_.where("config.json"));
      if (tokenizer_class_.empty()) tokenizer_class_ = get_string(*model_config, "tokenizer_class", "", files_.where("config.json"));
    }
    class_ = tokenizer_class_of(tokenizer_class_, model_type, !document_ && files_.contains("vocab.txt"));
    require_files();
    if (document_) check_document();

    std::vector<std::pair<int32_t, AddedToken>> in_document = read_added_tokens();
    const SpecialTokens specials = read_special_tokens({.config = parts_.config,
                                                        .config_where = files_.where(kTokenizerConfig),
                                                        .map = read_object(files_, "special_tokens_map.json"),
                                                        .map_where = files_.where("special_tokens_map.json"),
                                                        .added = read_object(files_, "added_tokens.json"),
                                                        .added_where = files_.where("added_tokens.json"),
                                                        .in_document = in_document,
                                                        .defaults = default_special_tokens(class_)});
    if (class_ == TokenizerClass::kDocument) {
      build_from_document(specials, in_document);
    } else {
      build_from_arguments(specials);
    }
    read_settings(specials);
    prepare_config(specials);
    if (files_.contains("chat_template.jinja")) parts_.chat_template_file = files_.read("chat_template.jinja", kMaxFile);
    return make_tokenizer(std::move(parts_));
  }

 private:
  std::string at(const std::string& path) const { return files_.where(kTokenizerJson) + ": " + path; }
  bool byte_level() const { return class_ == TokenizerClass::kGpt2 || class_ == TokenizerClass::kRoberta; }

  void require_files() const {
    if (document_) return;
    std::vector<std::string> other;
    if (class_ == TokenizerClass::kBert) other = {"vocab.txt"};
    if (byte_level()) other = {"vocab.json", "merges.txt"};
    const bool there = !other.empty() && std::all_of(other.begin(), other.end(), [&](const std::string& f) { return files_.contains(f); });
    if (there) return;
    std::string expected = "tokenizer.json";
    if (!other.empty()) expected += " or " + other[0] + (other.size() > 1 ? " with " + other[1] : "");
    const bool unnamed = class_ == TokenizerClass::kDocument && files_.contains("vocab.json") && tokenizer_class_.empty();
    fail(ErrorCode::kInput,
         {.id = "tokenizer.missing",
          .where = files_.place().string(),
          .what = "there is no tokenizer this program can read",
          .expected = expected,
          .hint = unnamed ? "vocab.json is read when tokenizer_config.json names its tokenizer_class (GPT2Tokenizer or RobertaTokenizer)"
                          : "save the tokenizer with transformers' save_pretrained into this folder"});
  }

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
    if (!document_ && class_ == TokenizerClass::kBert)
      return parse_vocabulary_lines(files_.read("vocab.txt", kMaxFile), files_.where("vocab.txt"));
    if (!document_) return parse_vocabulary(files_.json("vocab.json", {.max_bytes = kMaxFile}), files_.where("vocab.json"));
    Json& model = (*document_)["model"];
    const auto vocab = model.find("vocab");
    Vocabulary out = parse_vocabulary(vocab == model.end() ? Json() : *vocab, at("model.vocab"));
    if (vocab != model.end()) model.erase(vocab);
    return out;
  }

  /// Of a BPE model, `model` being its description without vocabulary and merges.
  std::vector<BpeMerge> read_merges(const Json& model, const Vocabulary& vocabulary) {
    const std::string prefix = get_string(model, "continuing_subword_prefix", "", at("model"));
    if (!document_) return parse_merge_lines(files_.read("merges.txt", kMaxFile), vocabulary, prefix.size(), files_.where("merges.txt"));
    Json& in_document = (*document_)["model"];
    const auto merges = in_document.find("merges");
    std::vector<BpeMerge> out = parse_merges(merges == in_document.end() ? Json() : *merges, vocabulary, prefix.size(), at("model.merges"));
    if (merges != in_document.end()) in_document.erase(merges);
    return out;
  }

  std::unique_ptr<TokenModel> read_model(const Json& model, const std::string& where) {
    Vocabulary vocabulary = read_vocabulary();
    if (model_type_of(document_ ? (*document_)["model"] : model, where) != "BPE") return parse_model(model, std::move(vocabulary), where);
    const std::vector<BpeMerge> merges = read_merges(model, vocabulary);
    return parse_bpe(model, std::move(vocabulary), merges, where);
  }

  void build_from_arguments(const SpecialTokens& specials) {
    const std::string where = files_.where(kTokenizerConfig);
    const auto name = [&](const char* key) {
      const AddedToken* t = specials.find(key);
      if (!t)
        fail(ErrorCode::kInput, {.id = "tokenizer.special_token", .where = where, .what = fmt::format("a {} needs a {}", class_name(class_), key)});
      return t->content;
    };
    warn_of_unused_pre_tokenizer();
    parts_.document = class_parts(class_, parts_.config, name, where);
    const Json& d = parts_.document;
    require_model_type(d["model"]["type"].get<std::string>());
    parts_.normalizer = parse_normalizer(d["normalizer"], where);
    parts_.pre_tokenizer = parse_pre_tokenizer(d["pre_tokenizer"], where);
    parts_.decoder = parse_decoder(d["decoder"], where);
    parts_.model = read_model(d["model"], document_ ? at("model") : files_.where(byte_level() ? "vocab.json" : "vocab.txt"));
    parts_.added.add(specials.in_order(), parts_.model->vocabulary());
    finish_added(specials.by_declared_id);
    // GPT-2's class alone keeps the file's post-processor.
    const Json in_file = document_ && class_ == TokenizerClass::kGpt2 ? document_->value("post_processor", Json()) : Json();
    Json arguments = parts_.config;
    if (document_ && class_ == TokenizerClass::kGpt2) {  // transformers forgets these two where there is a tokenizer.json
      arguments.erase("add_bos_token");
      arguments.erase("add_eos_token");
    }
    const auto id = [&](const std::string& token) { return id_of(token); };
    parts_.document["post_processor"] = in_file.is_null() ? class_post_processor(class_, arguments, name, id, where) : in_file;
    parts_.post_processor = parse_post_processor(parts_.document["post_processor"], in_file.is_null() ? where : at("post_processor"));
    check_template_ids();
  }

  /// SmolLM2's published folder, for one, names GPT2Tokenizer and cuts digits apart in tokenizer.json, which transformers 5 does not do then.
  void warn_of_unused_pre_tokenizer() const {
    if (!document_ || !byte_level()) return;
    const auto pre = document_->find("pre_tokenizer");
    if (pre == document_->end() || !pre->is_object() || !pre->contains("type") || (*pre)["type"] == "ByteLevel") return;
    warning(fmt::format("{}: the pre_tokenizer of tokenizer.json is not used, since the class {} builds its own (as transformers 5 does); \"tokenizer_class\": "
                        "\"PreTrainedTokenizerFast\" in tokenizer_config.json would use it",
                        files_.place().string(), class_name(class_)));
  }

  void require_model_type(const std::string& type) const {
    if (!document_) return;
    const std::string got = model_type_of((*document_)["model"], at("model"));
    if (got == type) return;
    fail(ErrorCode::kInput, {.id = "tokenizer.class",
                             .where = at("model.type"),
                             .what = fmt::format("is not what a {} is made of", class_name(class_)),
                             .expected = type,
                             .got = got,
                             .hint = "name the right tokenizer_class in tokenizer_config.json, or \"PreTrainedTokenizerFast\" to take the file as it is"});
  }

  int32_t id_of(const std::string& token) const {
    if (const auto id = parts_.added.id(token)) return *id;
    const auto id = parts_.model->vocabulary().id(token);
    require(id.has_value(), "every special token was added");
    return *id;
  }

  void build_from_document(const SpecialTokens& specials, const std::vector<std::pair<int32_t, AddedToken>>& in_document) {
    parts_.document["model"] = model_without_lists();
    parts_.model = read_model(parts_.document["model"], at("model"));
    for (const char* key : {"normalizer", "pre_tokenizer", "post_processor", "decoder"}) {
      parts_.document[key] = document_->value(key, Json());
    }
    const Json& d = parts_.document;
    parts_.normalizer = parse_normalizer(d["normalizer"], at("normalizer"));
    parts_.pre_tokenizer = parse_pre_tokenizer(d["pre_tokenizer"], at("pre_tokenizer"));
    parts_.post_processor = parse_post_processor(d["post_processor"], at("post_processor"));
    parts_.decoder = parse_decoder(d["decoder"], at("decoder"));
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

  /// The model's description without its two long lists.
  Json model_without_lists() const {
    Json out = {{"type", model_type_of((*document_)["model"], at("model"))}};
    for (const auto& [key, value] : (*document_)["model"].get_ref<const Json::object_t&>()) {
      if (key != "vocab" && key != "merges") out[key] = value;
    }
    return out;
  }

  void finish_added(const std::map<int32_t, AddedToken>& declared) {
    parts_.added.finish(parts_.normalizer.get(), at("added_tokens"));
    for (const auto& [id, token] : declared) {
      const auto given = parts_.added.id(token.content);
      if (given && *given != id) {
        warning(fmt::format("{}: the token '{}' was expected to have id {} but has {}", files_.place().string(), token.content, id, *given));
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
    const std::string where = files_.where(kTokenizerConfig);
    read_blocks(specials);
    if (const AddedToken* t = specials.find("pad_token")) parts_.pad_id = id_of(t->content);
    if (const AddedToken* t = specials.find("mask_token")) parts_.mask_id = id_of(t->content);
    if (const AddedToken* t = specials.find("bos_token")) parts_.bos_id = id_of(t->content);
    if (const AddedToken* t = specials.find("eos_token")) parts_.eos_id = id_of(t->content);
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
    // transformers leaves the text of BPE tokenizers alone unless the second name insists.
    const bool bpe = parts_.document["model"].value("type", "") == "BPE";
    const bool insists = get_bool(parts_.config, "clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output", false, where);
    parts_.decoder.clean_text = get_bool(parts_.config, "clean_up_tokenization_spaces", false, where) && (!bpe || insists);
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
    write_class_arguments(class_, parts_.document, c);
    const bool backend = tokenizer_class_ == "TokenizersBackend" || tokenizer_class_ == "PreTrainedTokenizerFast";
    const std::string own = tokenizer_class_.empty() ? class_name(class_) : tokenizer_class_;
    c["tokenizer_class"] = class_ != TokenizerClass::kDocument || backend ? own : "PreTrainedTokenizerFast";
  }

  TextFiles files_;
  std::optional<Json> document_;
  std::string tokenizer_class_;
  TokenizerClass class_ = TokenizerClass::kDocument;
  TokenizerParts parts_;
};

}  // namespace

bool has_tokenizer(const TextFiles& files) {
  return files.contains(kTokenizerJson) || files.contains("vocab.txt") || (files.contains("vocab.json") && files.contains("merges.txt"));
}

std::shared_ptr<const Tokenizer> load_tokenizer(const TextFiles& files) { return Loader(files).load(); }

}  // namespace attune
