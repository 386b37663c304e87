// Byte-pair encoding against the plain algorithm, the streaming decoder, and byte-level tokenizers that are refused.
#include <functional>
#include <random>

#include "base/error.h"
#include "base/utf8.h"
#include "text/bpe.h"
#include "text/byte_level.h"
#include "text/golden_text.h"
#include "text/stream_decoder.h"

namespace attune::testing {
namespace {

struct Model {
  Vocabulary vocabulary;
  std::vector<BpeMerge> merges;
  std::vector<std::pair<std::string, std::string>> pairs;  ///< the merges as text
};

/// Letters and random merges over them, in an order that does not follow their lengths.
Model random_model(std::mt19937& rng) {
  Model m;
  std::vector<std::string> tokens{"a", "b", "c", "d"};
  for (int i = 0; i < 40; ++i) {
    const std::string left = tokens[rng() % tokens.size()], right = tokens[rng() % tokens.size()];
    if (left.size() + right.size() > 9) continue;
    if (std::find(tokens.begin(), tokens.end(), left + right) == tokens.end()) tokens.push_back(left + right);
    m.pairs.emplace_back(left, right);
  }
  std::shuffle(m.pairs.begin(), m.pairs.end(), rng);
  int32_t id = 0;
  for (const std::string& t : tokens) m.vocabulary.add(t, id++);
  m.vocabulary.finish();
  for (const auto& [left, right] : m.pairs) m.merges.push_back({*m.vocabulary.id(left), *m.vocabulary.id(right), *m.vocabulary.id(left + right)});
  return m;
}

/// The algorithm as the paper states it: merge the leftmost pair of the lowest rank, again and again.
std::vector<std::string> plain_bpe(const std::vector<std::pair<std::string, std::string>>& merges, const std::string& word) {
  std::map<std::pair<std::string, std::string>, size_t> ranks;
  for (size_t i = 0; i < merges.size(); ++i) ranks[merges[i]] = i;
  std::vector<std::string> parts;
  for (char c : word) parts.emplace_back(1, c);
  for (;;) {
    size_t best = SIZE_MAX, at = 0;
    for (size_t i = 0; i + 1 < parts.size(); ++i) {
      const auto it = ranks.find({parts[i], parts[i + 1]});
      if (it != ranks.end() && it->second < best) {
        best = it->second;
        at = i;
      }
    }
    if (best == SIZE_MAX) return parts;
    parts[at] += parts[at + 1];
    parts.erase(parts.begin() + static_cast<ptrdiff_t>(at) + 1);
  }
}

TEST(Bpe, MergesAsThePlainAlgorithm) {
  std::mt19937 rng(3);
  for (int round = 0; round < 60; ++round) {
    Model m = random_model(rng);
    const auto pairs = m.pairs;
    const auto bpe = make_bpe(std::move(m.vocabulary), m.merges, {});
    for (int i = 0; i < 60; ++i) {
      std::string word(rng() % 40 + 1, '\0');
      for (char& c : word) c = "abcd"[rng() % 4];
      AlignedText text;
      decode_text(word, text);
      std::string scratch;
      std::vector<Piece> pieces;
      bpe->tokenize(text, {0, text.size()}, scratch, pieces);
      std::vector<std::string> got;
      size_t at = 0;
      for (const Piece& p : pieces) {
        got.emplace_back(*bpe->vocabulary().token(p.id));
        EXPECT_EQ(p.span, (Span{at, at + got.back().size()}));
        at += got.back().size();
      }
      ASSERT_EQ(got, plain_bpe(pairs, word)) << word;
    }
  }
}

TEST(Bpe, AMegabyteOfOneLetterIsNoSquare) {
  const auto t = load_variant("gpt2");
  const Encoding e = t->encode(std::string(1'000'000, 'e'));
  EXPECT_EQ(e.offsets.back().second, 1'000'000);
  EXPECT_GT(e.ids.size(), 100'000u);
}

TEST(ByteLevel, EveryByteHasItsCharacter) {
  std::string all;
  for (int b = 0; b < 256; ++b) {
    const char32_t c = byte_character(static_cast<unsigned char>(b));
    EXPECT_EQ(character_byte(c), std::optional<unsigned char>(static_cast<unsigned char>(b)));
    append_character(all, c);
  }
  std::string bytes;
  append_token_bytes(bytes, all);
  ASSERT_EQ(bytes.size(), 256u);
  for (int b = 0; b < 256; ++b) EXPECT_EQ(static_cast<unsigned char>(bytes[static_cast<size_t>(b)]), b);
  EXPECT_EQ(character_byte(U' '), std::nullopt);
  EXPECT_EQ(character_byte(0x144), std::nullopt);
}

class Streaming : public ::testing::TestWithParam<std::string> {};

TEST_P(Streaming, GivesTheSameTextInWholeCharacters) {
  const std::shared_ptr<const Tokenizer> t = load_variant(GetParam());
  const bool cleans = GetParam() == "lower_keep";
  for (const Json& c : decode_cases(GetParam())) {
    StreamDecoder decoder(t, c["skip"]);
    std::string all;
    for (const int32_t id : c["ids"].get<std::vector<int32_t>>()) {
      const std::string piece = decoder.push(id);
      EXPECT_TRUE(is_utf8(piece));
      all += piece;
    }
    all += decoder.finish();
    if (!cleans) {
      EXPECT_EQ(all, c["text"].get<std::string>());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Variants, Streaming, ::testing::ValuesIn(text_variant_names()), [](const auto& p) { return p.param; });

TEST(StreamDecoder, HoldsBackPartsOfCharacters) {
  const std::shared_ptr<const Tokenizer> t = load_variant("gpt2");
  std::vector<int32_t> bytes;  // of a and an emoji, a token each
  for (const unsigned char b : std::string("a\xf0\x9f\x98\x80\xe2\x82")) {
    std::string token;
    append_character(token, byte_character(b));
    bytes.push_back(*t->id(token));
  }
  StreamDecoder decoder(t, false);
  std::vector<std::string> got;
  for (const int32_t id : bytes) got.push_back(decoder.push(id));
  got.push_back(decoder.finish());
  EXPECT_EQ(got, (std::vector<std::string>{"a", "", "", "", "\U0001f600", "", "", "\ufffd"}));
  EXPECT_EQ(decoder.push(bytes[1]), "");
  EXPECT_EQ(decoder.push(bytes[0]), "\ufffd" "a");  // what cannot become a character is not waited for
}

// ---- refusals

struct Refused {
  std::string id, text;
};

Refused changed(const std::string& variant, const std::function<void(Json&)>& change) {
  Json files = variant_named(variant)["files"];
  const std::string model = variant_named(variant)["model"];
  Json& document = files["tokenizer.json"];
  document["model"]["vocab"] = trained_vocabulary(model);
  document["model"]["merges"] = trained_merges(model);
  change(document);
  TempFolder folder;
  put_variant(folder.path(), files, model);
  try {
    load_tokenizer(folder.path());
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kInput) << e.what();
    return {e.info().id, e.what()};
  }
  return {"none", ""};
}

std::string pattern_id(const std::string& pattern) {
  const Refused r = changed("llama3", [&](Json& d) { d["pre_tokenizer"]["pretokenizers"][0]["pattern"] = {{"Regex", pattern}}; });
  if (r.id != "none") {
    EXPECT_NE(r.text.find("pretokenizers[0].pattern.Regex"), std::string::npos) << r.text;
  }
  return r.id;
}

TEST(BpeRefusals, PatternsThatMeanSomethingElseToPcre2) {
  EXPECT_EQ(pattern_id(R"(\p{L}+|[^\s\p{L}]|(?i:'s)|(?<!a)b++|[\p{Lu}\-\]])"), "none");
  for (const char* bad : {R"(\w+)", R"(\bword)", R"(\p{Han}+)", R"([a[bc]])", R"([a-z&&[^b]])", R"([[:alpha:]]+)", R"((?m).*)", R"(\p{N}{1,3}+)", R"(\h)", R"(\x{41})", R"(a\)",
                          R"((a)", R"(*)", R"([b-a])", R"(\p{L)"})
    EXPECT_EQ(pattern_id(bad), "tokenizer.pattern") << bad;
  EXPECT_EQ(changed("llama3", [](Json& d) { d["pre_tokenizer"]["pretokenizers"][0]["pattern"] = 4; }).id, "tokenizer.split");
  EXPECT_EQ(changed("llama3", [](Json& d) { d["pre_tokenizer"]["pretokenizers"][0]["behavior"] = "Isolate"; }).id, "tokenizer.split");
}

TEST(BpeRefusals, APatternThatNeverEnds) {
  Json files = variant_named("llama3")["files"];
  files["tokenizer.json"]["pre_tokenizer"]["pretokenizers"][0]["pattern"] = {{"Regex", "(?:a|aa)+[0-9]"}};
  TempFolder folder;
  put_variant(folder.path(), files, "llama3");
  const auto t = load_tokenizer(folder.path());
  try {
    t->encode(std::string(60, 'a'));
    ADD_FAILURE() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.info().id, "tokenizer.pattern_limit") << e.what();
  }
}

TEST(BpeRefusals, Merges) {
  EXPECT_EQ(changed("llama3", [](Json&) {}).id, "none");
  for (const Json& bad : {Json("a"), Json("a b c"), Json(3), Json::array({"a"}), Json::array({"a", 1}), Json("a \u4e2d"), Json("\u4e2d a"), Json("z q")})
    EXPECT_EQ(changed("llama3", [&](Json& d) { d["model"]["merges"].push_back(bad); }).id, "tokenizer.merges") << bad.dump();
  EXPECT_EQ(changed("llama3", [](Json& d) { d["model"]["merges"] = nullptr; }).id, "json.type");
  EXPECT_EQ(changed("llama3", [](Json& d) { d["model"]["merges"].push_back("#version: 0.2"); }).id, "none");
  const Refused r = changed("llama3", [](Json& d) { d["model"]["merges"][7] = "z q"; });
  EXPECT_NE(r.text.find("model.merges[7]"), std::string::npos) << r.text;
}

TEST(BpeRefusals, WhatTheModelCannotDo) {
  EXPECT_EQ(changed("llama3", [](Json& d) { d["model"]["dropout"] = 0.1; }).id, "tokenizer.dropout");
  EXPECT_EQ(changed("llama3", [](Json& d) { d["model"]["dropout"] = 0.0; }).id, "none");
  EXPECT_EQ(changed("llama3", [](Json& d) { d["model"]["unk_token"] = "<none>"; }).id, "tokenizer.unk");
  EXPECT_EQ(changed("llama3", [](Json& d) { d["post_processor"]["processors"].push_back(d["post_processor"]["processors"][1]); }).id, "tokenizer.unsupported");
  EXPECT_EQ(changed("llama3", [](Json& d) { d["decoder"] = {{"type", "Sequence"}, {"decoders", Json::array()}}; }).id, "tokenizer.unsupported");
  EXPECT_EQ(changed("gpt2_prefix", [](Json& d) { d["model"] = {{"type", "WordPiece"}, {"unk_token", "a"}, {"vocab", {{"a", 0}}}}; }).id, "tokenizer.class");
}

TEST(BpeRefusals, Folders) {
  Json files = variant_named("gpt2")["files"];
  files.erase("merges.txt");
  TempFolder folder;
  put_variant(folder.path(), files, "gpt2");
  const auto id = [&] {
    try {
      load_tokenizer(folder.path());
    } catch (const Error& e) {
      return e.info().id + ": " + e.what();
    }
    return std::string("none");
  };
  EXPECT_NE(id().find("tokenizer.missing"), std::string::npos);
  EXPECT_NE(id().find("merges.txt"), std::string::npos);
  put(folder / "merges.txt", "#version: 0.2\nt h\nth\n");
  EXPECT_NE(id().find("merges.txt:3"), std::string::npos) << id();
  put(folder / "merges.txt", "#version: 0.2\r\nt h\r\n");
  EXPECT_EQ(id(), "none");
  fs::remove(folder / "tokenizer_config.json");
  fs::remove(folder / "config.json");
  EXPECT_NE(id().find("tokenizer_class"), std::string::npos) << id();
}

TEST(BpeRefusals, DamagedFilesEndInAnError) {
  Json document = variant_named("roberta_file")["files"]["tokenizer.json"];
  document["added_tokens"] = Json::array();
  document["post_processor"] = {{"type", "RobertaProcessing"}, {"sep", {"b", 1}}, {"cls", {"a", 0}}};
  document["model"]["vocab"] = {{"a", 0}, {"b", 1}, {"ab", 2}, {"\u0120", 3}};
  document["model"]["merges"] = {"a b"};
  document["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", {{{"type", "Split"}, {"pattern", {{"Regex", "\\p{L}+|(?i:'s)"}}}, {"behavior", "Isolated"}, {"invert", false}}, document["pre_tokenizer"]}}};
  const std::string whole = dump_json(document, {.compact = true});
  TempFolder folder;
  auto load = [&](const std::string& bytes) {
    put(folder / "tokenizer.json", bytes);
    try {
      load_tokenizer(folder.path())->encode("ab a's b", "x  y", {.max_length = 9});
      return true;
    } catch (const Error&) {
      return false;
    }
  };
  EXPECT_TRUE(load(whole));
  for (size_t n = 0; n < whole.size(); n += 7) EXPECT_FALSE(load(whole.substr(0, n))) << n;
  std::mt19937 rng(12);
  for (int i = 0; i < 2000; ++i) {
    std::string bytes = whole;
    for (unsigned k = rng() % 3 + 1; k > 0; --k) bytes[rng() % bytes.size()] = "0123456789\"{}[]:,-.eE nulltruefalse\\\xff()+*?"[rng() % 42];
    load(bytes);
  }
}

}  // namespace
}  // namespace attune::testing
