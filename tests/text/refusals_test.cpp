// Crafted and damaged model folders: each ends in an Error that names the file and the JSON path.
#include <functional>
#include <random>

#include "base/error.h"
#include "text/golden_text.h"

namespace attune::testing {
namespace {

struct Refused {
  std::string id, where, text;
};

Refused refused(const Json& files) {
  TempFolder folder;
  put_variant(folder.path(), files);
  try {
    load_tokenizer(folder.path());
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kInput) << e.what();
    return {e.info().id, e.info().where, e.what()};
  }
  return {"none", "", ""};
}

/// A generic tokenizer.json with a small vocabulary, changed by `change`.
Refused changed(const std::function<void(Json&)>& change, const Json& config = Json::object()) {
  Json document = text_variants()["added"]["files"]["tokenizer.json"];
  document["added_tokens"] = Json::array();
  document["model"]["vocab"] = {{"[PAD]", 0}, {"[UNK]", 1}, {"[CLS]", 2}, {"[SEP]", 3}, {"a", 4}, {"##b", 5}};
  change(document);
  return refused({{"tokenizer.json", document}, {"tokenizer_config.json", config}});
}

#define EXPECT_REFUSED(expected_id, expected_path, ...)                                   \
  do {                                                                                    \
    const Refused r = __VA_ARGS__;                                                        \
    EXPECT_EQ(r.id, expected_id) << r.text;                                               \
    EXPECT_NE((r.where + " " + r.text).find(expected_path), std::string::npos) << r.text; \
  } while (false)

TEST(TokenizerRefusals, TheUnchangedFileLoads) {
  EXPECT_EQ(changed([](Json&) {}).id, "none");
}

TEST(TokenizerRefusals, NamesWhatIsNotSupported) {
  EXPECT_REFUSED("tokenizer.unsupported", "model.type", changed([](Json& d) { d["model"]["type"] = "Unigram"; }));
  EXPECT_REFUSED("tokenizer.unsupported", "Unigram", changed([](Json& d) { d["model"]["type"] = "Unigram"; }));
  EXPECT_REFUSED("tokenizer.unsupported", "normalizer.type", changed([](Json& d) { d["normalizer"]["type"] = "Nmt"; }));
  EXPECT_REFUSED("tokenizer.unsupported", "normalizer.normalizers[1].type", changed([](Json& d) {
                   d["normalizer"] = {{"type", "Sequence"}, {"normalizers", {{{"type", "NFD"}}, {{"type", "Precompiled"}}}}};
                 }));
  EXPECT_REFUSED("tokenizer.unsupported", "pre_tokenizer.type", changed([](Json& d) { d["pre_tokenizer"]["type"] = "Metaspace"; }));
  EXPECT_REFUSED("tokenizer.unsupported", "post_processor.type", changed([](Json& d) { d["post_processor"]["type"] = "Other"; }));
  EXPECT_REFUSED("tokenizer.unsupported", "decoder.type", changed([](Json& d) { d["decoder"]["type"] = "CTC"; }));
  EXPECT_REFUSED("tokenizer.unsupported", "normalizer.type", changed([](Json& d) { d["normalizer"] = Json::object(); }));
  EXPECT_REFUSED("tokenizer.unsupported", "BertNormalizer",
                 changed([](Json& d) { d["normalizer"]["type"] = "Nmt"; }));  // the supported list
}

TEST(TokenizerRefusals, Vocabulary) {
  EXPECT_REFUSED("tokenizer.vocab", "model.vocab", changed([](Json& d) { d["model"]["vocab"] = Json::object(); }));
  EXPECT_REFUSED("tokenizer.vocab", "model.vocab", changed([](Json& d) { d["model"]["vocab"]["c"] = 4; }));
  for (const Json& bad :
       {Json(-1), Json(2147483648u), Json(18446744073709551615u), Json(1e300), Json(1.5), Json("3"), Json(), Json::array()}) {
    EXPECT_REFUSED("tokenizer.vocab", "model.vocab[\"c\"]", changed([&](Json& d) { d["model"]["vocab"]["c"] = bad; }));
  }
  EXPECT_REFUSED("tokenizer.unk", "model.unk_token", changed([](Json& d) { d["model"]["vocab"].erase("[UNK]"); }));
  EXPECT_REFUSED("tokenizer.unk", "model.unk_token", changed([](Json& d) { d["model"]["unk_token"] = "<unk>"; }));
  EXPECT_REFUSED("json.type", "model.vocab", changed([](Json& d) { d["model"]["vocab"] = Json::array(); }));
  EXPECT_REFUSED("json.type", "model", changed([](Json& d) { d["model"] = 3; }));
  EXPECT_REFUSED("json.type", "model", changed([](Json& d) { d.erase("model"); }));
  EXPECT_REFUSED("json.range", "max_input_chars_per_word", changed([](Json& d) { d["model"]["max_input_chars_per_word"] = -1; }));
  EXPECT_EQ(changed([](Json& d) { d["model"]["vocab"]["far"] = 2147483646; }).id, "none");  // a hole costs nothing
}

TEST(TokenizerRefusals, Template) {
  EXPECT_REFUSED("tokenizer.template", "post_processor.single[0]",
                 changed([](Json& d) { d["post_processor"]["special_tokens"].erase("[CLS]"); }));
  EXPECT_REFUSED("tokenizer.template", "post_processor.single[1]",
                 changed([](Json& d) { d["post_processor"]["single"][1]["Sequence"]["id"] = "B"; }));
  EXPECT_REFUSED("tokenizer.template", "post_processor.pair[3]",
                 changed([](Json& d) { d["post_processor"]["pair"][3]["Sequence"]["id"] = "A"; }));
  EXPECT_REFUSED("tokenizer.template", "post_processor.single[1]", changed([](Json& d) {
                   d["post_processor"]["single"][1] = {{"Other", 1}};
                 }));
  EXPECT_REFUSED("tokenizer.template", "post_processor.single[1]", changed([](Json& d) { d["post_processor"]["single"][1] = 5; }));
  EXPECT_REFUSED("tokenizer.template", "[CLS]",
                 changed([](Json& d) { d["post_processor"]["special_tokens"]["[CLS]"]["ids"].push_back(1); }));
  EXPECT_REFUSED("tokenizer.template", "id 99", changed([](Json& d) { d["post_processor"]["special_tokens"]["[CLS]"]["ids"][0] = 99; }));
  EXPECT_REFUSED("json.range", "ids[0]", changed([](Json& d) { d["post_processor"]["special_tokens"]["[CLS]"]["ids"][0] = -7; }));
  EXPECT_REFUSED("json.range", "single[0]", changed([](Json& d) { d["post_processor"]["single"][0]["SpecialToken"]["type_id"] = 1e12; }));
  EXPECT_REFUSED("json.type", "post_processor", changed([](Json& d) { d["post_processor"].erase("pair"); }));
  EXPECT_REFUSED("json.type", "post_processor", changed([](Json& d) {
                   d["post_processor"] = {{"type", "BertProcessing"}, {"sep", {"[SEP]", 3}}};
                 }));
}

TEST(TokenizerRefusals, AddedTokensAndBlocks) {
  EXPECT_REFUSED("tokenizer.added_token", "added_tokens[0]", changed([](Json& d) { d["added_tokens"] = {{{"id", 9}}}; }));
  EXPECT_REFUSED("tokenizer.added_token", "added_tokens[0]", changed([](Json& d) { d["added_tokens"] = {{{"content", "x"}}}; }));
  EXPECT_REFUSED("json.range", "added_tokens[0]", changed([](Json& d) { d["added_tokens"] = {{{"id", -9}, {"content", "x"}}}; }));
  EXPECT_REFUSED(
      "tokenizer.added_token", "added_tokens", changed([](Json& d) {
        d["added_tokens"] = {{{"id", 6}, {"content", "Day"}, {"normalized", true}}, {{"id", 7}, {"content", "day"}, {"normalized", true}}};
      }));
  EXPECT_REFUSED("tokenizer.added_token", "added_tokens", changed([](Json& d) {
                   d["added_tokens"] = {{{"id", 6}, {"content", "\u0301"}, {"normalized", true}}};
                 }));
  EXPECT_REFUSED("tokenizer.stride", "truncation.stride", changed([](Json& d) {
                   d["truncation"] = {{"max_length", 8}, {"stride", 6}, {"strategy", "LongestFirst"}, {"direction", "Right"}};
                 }));
  EXPECT_REFUSED("tokenizer.version", "version", changed([](Json& d) { d["version"] = "2.0"; }));
  EXPECT_REFUSED("json.type", "added_tokens", changed([](Json& d) { d["added_tokens"] = 1; }));
}

TEST(TokenizerRefusals, Config) {
  auto nothing = [](Json&) {};
  EXPECT_REFUSED("tokenizer.truncation_side", "truncation_side", changed(nothing, {{"truncation_side", "up"}}));
  EXPECT_REFUSED("tokenizer.special_token", "cls_token", changed(nothing, {{"tokenizer_class", "BertTokenizer"}, {"cls_token", nullptr}}));
  EXPECT_REFUSED("json.type", "do_lower_case", changed(nothing, {{"tokenizer_class", "BertTokenizer"}, {"do_lower_case", "yes"}}));
  EXPECT_REFUSED("tokenizer.added_token", "added_tokens_decoder",
                 changed(nothing, {{"added_tokens_decoder", {{"x", {{"content", "y"}}}}}}));
  EXPECT_REFUSED("tokenizer.added_token", "added_tokens_decoder.6",
                 changed(nothing, {{"added_tokens_decoder", {{"6", {{"content", ""}}}}}}));
  EXPECT_REFUSED("json.type", "extra_special_tokens", changed(nothing, {{"extra_special_tokens", 4}}));
  EXPECT_EQ(changed(nothing, {{"model_max_length", 1e30}}).id, "none");
  EXPECT_EQ(changed(nothing, {{"model_max_length", -5}}).id, "none");
}

TEST(TokenizerRefusals, Folders) {
  EXPECT_REFUSED("tokenizer.missing", "tokenizer.json", refused(Json::object()));
  EXPECT_REFUSED("tokenizer.missing", "tokenizer.json",
                 refused({{"vocab.txt", true}, {"tokenizer_config.json", {{"tokenizer_class", "PreTrainedTokenizerFast"}}}}));
  EXPECT_REFUSED("json.type", "tokenizer.json", refused({{"tokenizer.json", Json::array()}}));
  TempFolder folder;
  put(folder / "vocab.txt", "");
  EXPECT_THROW(load_tokenizer(folder.path()), Error);
  put(folder / "vocab.txt", "[UNK]\n\xff\n");
  EXPECT_THROW(load_tokenizer(folder.path()), Error);
  put(folder / "vocab.txt", "a\nb\n");
  EXPECT_THROW(load_tokenizer(folder.path()), Error);  // no [UNK]
}

TEST(Vocabulary, LinesOfVocabTxt) {
  TempFolder folder;
  put(folder / "vocab.txt", "[PAD]\r\n[UNK] \t\n\na\u3000\na\n##b\n[CLS]\n[SEP]");  // white space at the end goes, the later a counts
  const auto t = load_tokenizer(folder.path());
  EXPECT_EQ(t->id("[UNK]"), 1);
  EXPECT_EQ(t->id("a"), 4);
  EXPECT_EQ(t->token(3), "");
  EXPECT_EQ(t->id("[SEP]"), 7);
  EXPECT_EQ(t->encode("ab A").ids, (std::vector<int32_t>{6, 4, 5, 4, 7}));
}

/// Every prefix of a small file, and thousands of files with a byte changed: a value or an Error, nothing else.
TEST(TokenizerRefusals, DamagedFilesEndInAnError) {
  Json document = text_variants()["added"]["files"]["tokenizer.json"];
  document["model"]["vocab"] = {{"[PAD]", 0}, {"[UNK]", 1}, {"[CLS]", 2}, {"[SEP]", 3}, {"[MASK]", 4}, {"a", 5}, {"##b", 6}};
  int next = 7;
  for (Json& token : document["added_tokens"])
    token["id"] = document["model"]["vocab"].contains(token["content"].get<std::string>())
                      ? document["model"]["vocab"][token["content"].get<std::string>()]
                      : Json(next++);
  const std::string whole = dump_json(document, {.compact = true});
  TempFolder folder;
  auto load = [&](const std::string& bytes) {
    put(folder / "tokenizer.json", bytes);
    try {
      load_tokenizer(folder.path())->encode("ab [MASK] Day", "x  y", {.max_length = 9});
      return true;
    } catch (const Error&) {
      return false;
    }
  };
  EXPECT_TRUE(load(whole));
  for (size_t n = 0; n < whole.size(); n += 7) EXPECT_FALSE(load(whole.substr(0, n))) << n;
  std::mt19937 rng(11);
  for (int i = 0; i < 2000; ++i) {
    std::string bytes = whole;
    for (unsigned k = rng() % 3 + 1; k > 0; --k) bytes[rng() % bytes.size()] = "0123456789\"{}[]:,-.eE nulltruefalse\\\xff"[rng() % 37];
    load(bytes);
  }
}

}  // namespace
}  // namespace attune::testing
