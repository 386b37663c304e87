// Questions with contexts: SQuAD's nested files, the datasets library's rows, and what is said of answers that are not where they should be.
#include <gmock/gmock.h>

#include <set>

#include "base/error.h"
#include "data/reader.h"
#include "data_files.h"

namespace attune {
namespace {

using testing::HasSubstr;

ReadOptions questions(LabelUse labels = LabelUse::kRequired) {
  ReadOptions o;
  o.kind = RowKind::kQuestion;
  o.labels = labels;
  return o;
}

std::string error_of(const std::string& content, const std::string& name, const ReadOptions& options = questions()) {
  try {
    parse_rows(content, name, options);
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

std::string squad(const std::string& qas, const std::string& context = "Über die Stadt Köln") {
  return R"({"version": "v2.0", "data": [{"title": "T", "paragraphs": [{"context": ")" + context + R"(", "qas": [)" + qas + "]}]}]}";
}

TEST(Squad, NestedFiles) {
  const std::string content = squad(R"({"id": "q1", "question": "Wo?", "is_impossible": false, "answers": [{"text": "Köln", "answer_start": 15}, {"text": "Stadt Köln", "answer_start": 9}]},
    {"id": "q2", "question": "Wer?", "is_impossible": true, "answers": [], "plausible_answers": [{"text": "die", "answer_start": 5}]})");
  const DataFile f = parse_rows(content, "x.json", questions());
  ASSERT_EQ(f.rows.size(), 2u);
  EXPECT_EQ(f.rows[0].id, "q1");
  EXPECT_EQ(f.rows[0].text, "Wo?");
  EXPECT_EQ(f.rows[0].pair, "Über die Stadt Köln");
  EXPECT_EQ(f.rows[0].label, (Json{{"text", {"Köln", "Stadt Köln"}}, {"answer_start", {15, 9}}}));
  EXPECT_EQ(f.rows[1].label, (Json{{"text", Json::array()}, {"answer_start", Json::array()}}));
  EXPECT_EQ(f.rows[0].group, f.rows[1].group);
  EXPECT_NE(f.rows[0].group, "");
  EXPECT_EQ(f.rows[1].index, 1u);
  const DataFile without = parse_rows(squad(R"({"id": "q1", "question": "Wo?"})"), "x.json", questions(LabelUse::kIgnored));
  EXPECT_TRUE(without.rows[0].label.is_null());
}

TEST(QuestionRows, FlatRowsAsDatasetsWritesThem) {
  const DataFile f = parse_rows(R"({"id": "a", "title": "T", "context": "one two", "question": "q", "answers": {"text": ["two"], "answer_start": [4]}})"
                                "\n"
                                R"({"id": "b", "title": "T", "context": "one two", "question": "r", "answers": {"text": [], "answer_start": []}})"
                                "\n"
                                R"({"id": "c", "context": "one 2", "question": "r", "answers": [{"text": "2", "answer_start": 4}]})",
                                "x.jsonl", questions());
  ASSERT_EQ(f.rows.size(), 3u);
  EXPECT_EQ(f.rows[0].label["text"][0], "two");
  EXPECT_TRUE(f.rows[1].label["text"].empty());
  EXPECT_EQ(f.rows[2].label["answer_start"][0], 4);
  EXPECT_EQ(f.rows[0].group, f.rows[1].group);
  EXPECT_NE(f.rows[0].group, f.rows[2].group);
  const DataFile p = parse_rows("question,context\nWho?,\"He, there\"\n", "x.csv", questions(LabelUse::kIgnored));
  EXPECT_EQ(p.rows[0].pair, "He, there");
  ReadOptions named = questions(LabelUse::kIgnored);
  named.columns.text = "frage";
  named.columns.pair = "stelle";
  EXPECT_EQ(parse_rows(R"({"frage": "a", "stelle": "b"})", "x.jsonl", named).rows[0].pair, "b");
}

TEST(QuestionRows, ProblemsAreNamed) {
  const std::pair<std::string, const char*> nested[] = {
      {squad(R"({"id": "q", "question": "Wo?", "answers": [{"text": "Köln", "answer_start": 16}]})"),
       "article 'T', paragraph 1, question 'q': the answer 'Köln' is not at answer_start 16 (there is 'öln') but at 15, 1 character earlier"},
      {squad(R"({"id": "q", "question": "Wo?", "answers": [{"text": "die", "answer_start": 2}]})"), "but at 5, 3 characters later"},
      {squad(R"({"id": "q", "question": "Wo?", "answers": [{"text": "Bonn", "answer_start": 5}]})"), "the answer 'Bonn' is nowhere in the context (at answer_start 5 is 'die ')"},
      {squad(R"({"id": "q", "question": "Wo?", "answers": [{"text": "Köln", "answer_start": 400}]})"), "(there is outside the context) but at 15"},
      {squad(R"({"id": "q", "question": "Wo?", "answers": [{"text": "Köln", "answer_start": -1}]})"), "is not at answer_start -1"},
      {squad(R"({"id": "q", "question": "Wo?", "answers": [{"text": "", "answer_start": 1}]})"), "an answer is empty"},
      {squad(R"({"id": "q", "question": "Wo?", "answers": [{"text": "Köln"}]})"), "answer_start of the answer 'Köln' is missing"},
      {squad(R"({"id": "q", "question": "Wo?", "answers": [{"answer_start": 1}]})"), "the text of an answer is missing"},
      {squad(R"({"id": "q", "question": "Wo?", "answers": []})"), "there is no answer, and is_impossible is not true"},
      {squad(R"({"id": "q", "question": "Wo?", "is_impossible": true, "answers": [{"text": "Köln", "answer_start": 15}]})"), "is_impossible is true, but there are answers"},
      {squad(R"({"id": "q", "question": "Wo?"})"), "'answers' is missing"},
      {squad(R"({"question": "Wo?", "answers": [{"text": "Köln", "answer_start": 15}]})"), "the question has no id"},
      {squad(R"({"id": "q", "question": " ", "answers": [{"text": "Köln", "answer_start": 15}]})"), "the question is empty"},
      {squad(R"({"id": "q", "question": "Wo?", "answers": [{"text": "Köln", "answer_start": 15}]})", " "), "the context is empty"},
      {squad(R"({"id": "q", "question": "a", "answers": [{"text": "Köln", "answer_start": 15}]}, {"id": "q", "question": "b", "answers": [{"text": "Köln", "answer_start": 15}]})"),
       "the id 'q' is already that of the question at line 1"},
      {R"({"data": [{"title": "T", "paragraphs": [{"qas": []}]}]})", "article 'T', paragraph 1: expected a text 'context' and a list 'qas'"},
      {R"({"data": [{"title": "T", "paragraphs": 3}]})", "article 'T': 'paragraphs' is not a list"},
      {R"({"data": [{"title": "T", "paragraphs": []}, {"x": 1}]})", "expected an article with 'paragraphs'"},
  };
  for (const auto& [content, says] : nested) EXPECT_THAT(error_of(content, "x.json"), HasSubstr(says));
  const std::pair<const char*, const char*> flat[] = {
      {R"({"question": "q", "answers": {"text": [], "answer_start": []}})", "no column with a usual name for the context"},
      {R"({"context": "c", "answers": {"text": [], "answer_start": []}})", "no column with a usual name for the question"},
      {R"({"context": "c", "question": "q"})", "no column with a usual name for the answers"},
      {R"({"context": 5, "question": "q", "answers": {"text": [], "answer_start": []}})", "x.jsonl:1: 'context' is a number, expected a text"},
      {R"({"context": "c", "question": "q", "answers": {"text": ["c"], "answer_start": []}})", "1 answers, but 0 values of answer_start"},
      {R"({"context": "c", "question": "q", "answers": "c"})", "'answers' is a text, expected"},
      {R"({"context": "c", "question": "q", "answers": null})", "the answers are missing"},
  };
  for (const auto& [line, says] : flat) EXPECT_THAT(error_of(line, "x.jsonl"), HasSubstr(says));
  EXPECT_THAT(error_of("What?\n", "x.txt", questions(LabelUse::kIgnored)), HasSubstr("plain text has no questions"));
}

TEST(QuestionRows, AllProblemsAtOnceAndSkippingGoesOn) {
  std::string qas;
  for (int i = 0; i < 14; ++i)
    qas += (i ? "," : "") + std::string(R"({"id": "q)") + std::to_string(i) + R"(", "question": "?", "answers": [{"text": "die", "answer_start": )" + (i == 3 ? "5" : "6") + "}]}";
  EXPECT_THAT(error_of(squad(qas), "x.json"), testing::AllOf(HasSubstr("13 of 14 rows cannot be used"), HasSubstr("question 'q0'"), HasSubstr("... and 3 more")));
  ReadOptions o = questions();
  o.on_bad_rows = OnBadRows::kSkip;
  const DataFile f = parse_rows(squad(qas), "x.json", o);
  ASSERT_EQ(f.rows.size(), 1u);
  EXPECT_EQ(f.rows[0].id, "q3");
  EXPECT_EQ(f.rows[0].index, 0u);
  EXPECT_EQ(f.bad.size(), 13u);
}

TEST(RealQuestionFiles, CountsOfTheirDocumentation) {
  ATTUNE_NEEDS_DATA();
  struct Expected {
    const char* file;
    size_t questions, impossible, contexts;
  };
  const Expected files[] = {{"squad/squad2-dev-half.json", 6078, 3168, 646}, {"squad/squad2-split-train.json", 5066, 2574, 549}, {"squad/squad2-split-dev.json", 1012, 594, 97},
                            {"squad/squad1-train-prefix.json", 4370, 0, 678}, {"squad/xquad-en.json", 1190, 0, 240}};
  for (const Expected& e : files) {
    const fs::path path = data_dir() / e.file;
    if (!file_exists(path)) continue;
    const DataFile f = read_rows(path, questions());
    EXPECT_EQ(f.rows.size(), e.questions) << e.file;
    EXPECT_TRUE(f.bad.empty());
    size_t impossible = 0;
    std::set<std::string> contexts;
    for (const Row& row : f.rows) {
      impossible += row.label["text"].empty();
      contexts.insert(row.group);
    }
    EXPECT_EQ(impossible, e.impossible) << e.file;
    EXPECT_EQ(contexts.size(), e.contexts) << e.file;
  }
}

}  // namespace
}  // namespace attune
