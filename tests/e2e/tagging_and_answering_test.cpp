// Token classification and question answering from files to predictions, on a tiny model: what the commands leave and print agrees.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>

#include "program.h"

namespace attune::e2e {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using Args = std::vector<std::string>;

std::vector<json> lines(const std::string& text) {
  std::vector<json> all;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) all.push_back(json::parse(line));
  return all;
}

std::vector<std::string> keys(const json& object) {
  std::vector<std::string> names;
  for (const auto& [name, value] : object.items()) names.push_back(name);
  return names;
}

/// The word after "the" is an entity; one sentence is longer than the model.
std::string tagged(int sentences) {
  const char* const things[] = {"film", "movie", "plot", "actor", "story", "ending"};
  const char* const words[] = {"was", "good", "bad", "very", "boring", "and", "slow"};
  std::string out = "-DOCSTART- O\n\n";
  for (int i = 0; i < sentences; ++i) {
    const int repeats = i == 3 ? 30 : 1 + i % 3;
    for (int k = 0; k < repeats; ++k)
      out += std::string("the O\n") + things[(i + k) % 6] + " B-WORK\n" + words[(i * 3 + k) % 7] + " O\n";
    out += "\n";
    if (i % 7 == 6) out += "-DOCSTART- O\n\n";
  }
  return out;
}

/// A model whose own head is for something else, so that the task's head is new.
Args training(const std::string& task, const Args& more) {
  Args args{"train", "--model", golden_model("bert_mlm"), "--task", task, "--batch-size", "8", "--learning-rate", "5e-3", "--output-dir", "run", "--overwrite"};
  args.insert(args.end(), more.begin(), more.end());
  return args;
}

TEST(Tagging, TrainEvaluatePredict) {
  const Folder f;
  f.write("train.conll", tagged(40));
  f.write("dev.conll", tagged(15));
  const Outcome trained = f.run(training("token-classification", {"--train-file", "train.conll", "--validation-file", "dev.conll", "--epochs", "12"}));
  ASSERT_EQ(trained.status, 0) << trained.err;
  EXPECT_THAT(trained.err, HasSubstr("precision    recall  f1-score   support"));
  EXPECT_THAT(trained.err, HasSubstr("coverage: 100 % of"));
  const json stored = json::parse(f.read("run/eval_results.json"));
  EXPECT_GT(stored["overall_f1"].get<double>(), 0.7) << "a word after 'the' is easily learned";
  EXPECT_EQ(json::parse(f.read("run/config.json"))["id2label"], (json{{"0", "B-WORK"}, {"1", "O"}}));

  const Outcome evaluated = f.run({"evaluate", "run", "--data", "dev.conll", "--json", "--predictions", "p.jsonl"});
  ASSERT_EQ(evaluated.status, 0) << evaluated.err;
  const json m = json::parse(evaluated.out);
  for (const char* name : {"overall_f1", "overall_precision", "overall_recall", "overall_accuracy", "loss"})
    EXPECT_NEAR(m[name].get<double>(), stored[name].get<double>(), 1e-6) << name;
  EXPECT_EQ(m["report"], stored["report"]);
  EXPECT_EQ(m["coverage"], 1.0);
  EXPECT_GT(m["windows"].get<int>(), m["rows"].get<int>()) << "the long sentence is read in windows";
  EXPECT_EQ(keys(m["per_type"]["WORK"]), (std::vector<std::string>{"f1", "number", "precision", "recall"}));
  size_t words = 0;
  for (const json& p : lines(f.read("p.jsonl"))) {
    ASSERT_EQ(p["gold"].size(), p["prediction"].size());
    words += p["gold"].size();
  }
  EXPECT_EQ(words, m["words"].get<size_t>());
  EXPECT_THAT(f.run({"evaluate", "run", "--data", "dev.conll"}).out, HasSubstr("coverage: 100 %"));
  EXPECT_EQ(json::parse(f.run({"evaluate", "run", "--data", "dev.conll", "--json", "--strict-tags"}).out)["mode"], "strict");

  f.write("rows.jsonl", "{\"id\": 4, \"text\": \"The movie was never good!\"}\n{\"tokens\": [\"the\", \"film\", \"was\"]}\n");
  const Outcome predicted = f.run({"predict", "run", "--input", "rows.jsonl", "--logits", "--aggregation-strategy", "first"});
  ASSERT_EQ(predicted.status, 0) << predicted.err;
  const std::vector<json> rows = lines(predicted.out);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(keys(rows[0]), (std::vector<std::string>{"entities", "id", "input_ids", "logits"}));
  EXPECT_EQ(rows[0]["id"], 4);
  EXPECT_EQ(rows[0]["input_ids"].size(), rows[0]["logits"].size());
  EXPECT_EQ(rows[0]["logits"][0].size(), 2u);
  ASSERT_EQ(rows[1]["entities"].size(), 1u);
  const json& e = rows[1]["entities"][0];
  EXPECT_EQ(keys(e), (std::vector<std::string>{"end", "score", "start", "text", "type"}));
  EXPECT_EQ(e["text"], "film");
  EXPECT_EQ(e["start"], 4);
  EXPECT_EQ(e["end"], 8);
  EXPECT_EQ(e["type"], "WORK");
  EXPECT_THAT(f.run({"predict", "run", "--text", "the film was"}).out, HasSubstr("film"));
}

