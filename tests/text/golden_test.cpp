// Every variant of tests/golden/text: ids and offsets, the facts of loading, decoding, and the same again after saving.
#include "text/golden_text.h"

namespace attune::testing {
namespace {

class TokenizerGolden : public ::testing::TestWithParam<std::string> {};

void expect_cases(const Tokenizer& tokenizer, const std::string& variant) {
  const auto cases = golden_cases(variant);
  ASSERT_GT(cases.size(), 140u);
  for (const Json& c : cases) {
    const Encoding got = encode_case(tokenizer, c);
    ASSERT_NO_FATAL_FAILURE(expect_encoding(c, got, dump_json(c, {.indent = -1})));
  }
}

void expect_facts(const Tokenizer& tokenizer, const Json& facts) {
  const auto id = [](std::optional<int32_t> v) { return v ? Json(*v) : Json(); };
  EXPECT_EQ(id(tokenizer.pad_id()), facts["pad"]);
  EXPECT_EQ(id(tokenizer.mask_id()), facts["mask"]);
  if (facts.contains("bos")) {
    EXPECT_EQ(id(tokenizer.bos_id()), facts["bos"]);
    EXPECT_EQ(id(tokenizer.eos_id()), facts["eos"]);
  }
  EXPECT_EQ(tokenizer.vocab_size(), facts["size"]);
  EXPECT_EQ(tokenizer.model_max_length(), facts["limit"]);
  EXPECT_EQ(tokenizer.truncation_side() == Side::kLeft ? "left" : "right", facts["side"].get<std::string>());
  EXPECT_EQ(tokenizer.special_count(false), facts["specials"][0]);
  EXPECT_EQ(tokenizer.special_count(true), facts["specials"][1]);
}

void expect_decodings(const Tokenizer& tokenizer, const Json& cases) {
  ASSERT_GT(cases.size(), 10u);
  for (const Json& c : cases) {
    EXPECT_EQ(tokenizer.decode(c["ids"].get<std::vector<int32_t>>(), c["skip"]), c["text"].get<std::string>())
        << dump_json(c["ids"], {.indent = -1});
  }
}

TEST_P(TokenizerGolden, Encodes) { expect_cases(*load_variant(GetParam()), GetParam()); }

TEST_P(TokenizerGolden, HasTheFactsOfLoading) { expect_facts(*load_variant(GetParam()), variant_named(GetParam())["facts"]); }

TEST_P(TokenizerGolden, Decodes) { expect_decodings(*load_variant(GetParam()), decode_cases(GetParam())); }

TEST_P(TokenizerGolden, SavedAndLoadedIsTheSame) {
  const auto first = load_variant(GetParam());
  const auto files = first->files(first->model_max_length(), first->truncation_side());
  TempFolder folder;
  for (const auto& [name, content] : files) put(folder / name, content);
  const auto second = load_tokenizer(folder.path());
  expect_cases(*second, GetParam());
  Json facts = variant_named(GetParam())["facts"];
  expect_facts(*second, facts);
  expect_decodings(*second, decode_cases(GetParam()));
  EXPECT_EQ(second->files(first->model_max_length(), first->truncation_side()), files);  // and stays so

  Json config = read_json(folder / "tokenizer_config.json");
  for (const char* key : {"model_max_length", "truncation_side", "tokenizer_class"}) EXPECT_TRUE(config.contains(key)) << key;
  if (const char* out = std::getenv("ATTUNE_INTEROP_DIR")) {  // tests/interop/check_tokenizer.py loads these with transformers
    for (const auto& [name, content] : files) put(fs::path(out) / GetParam() / name, content);
  }
}

TEST_P(TokenizerGolden, TokensAndIdsAgree) {
  const auto t = load_variant(GetParam());
  for (int32_t id = 0; id < t->vocab_size(); ++id) ASSERT_EQ(t->id(t->token(id)), std::optional<int32_t>(id)) << id;
  EXPECT_EQ(t->token(static_cast<int32_t>(t->vocab_size())), "");
  EXPECT_EQ(t->token(-1), "");
  EXPECT_EQ(t->id("no such token"), std::nullopt);
}

INSTANTIATE_TEST_SUITE_P(Variants, TokenizerGolden, ::testing::ValuesIn(text_variant_names()), [](const auto& p) { return p.param; });

TEST(TokenizerFiles, SaysMaximumLengthAndSideAsAsked) {
  const auto files = load_variant("uncased")->files(64, Side::kLeft);
  TempFolder folder;
  for (const auto& [name, content] : files) put(folder / name, content);
  const auto t = load_tokenizer(folder.path());
  EXPECT_EQ(t->model_max_length(), 64);
  EXPECT_EQ(t->truncation_side(), Side::kLeft);
  const Json config = read_json(folder / "tokenizer_config.json");
  EXPECT_EQ(config["do_lower_case"], true);
  EXPECT_TRUE(config["strip_accents"].is_null());
  EXPECT_EQ(config["tokenize_chinese_chars"], true);
  EXPECT_EQ(config["cls_token"], "[CLS]");
  const Json document = read_json(folder / "tokenizer.json");
  EXPECT_TRUE(document["truncation"].is_null());
  EXPECT_TRUE(document["padding"].is_null());
  EXPECT_EQ(read_file(folder / "vocab.txt"), read_file(text_goldens() / "vocab.txt"));
  EXPECT_NE(load_variant("uncased")->files(-1, Side::kRight)[1].second.find(": 1000000000000000019884624838656"), std::string::npos);
}

TEST(Tokenizer, MarksTruncatedEncodings) {
  const auto t = load_variant("uncased");
  EXPECT_FALSE(t->encode("a b c", std::nullopt, {.max_length = 5}).truncated);
  EXPECT_TRUE(t->encode("a b c", std::nullopt, {.max_length = 4}).truncated);
  EXPECT_TRUE(t->encode("a b c", "d e", {.max_length = 7}).truncated);
  EXPECT_FALSE(t->encode("a b c", std::nullopt, {.max_length = 4, .strategy = TruncationStrategy::kNone}).truncated);
}

TEST(Tokenizer, EncodesTheRealVocabulary) {
  if (!file_exists(model_folder() / "tokenizer.json")) GTEST_SKIP() << "no model in " << model_folder();
  const auto t = load_tokenizer(model_folder());
  EXPECT_EQ(t->vocab_size(), 30522);
  EXPECT_EQ(t->model_max_length(), 512);
  EXPECT_EQ(t->pad_id(), 0);
  EXPECT_EQ(t->mask_id(), 103);
  const Encoding e = t->encode("Unaffable, naïve cafés in 東京 [MASK] tokenization!");
  EXPECT_EQ(e.ids, (std::vector<int32_t>{101, 14477, 20961, 3468, 1010, 15743, 23812, 1999, 1879, 1755, 103, 19204, 3989, 999, 102}));
  EXPECT_EQ(t->decode(e.ids, true), "unaffable, naive cafes in 東 京 tokenization!");
}

}  // namespace
}  // namespace attune::testing
