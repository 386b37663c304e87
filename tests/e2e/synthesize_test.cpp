// attune synthesize, and each of its files through validate and a training.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "program.h"

namespace attune::e2e {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using Args = std::vector<std::string>;

struct Kind {
  const char *task, *file, *training, *model, *baseline, *length = "40";
};

class Synthesize : public testing::TestWithParam<Kind> {};

TEST_P(Synthesize, ReadsBackAndTrains) {
  const Kind& k = GetParam();
  const Folder f;
  const Args args = {"synthesize", "--task", k.task, "--rows", "120", "--seed", "7", "--label-noise", "0.1", "--output", k.file};
  const Outcome made = f.run(args);
  ASSERT_EQ(made.status, 0) << made.err;
  EXPECT_THAT(made.out, HasSubstr(k.baseline));
  const std::string bytes = f.read(k.file);
  EXPECT_EQ(f.run(args).status, 7) << "the file is there";
  Args again = args;
  again.insert(again.end(), {"--overwrite", "--json"});
  const json result = json::parse(f.run(again).out);
  EXPECT_EQ(f.read(k.file), bytes);
  EXPECT_GT(result["changed_labels"].get<int>(), 0);
  const Outcome valid = f.run({"validate", k.file, "--task", k.training});
  EXPECT_EQ(valid.status, 0) << valid.err;
  const Outcome trained = f.run({"train", "--model", golden_model(k.model), "--task", k.training, "--train-file", k.file, "--validation-split", "0.2", "--max-length", k.length, "--doc-stride", "8",
                                 "--method", "full", "--max-steps", "2", "--output-dir", "run"});
  EXPECT_EQ(trained.status, 0) << trained.err;
}

INSTANTIATE_TEST_SUITE_P(Tasks, Synthesize,
                         testing::Values(Kind{"sentiment", "s.csv", "text-classification", "bert_mlm", "bow"}, Kind{"sentiment", "s.jsonl", "text-classification", "bert_mlm", "bow"},
                                         Kind{"ner", "n.conll", "token-classification", "bert_mlm", "most frequent tag"},
                                         Kind{"qa", "q.json", "question-answering", "bert", "word overlap", "64"}),
                         [](const testing::TestParamInfo<Kind>& i) { return std::string(i.param.file).replace(1, 1, "_"); });

TEST(Synthesize, BaselinesStandBesideEvaluation) {
  const Folder f;
  f.write("train.csv", review_csv(60));
  f.write("test.csv", review_csv(15, 60));
  const Outcome trained = f.run({"train", "--model", golden_model("bert"), "--train-file", "train.csv", "--test-file", "test.csv", "--max-length", "32", "--max-steps", "2", "--baselines", "majority,bow", "--output-dir", "run"});
  ASSERT_EQ(trained.status, 0) << trained.err;
  EXPECT_THAT(trained.out, HasSubstr("baseline_bow_accuracy"));
  EXPECT_THAT(trained.err, HasSubstr("baseline majority"));
  const Outcome evaluated = f.run({"evaluate", "run", "--data", "test.csv", "--baselines", "majority,bow", "--train-file", "train.csv", "--json", "--predictions", "p.jsonl"});
  ASSERT_EQ(evaluated.status, 0) << evaluated.err;
  const json m = json::parse(evaluated.out), stored = json::parse(f.read("run/all_results.json"));
  for (const char* key : {"baseline_bow_accuracy", "baseline_bow_f1_macro", "baseline_majority_accuracy"}) EXPECT_EQ(m[key], stored[key]) << key;
  EXPECT_EQ(f.read("baseline_bow_predictions.jsonl"), f.read("run/baseline_bow_predictions.jsonl"));
  EXPECT_EQ(f.run({"evaluate", "run", "--data", "test.csv", "--baselines", "bow"}).status, 2);
  EXPECT_EQ(f.run({"synthesize", "--task", "poems", "--output", "a.csv"}).status, 2);
}

}  // namespace
}  // namespace attune::e2e