TEST(Tagging, AnAdapterKeepsItsHead) {
  const Folder f;
  f.write("train.conll", tagged(40));
  const Outcome trained = f.run(training("token-classification", {"--train-file", "train.conll", "--test-file", "train.conll", "--epochs", "6", "--method", "lora", "--r", "4",
                                                                  "--target-modules", "query,value"}));
  ASSERT_EQ(trained.status, 0) << trained.err;
  EXPECT_EQ(json::parse(f.read("run/adapter_config.json"))["task_type"], "TOKEN_CLS");
  const json m = json::parse(f.run({"evaluate", "run", "--data", "train.conll", "--json"}).out);
  EXPECT_NEAR(m["overall_f1"].get<double>(), json::parse(f.read("run/test_results.json"))["overall_f1"].get<double>(), 1e-9);
}

TEST(Tagging, BadFilesEndInOneError) {
  const std::tuple<const char*, std::string, const char*> cases[] = {
      {"x.conll", "the O\nfilm I-WORK\n\nthe O\nplot B-WORK\n", "x.conll:1: word 2 ('film'): I-WORK follows O, but IOB2 opens an entity with B-WORK"},
      {"x.conll", "the O\nfilm\n", "x.conll:2: expected 2 columns"},
      {"x.jsonl", "{\"tokens\": [\"the\", \"film\"], \"ner_tags\": [\"O\"]}\n", "x.jsonl:1: 2 words in 'tokens', but 1 tags"},
      {"x.jsonl", "{\"tokens\": [\"the\"]}\n", "no column with a usual name for the tags"},
      {"x.csv", "text,label\nthe film,1\n", "format: conll"},
      {"x.conll", "the O\nfilm O\n", "every word has the tag 'O'"},
  };
  for (const auto& [name, bytes, says] : cases) {
    const Folder f;
    f.write(name, bytes);
    const Outcome o = f.run(training("token-classification", {"--train-file", name}));
    EXPECT_EQ(o.status, 3) << o.err;
    EXPECT_THAT(o.err, HasSubstr(says));
    EXPECT_FALSE(f.has("run/config.json"));
  }
}

/// Questions on contexts where the word after "the" is the answer, or where there is no "the".
std::string squad(int paragraphs, bool unanswerable) {
  const char* const things[] = {"film", "movie", "plot", "actor", "story", "ending"};
  json data = json::array();
  json article = {{"title", "T"}, {"paragraphs", json::array()}};
  for (int i = 0; i < paragraphs; ++i) {
    std::string context = "it was good and fun";
    for (int k = 0; k < (i == 2 ? 25 : i % 3); ++k) context += " and very good";
    const size_t at = context.size() + 5;
    const bool none = unanswerable && i % 3 == 1;
    context += none ? " and not bad" : std::string(" the ") + things[i % 6] + " was";
    json qa = {{"id", "q" + std::to_string(i)}, {"question", "it was ?"}, {"is_impossible", none}, {"answers", json::array()}};
    if (!none) qa["answers"].push_back({{"text", things[i % 6]}, {"answer_start", at}});
    article["paragraphs"].push_back({{"context", context}, {"qas", {qa}}});
  }
  data.push_back(article);
  return json{{"version", "v2.0"}, {"data", data}}.dump(1);
}

