// The variants of tests/golden/text and tests/golden/bpe as folders on the disk (tools/make_tokenizer_goldens.py and tools/goldens/bpe_tokenizers.py
// say what they are).
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/temp_folder.h"
#include "text/tokenizer.h"

namespace attune::testing {

inline fs::path text_goldens() { return fs::path(ATTUNE_SOURCE_DIR) / "tests/golden/text"; }

inline fs::path bpe_goldens() { return fs::path(ATTUNE_SOURCE_DIR) / "tests/golden/bpe"; }

inline const Json& text_variants() {
  static const Json variants = read_json(text_goldens() / "variants.json");
  return variants;
}

inline const Json& bpe_variants() {
  static const Json variants = read_json(bpe_goldens() / "variants.json");
  return variants;
}

/// The folder of goldens that has a variant, and the variant's files and facts.
inline fs::path goldens_of(const std::string& variant) { return bpe_variants().contains(variant) ? bpe_goldens() : text_goldens(); }
inline const Json& variant_named(const std::string& name) { return bpe_variants().contains(name) ? bpe_variants()[name] : text_variants()[name]; }

inline std::vector<std::string> text_variant_names() {
  std::vector<std::string> out;
  for (const auto& [name, body] : text_variants().get_ref<const Json::object_t&>()) out.push_back(name);
  for (const auto& [name, body] : bpe_variants().get_ref<const Json::object_t&>()) out.push_back(name);
  return out;
}

inline Json golden_vocabulary() {
  static const Json vocabulary = [] {
    Json out = Json::object();
    int id = 0;
    for_each_line(text_goldens() / "vocab.txt", [&](std::string_view line, uint64_t) {
      out[std::string(line)] = id++;
      return true;
    });
    return out;
  }();
  return vocabulary;
}

/// {token: id, ...} and the merges of a trained model.
inline Json trained_vocabulary(const std::string& model) {
  static const Json models = read_json(bpe_goldens() / "models.json");
  Json out = Json::object();
  int id = 0;
  for (const Json& token : models[model]["tokens"]) out[token.get<std::string>()] = id++;
  return out;
}
inline Json trained_merges(const std::string& model) {
  static const Json models = read_json(bpe_goldens() / "models.json");
  return models[model]["merges"];
}

inline std::string merge_lines(const Json& merges) {
  std::string out = "#version: 0.2\n";
  for (const Json& m : merges) out += m.get<std::string>() + "\n";
  return out;
}

/// Writes the model folder of a variant (an object of file name to content); `model`: whose vocabulary and merges go in, of BPE.
inline void put_variant(const fs::path& folder, const Json& files, const std::string& model = "") {
  for (const auto& [name, content] : files.get_ref<const Json::object_t&>()) {
    if (name == "vocab.txt") {
      put(folder / name, read_file(text_goldens() / "vocab.txt"));
      continue;
    }
    if (name == "vocab.json") {
      put(folder / name, dump_json(trained_vocabulary(model)));
      continue;
    }
    if (name == "merges.txt") {
      put(folder / name, merge_lines(trained_merges(model)));
      continue;
    }
    if (name == "chat_template.jinja") {
      put(folder / name, "{{ messages }}");
      continue;
    }
    Json json = content;
    if (name == "tokenizer.json" && json.is_object() && json.contains("model") && json["model"].is_object() &&
        !json["model"].contains("vocab"))
      json["model"]["vocab"] = model.empty() ? golden_vocabulary() : trained_vocabulary(model);
    if (name == "tokenizer.json" && !model.empty() && !json["model"].contains("merges")) json["model"]["merges"] = trained_merges(model);
    put(folder / name, dump_json(json));
  }
}

inline std::shared_ptr<const Tokenizer> load_variant(const std::string& name) {
  TempFolder folder;
  const Json& variant = variant_named(name);
  put_variant(folder.path(), variant["files"], variant.value("model", ""));
  return load_tokenizer(folder.path());
}

inline Json read_golden(const std::string& name) { return read_json(text_goldens() / name); }
inline Json decode_cases(const std::string& variant) { return read_json(goldens_of(variant) / "decode.json")[variant]; }

inline std::vector<Json> golden_cases(const std::string& variant) {
  std::vector<Json> out;
  for_each_line(goldens_of(variant) / (variant + ".jsonl"), [&](std::string_view line, uint64_t) {
    out.push_back(parse_json(line, variant));
    return true;
  });
  return out;
}

inline Encoding encode_case(const Tokenizer& tokenizer, const Json& c) {
  EncodeOptions o;
  o.max_length = c.value("max_length", int64_t{-1});
  o.stride = c.value("stride", int64_t{0});
  o.truncation_side = c.value("side", "right") == "left" ? Side::kLeft : Side::kRight;
  const std::string strategy = c.value("strategy", "longest_first");
  o.strategy = strategy == "only_first"    ? TruncationStrategy::kOnlyFirst
               : strategy == "only_second" ? TruncationStrategy::kOnlySecond
                                           : TruncationStrategy::kLongestFirst;
  o.special_tokens = c.value("special_tokens", true);
  o.return_overflow = c.contains("overflow");
  const std::string text = c["text"], pair = c.value("pair", "");
  return tokenizer.encode(text, c.contains("pair") ? std::optional<std::string_view>(pair) : std::nullopt, o);
}

inline Json to_json(const Encoding& e) {
  Json out = Json::object();
  std::vector<int32_t> offsets;
  for (const auto& [begin, end] : e.offsets) {
    offsets.push_back(begin);
    offsets.push_back(end);
  }
  out["ids"] = e.ids;
  out["offsets"] = offsets;
  out["types"] = e.type_ids;
  out["special"] = std::vector<int>(e.special.begin(), e.special.end());
  out["sequence"] = std::vector<int>(e.sequence.begin(), e.sequence.end());
  out["words"] = e.word_ids;
  return out;
}

/// Compares every field; `context` names the case.
inline void expect_encoding(const Json& expected, const Encoding& got, const std::string& context) {
  const Json mine = to_json(got);
  for (const char* key : {"ids", "offsets", "types", "special", "sequence", "words"}) {
    ASSERT_EQ(dump_json(mine[key], {.compact = true}), dump_json(expected[key], {.compact = true})) << key << " of " << context;
  }
  if (!expected.contains("overflow") || !expected["overflow"].is_array()) return;
  ASSERT_EQ(got.overflow.size(), expected["overflow"].size()) << context;
  for (size_t i = 0; i < got.overflow.size(); ++i)
    expect_encoding(expected["overflow"][i], got.overflow[i], context + " overflow " + std::to_string(i));
}

inline fs::path model_folder() {
  const char* given = std::getenv("ATTUNE_MODEL_DIR");
  return given ? fs::path(given) : fs::path(ATTUNE_SOURCE_DIR) / "models/all-MiniLM-L6-v2";
}

}  // namespace attune::testing
