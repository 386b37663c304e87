// Saving: tokenizer.json with the parts that take effect, so that bare `tokenizers`, transformers and this program agree on it, and the
// keyword arguments a class would otherwise take from its defaults (docs/formats, tokenizer_config.json).
#include "base/error.h"
#include "text/components.h"
#include "text/tokenizer_parts.h"
#include "text/unicode.h"

namespace attune {
namespace {

constexpr const char* kNoLimit = "1000000000000000019884624838656";  // Python's int(1e30), the "no limit" marker

Json added_tokens_json(const AddedVocabulary& added) {
  Json out = Json::array();
  for (const auto& [id, token] : added.by_id()) {
    Json entry = Json::object();
    entry["id"] = id;
    const Json body = added_token_json(token);
    for (const auto& [key, value] : body.get_ref<const Json::object_t&>()) entry[key] = value;
    out.push_back(std::move(entry));
  }
  return out;
}

Json document(const TokenizerParts& parts) {
  Json out = Json::object();
  out["version"] = "1.0";
  out["truncation"] = nullptr;
  out["padding"] = nullptr;
  out["added_tokens"] = added_tokens_json(parts.added);
  for (const char* key : {"normalizer", "pre_tokenizer", "post_processor", "decoder"}) out[key] = parts.document.value(key, Json());
  Json model = parts.document.value("model", Json::object());
  const Vocabulary& vocabulary = parts.model->vocabulary();
  Json words = Json::object();
  auto& members = words.get_ref<Json::object_t&>();
  members.reserve(vocabulary.size());
  using Members = Json::object_t::Container;  // appended directly: ordered_json's own insertion looks every key up
  for (size_t rank = 0; rank < vocabulary.size(); ++rank) {
    const size_t entry = vocabulary.order(rank);
    static_cast<Members&>(members).emplace_back(std::string(vocabulary.text(entry)), Json(vocabulary.id_of(entry)));
  }
  model["vocab"] = std::move(words);
  if (model.value("type", "") == "BPE") {
    Json merges = Json::array();
    auto& list = merges.get_ref<Json::array_t&>();
    for (const auto& [left, right] : parts.model->merges()) {
      list.push_back(Json::array({std::string(vocabulary.token(left).value_or("")), std::string(vocabulary.token(right).value_or(""))}));
    }
    model["merges"] = std::move(merges);
  }
  out["model"] = std::move(model);
  return out;
}

/// A WordPiece vocabulary as lines, or nothing when lines cannot say it: holes in the ids, line breaks or trailing white space in a token.
std::string vocabulary_lines(const Vocabulary& vocabulary) {
  std::string out;
  const uint16_t* flags = unicode::flags();
  for (size_t rank = 0; rank < vocabulary.size(); ++rank) {
    const size_t entry = vocabulary.order(rank);
    if (vocabulary.id_of(entry) != static_cast<int32_t>(rank)) return "";
    const std::string_view token = vocabulary.text(entry);
    const std::u32string chars = to_code_points(token);
    if (!chars.empty() && flags[chars.back()] & unicode::kSpace) return "";
    if (token.find_first_of("\r\n") != std::string_view::npos) return "";
    out.append(token).push_back('\n');
  }
  return out;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> tokenizer_files(const TokenizerParts& parts, int64_t model_max_length,
                                                                 Side truncation_side) {
  Json config = parts.config;
  config["model_max_length"] = model_max_length > 0 ? model_max_length : -1;
  config["truncation_side"] = truncation_side == Side::kLeft ? "left" : "right";
  std::string config_text = dump_json(config, {.indent = 2, .sort_keys = true, .ascii = false}) + "\n";
  if (model_max_length <= 0) {
    const std::string marker = "\n  \"model_max_length\": -1";  // at the top level
    const size_t at = config_text.find(marker);
    require(at != std::string::npos, "model_max_length was just written");
    config_text.replace(at + marker.size() - 2, 2, kNoLimit);
  }
  std::vector<std::pair<std::string, std::string>> out;
  out.emplace_back("tokenizer.json", dump_json(document(parts), {.indent = 2, .sort_keys = false, .ascii = false}));
  out.emplace_back("tokenizer_config.json", std::move(config_text));
  const bool wordpiece = parts.document["model"].value("type", "") == "WordPiece";
  if (std::string lines = wordpiece ? vocabulary_lines(parts.model->vocabulary()) : ""; !lines.empty()) out.emplace_back("vocab.txt", std::move(lines));
  if (parts.chat_template_file) out.emplace_back("chat_template.jinja", *parts.chat_template_file);
  return out;
}

}  // namespace attune
