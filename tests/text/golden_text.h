// The variants of tests/golden/text as folders on the disk (tools/make_tokenizer_goldens.py says what they are).
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

inline const Json& text_variants() {
  static const Json variants = read_json(text_goldens() / "variants.json");
  return variants;
}

inline std::vector<std::string> text_variant_names() {
  std::vector<std::string> out;
  for (const auto& [name, body] : text_variants().get_ref<const Json::object_t&>()) out.push_back(name);
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

/// Writes the model folder of a variant (an object of file name to content).
inline void put_variant(const fs::path& folder, const Json& files) {
  for (const auto& [name, content] : files.get_ref<const Json::object_t&>()) {
    if (name == "vocab.txt") {
      put(folder / name, read_file(text_goldens() / "vocab.txt"));
      continue;
    }
    Json json = content;
    if (name == "tokenizer.json" && json.is_object() && json.contains("model") && json["model"].is_object() &&
        !json["model"].contains("vocab"))
      json["model"]["vocab"] = golden_vocabulary();
    put(folder / name, dump_json(json));
  }
}

inline std::shared_ptr<const Tokenizer> load_variant(const std::string& name) {
  TempFolder folder;
  put_variant(folder.path(), text_variants()[name]["files"]);
  return load_tokenizer(folder.path());
}

inline Json read_golden(const std::string& name) { return read_json(text_goldens() / name); }

inline std::vector<Json> golden_cases(const std::string& variant) {
  std::vector<Json> out;
  for_each_line(text_goldens() / (variant + ".jsonl"), [&](std::string_view line, uint64_t) {
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
