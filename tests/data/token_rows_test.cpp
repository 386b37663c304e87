// Words with tags: CoNLL columns and JSON rows, and what is said of rows that are none.
#include <gmock/gmock.h>

#include "base/error.h"
#include "data/reader.h"
#include "data_files.h"

namespace attune {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ReadOptions tokens(LabelUse labels = LabelUse::kRequired) {
  ReadOptions o;
  o.kind = RowKind::kTokens;
  o.labels = labels;
  return o;
}

std::string error_of(const std::string& content, const std::string& name, const ReadOptions& options, std::string* id = nullptr) {
  try {
    parse_rows(content, name, options);
  } catch (const Error& e) {
    if (id) *id = e.info().id;
    return e.what();
  }
  return "no error";
}

const char* kConll2003 =
    "-DOCSTART- -X- -X- O\n\nEU NNP B-NP B-ORG\nrejects VBZ B-VP O\n\nPeter NNP B-NP B-PER\r\nBlackburn NNP I-NP I-PER\r\n\r\n\n-DOCSTART- -X- -X- O\n\n"
    "# NN B-NP O\n1 CD I-NP O";

TEST(Conll, SentencesDocumentsAndTheLastColumn) {
  const DataFile f = parse_rows(kConll2003, "x.txt", tokens());
  ASSERT_EQ(f.rows.size(), 3u);
  EXPECT_EQ(f.format, DataFormat::kConll);
  EXPECT_THAT(f.rows[0].tokens, ElementsAre("EU", "rejects"));
  EXPECT_EQ(f.rows[0].label, (Json{"B-ORG", "O"}));
  EXPECT_EQ(f.rows[0].text, "EU rejects");
  EXPECT_EQ(f.rows[0].line, 3u);
  EXPECT_EQ(f.rows[1].line, 6u);
  EXPECT_THAT(f.rows[1].tokens, ElementsAre("Peter", "Blackburn"));
  EXPECT_EQ(f.rows[0].group, "document 1");
  EXPECT_EQ(f.rows[1].group, "document 1");
  EXPECT_EQ(f.rows[2].group, "document 2");
  EXPECT_THAT(f.rows[2].tokens, ElementsAre("#", "1")) << "a hash with all columns is a word";
  EXPECT_EQ(f.rows[2].index, 2u);
}

TEST(Conll, ColumnsAreChosenByNumber) {
  ReadOptions o = tokens();
  o.columns.label = "2";
  EXPECT_EQ(parse_rows(kConll2003, "x.conll", o).rows[1].label, (Json{"NNP", "NNP"}));
  o.columns.label = "-2";
  EXPECT_EQ(parse_rows(kConll2003, "x.conll", o).rows[1].label, (Json{"B-NP", "I-NP"}));
  o.columns.text = "2";
  EXPECT_THAT(parse_rows(kConll2003, "x.conll", o).rows[1].tokens, ElementsAre("NNP", "NNP"));
  std::string id;
  o.columns.label = "5";
  EXPECT_THAT(error_of(kConll2003, "x.conll", o, &id), HasSubstr("1 to 4, or -1 for the last"));
  EXPECT_EQ(id, "data.column");
  o.columns.label = "ner";
  EXPECT_THAT(error_of(kConll2003, "x.conll", o), HasSubstr("columns of such files have numbers"));
}

TEST(Conll, TabsCommentsAndWordsWithSpaces) {
  const DataFile f = parse_rows("\xef\xbb\xbf# newdoc id = 1\n# text = a b\nNew York\tB-LOC\n#\tO\n#tag\tO\n \n# newdoc\n\nd\tO\n", "x.tsv", tokens());
  ASSERT_EQ(f.rows.size(), 2u);
  EXPECT_THAT(f.rows[0].tokens, ElementsAre("New York", "#", "#tag"));
  EXPECT_EQ(f.rows[0].group, "document 1");
  EXPECT_EQ(f.rows[1].group, "document 2");
}

TEST(Conll, WordsAloneAreForPrediction) {
  const DataFile f = parse_rows("a\nb\n\nc\n", "x.conll", tokens(LabelUse::kIgnored));
  ASSERT_EQ(f.rows.size(), 2u);
  EXPECT_TRUE(f.rows[0].label.is_null());
  std::string id;
  EXPECT_THAT(error_of("a\nb\n", "x.conll", tokens(), &id), HasSubstr("one column"));
  EXPECT_EQ(id, "data.no_label_column");
  EXPECT_EQ(parse_rows("a text\nanother\n", "x.txt", tokens(LabelUse::kIgnored)).rows[1].text, "another") << "texts to predict, not columns";
}

TEST(Conll, BadSentencesAreListed) {
  const std::string content = "a B-X\nb\nc O\n\nok O\n\nd O extra\n\ne\xff O\n";
  std::string id;
  const std::string what = error_of(content, "x.conll", tokens(), &id);
  EXPECT_EQ(id, "data.bad_rows");
  EXPECT_THAT(what, HasSubstr("3 of 4 rows"));
  EXPECT_THAT(what, HasSubstr("x.conll:2: expected 2 columns divided by spaces, found 1: 'b'"));
  EXPECT_THAT(what, HasSubstr("x.conll:7: expected 2 columns divided by spaces, found 3"));
  EXPECT_THAT(what, HasSubstr("x.conll:9: invalid UTF-8"));
  ReadOptions o = tokens();
  o.on_bad_rows = OnBadRows::kSkip;
  const DataFile f = parse_rows(content, "x.conll", o);
  ASSERT_EQ(f.rows.size(), 1u);
  EXPECT_THAT(f.rows[0].tokens, ElementsAre("ok"));
  EXPECT_THAT(error_of("a\tO\n\tO\n", "x.conll", tokens()), HasSubstr("x.conll:2: the word is empty"));
  EXPECT_THAT(error_of("a\tO\nb\t\n", "x.conll", tokens()), HasSubstr("x.conll:2: the tag of 'b' is empty"));
  EXPECT_THAT(error_of("\n\n-DOCSTART- O\n\n", "x.conll", tokens()), HasSubstr("holds no rows"));
}

TEST(TokenJson, NamesNumbersAndTexts) {
  const DataFile f = parse_rows("{\"id\": 7, \"tokens\": [\"New\", \"York\"], \"pos_tags\": [1, 2], \"ner_tags\": [\"B-LOC\", \"I-LOC\"]}\n{\"tokens\": [\"a\"], \"ner_tags\": [0]}\n", "x.jsonl", tokens());
  EXPECT_THAT(f.rows[0].tokens, ElementsAre("New", "York"));
  EXPECT_EQ(f.rows[0].label, (Json{"B-LOC", "I-LOC"}));
  EXPECT_EQ(f.rows[0].text, "New York");
  EXPECT_EQ(f.rows[0].id, "7");
  EXPECT_EQ(f.rows[1].label, (Json{0}));
  const DataFile p = parse_rows("{\"text\": \"New York\"}\n{\"tokens\": [\"New\"]}\n", "x.jsonl", tokens(LabelUse::kIgnored));
  EXPECT_TRUE(p.rows[0].tokens.empty());
  EXPECT_EQ(p.rows[0].text, "New York");
  EXPECT_THAT(p.rows[1].tokens, ElementsAre("New"));
}

TEST(TokenJson, BadRows) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"tokens": ["a", "b"], "ner_tags": ["O"]})", "x.jsonl:1: 2 words in 'tokens', but 1 tags in 'ner_tags'"},
      {R"({"tokens": [], "ner_tags": []})", "'tokens' is an empty list"},
      {R"({"tokens": "a b", "ner_tags": ["O"]})", "'tokens' is a text, expected a list of words"},
      {R"({"tokens": ["a", 1], "ner_tags": ["O", "O"]})", "'tokens' holds a number"},
      {R"({"tokens": ["a"], "ner_tags": [null]})", "'ner_tags' holds null"},
      {R"({"tokens": ["a"], "ner_tags": [""]})", "'ner_tags' holds an empty text"},
      {R"({"tokens": ["a"], "ner_tags": [1.5]})", "'ner_tags' holds a number"},
      {R"({"tokens": ["a"], "ner_tags": "O"})", "'ner_tags' is a text, expected a list with a tag a word"},
      {R"({"tokens": ["a"], "ner_tags": null})", "'ner_tags' is missing"},
      {R"({"tokens": ["a"]})", "no column with a usual name for the tags"},
      {R"({"wrods": ["a"], "ner_tags": ["O"]})", "no column with a usual name for the words"},
  };
  for (const auto& [line, says] : cases) EXPECT_THAT(error_of(line, "x.jsonl", tokens()), HasSubstr(says));
  EXPECT_THAT(error_of("tokens,tags\na,O\n", "x.csv", tokens()), HasSubstr("format: conll"));
}