TEST(Answering, TrainEvaluatePredict) {
  const Folder f;
  f.write("train.json", squad(45, true));
  f.write("dev.json", squad(15, true));
  const Outcome trained = f.run(training("question-answering", {"--train-file", "train.json", "--validation-file", "dev.json", "--epochs", "20", "--max-length", "40", "--doc-stride", "8"}));
  ASSERT_EQ(trained.status, 0) << trained.err;
  const json stored = json::parse(f.read("run/eval_results.json"));
  EXPECT_EQ(stored["total"], 15);
  EXPECT_GT(stored["exact"].get<double>(), 60) << "a word after 'the' is easily learned";
  const json side = json::parse(f.read("run/attune.json"));
  EXPECT_EQ(side["options"]["version_2_with_negative"], true) << "as the training rows are";
  EXPECT_EQ(side["options"]["doc_stride"], 8);
  const json answers = json::parse(f.read("run/eval_predictions.json"));
  EXPECT_EQ(answers.size(), 15u);
  EXPECT_EQ(json::parse(f.read("run/eval_null_odds.json")).size(), 15u);
  EXPECT_TRUE(f.has("run/eval_nbest_predictions.json"));

  const Outcome evaluated = f.run({"evaluate", "run", "--data", "dev.json", "--json", "--predictions", "p.jsonl"});
  ASSERT_EQ(evaluated.status, 0) << evaluated.err;
  const json m = json::parse(evaluated.out);
  for (const char* name : {"exact", "f1", "HasAns_exact", "HasAns_f1", "NoAns_exact", "best_f1", "best_f1_thresh", "start_accuracy", "end_accuracy", "span_accuracy", "loss"})
    EXPECT_NEAR(m[name].get<double>(), stored[name].get<double>(), 1e-4) << name;
  EXPECT_GT(m["windows"].get<int>(), 15) << "the long context is read in windows";
  EXPECT_EQ(json::parse(f.read("predictions.json")), answers);
  for (const json& p : lines(f.read("p.jsonl"))) EXPECT_EQ(p["prediction"], answers[p["id"].get<std::string>()]);

  std::string rows;
  const json dev = json::parse(f.read("dev.json"));
  for (const json& p : dev["data"][0]["paragraphs"])
    rows += json{{"id", p["qas"][0]["id"]}, {"question", p["qas"][0]["question"]}, {"context", p["context"]}}.dump() + "\n";
  f.write("rows.jsonl", rows);
  const Outcome predicted = f.run({"predict", "run", "--input", "rows.jsonl", "--logits"});
  ASSERT_EQ(predicted.status, 0) << predicted.err;
  const std::vector<json> predictions = lines(predicted.out);
  ASSERT_EQ(predictions.size(), 15u);
  for (const json& p : predictions) {
    EXPECT_EQ(keys(p), (std::vector<std::string>{"answer", "end", "id", "score", "start", "windows"}));
    EXPECT_EQ(p["answer"], answers[p["id"].get<std::string>()]);
    EXPECT_EQ(p["windows"][0]["input_ids"].size(), p["windows"][0]["start_logits"].size());
  }
  EXPECT_GT(predictions[2]["windows"].size(), 1u);
}

TEST(Answering, WithoutUnanswerableQuestionsThereIsAlwaysAnAnswer) {
  const Folder f;
  f.write("train.json", squad(20, false));
  const Outcome trained = f.run(training("question-answering", {"--train-file", "train.json", "--test-file", "train.json", "--max-steps", "2", "--max-length", "40", "--doc-stride", "8"}));
  ASSERT_EQ(trained.status, 0) << trained.err;
  const json answers = json::parse(f.read("run/test_predictions.json"));
  for (const auto& [id, answer] : answers.items()) EXPECT_NE(answer, "") << id;
  EXPECT_FALSE(f.has("run/test_null_odds.json"));
  EXPECT_FALSE(json::parse(f.read("run/test_results.json")).contains("NoAns_total"));

  f.write("train2.json", squad(20, true));
  const Outcome further = f.run({"train", "--model", "run", "--train-file", "train2.json", "--task", "question-answering", "--max-steps", "1", "--output-dir", "second"});
  ASSERT_EQ(further.status, 0) << further.err;
  const json options = json::parse(f.read("second/attune.json"))["options"];
  EXPECT_EQ(options["version_2_with_negative"], true) << "as the new training rows are";
  EXPECT_EQ(options["doc_stride"], 8) << "as the first run read";
}

TEST(Answering, BadFilesEndInOneError) {
  const auto with = [](const std::function<void(json&)>& change) {
    json d = json::parse(squad(3, false));
    change(d["data"][0]["paragraphs"][0]);
    return d.dump();
  };
  const std::pair<std::string, const char*> cases[] = {
      {with([](json& p) { p["qas"][0]["answers"][0]["answer_start"] = p["qas"][0]["answers"][0]["answer_start"].get<int>() + 1; }), "1 character earlier"},
      {with([](json& p) { p["qas"][0]["answers"][0]["text"] = "love"; }), "the answer 'love' is nowhere in the context"},
      {with([](json& p) { p["qas"][0]["id"] = "q1"; }), "the id 'q1' is already that of the question"},
      {with([](json& p) { p["context"] = ""; }), "the context is empty"},
      {with([](json& p) { p["qas"][0].erase("answers"); }), "'answers' is missing"},
      {with([](json& p) { p.erase("qas"); }), "expected a text 'context' and a list 'qas'"},
      {with([](json& p) {
         std::string question = "it was";
         for (int i = 0; i < 40; ++i) question += " good";
         p["qas"][0]["question"] = question;
       }),
       "question 'q0': the question has 42 tokens"},
  };
  for (const auto& [bytes, says] : cases) {
    const Folder f;
    f.write("x.json", bytes);
    const Outcome o = f.run(training("question-answering", {"--train-file", "x.json", "--max-length", "40"}));
    EXPECT_EQ(o.status, 3) << o.err;
    EXPECT_THAT(o.err, HasSubstr(says));
  }
}

}  // namespace
}  // namespace attune::e2e