TEST(RealTokenFiles, CountsOfTheirDocumentation) {
  ATTUNE_NEEDS_DATA();
  struct Expected {
    const char* file;
    size_t sentences, words, entities, documents;
  };
  const Expected files[] = {{"conll2003/train.txt", 14041, 203621, 23499, 946}, {"conll2003/valid.txt", 3250, 51362, 5942, 216}, {"conll2003/test.txt", 3453, 46435, 5648, 231},
                            {"wikigold/train.conll", 1013, 23524, 2214, 0},     {"wikigold/test.conll", 364, 8100, 757, 0},      {"wnut17/train.conll", 3394, 62730, 1975, 0},
                            {"wnut17/dev.conll", 1009, 15733, 836, 0},          {"wnut17/test.conll", 1287, 23394, 1079, 0}};
  for (const Expected& e : files) {
    const fs::path path = data_dir() / e.file;
    if (!file_exists(path)) continue;
    const DataFile f = read_rows(path, tokens());
    size_t words = 0, entities = 0;
    for (const Row& row : f.rows) {
      words += row.tokens.size();
      for (const Json& tag : row.label) entities += tag.get_ref<const std::string&>().starts_with("B-");
    }
    EXPECT_EQ(f.rows.size(), e.sentences) << e.file;
    EXPECT_EQ(words, e.words) << e.file;
    EXPECT_EQ(entities, e.entities) << e.file;
    if (e.documents > 0) {
      EXPECT_EQ(f.rows.back().group, "document " + std::to_string(e.documents)) << e.file;
    }
  }
}

}  // namespace
}  // namespace attune
