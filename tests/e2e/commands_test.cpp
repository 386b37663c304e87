// Every command once on a tiny model: exit status, shape of what it prints and of what it leaves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "program.h"

namespace attune::e2e {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

std::vector<json> lines(const std::string& text) {
  std::vector<json> all;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) all.push_back(json::parse(line));
  return all;
}

/// A folder with data and a trained adapter in run/.
class Trained : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new Folder;
    folder_->write("train.csv", review_csv(60));
    folder_->write("validation.csv", review_csv(15, 60));
    folder_->write("test.csv", review_csv(15, 75));
    outcome_ = new Outcome(folder_->run({"train",
                                         "--model",
                                         golden_model("bert"),
                                         "--train-file",
                                         "train.csv",
                                         "--validation-file",
                                         "validation.csv",
                                         "--test-file",
                                         "test.csv",
                                         "--method",
                                         "lora",
                                         "--r",
                                         "4",
                                         "--target-modules",
                                         "query,value",
                                         "--max-length",
                                         "32",
                                         "--batch-size",
                                         "8",
                                         "--epochs",
                                         "2",
                                         "--learning-rate",
                                         "5e-3",
                                         "--logging-steps",
                                         "1",
                                         "--output-dir",
                                         "run"}));
  }
  static void TearDownTestSuite() {
    delete outcome_;
    delete folder_;
  }
  void SetUp() override { ASSERT_EQ(outcome_->status, 0) << outcome_->err; }
  static Outcome run(const std::vector<std::string>& args, const RunOptions& o = {}) { return folder_->run(args, o); }

  static Folder* folder_;
  static Outcome* outcome_;
};
Folder* Trained::folder_ = nullptr;
Outcome* Trained::outcome_ = nullptr;

TEST_F(Trained, LeavesASelfSufficientRunFolder) {
  for (const char* name : {"adapter_config.json", "adapter_model.safetensors", "attune.json", "config.yaml", "trainer_state.json",
                           "all_results.json", "predictions.jsonl", "tokenizer.json", "README.md"})
    EXPECT_TRUE(folder_->has(std::string("run/") + name)) << name;
  EXPECT_THAT(outcome_->err, HasSubstr("trainable params: "));
  EXPECT_THAT(outcome_->out, Not(HasSubstr("trainable params")));
  json state = json::parse(folder_->read("run/trainer_state.json"));
  EXPECT_EQ(state["global_step"], 16);
  size_t steps = 0, evaluations = 0;
  for (const auto& e : state["log_history"]) {
    if (e.contains("loss")) {
      ++steps;
      for (const char* key : {"step", "epoch", "loss", "grad_norm", "learning_rate"}) EXPECT_TRUE(e.contains(key)) << e;
    }
    if (e.contains("eval_loss")) {
      ++evaluations;
      EXPECT_TRUE(e.contains("eval_accuracy")) << e;
    }
  }
  EXPECT_EQ(steps, 16u);
  EXPECT_EQ(evaluations, 2u);
  json results = json::parse(folder_->read("run/all_results.json"));
  for (const char* key : {"train_loss", "eval_accuracy", "test_accuracy"}) EXPECT_TRUE(results.contains(key)) << key;
  auto predictions = lines(folder_->read("run/predictions.jsonl"));
  EXPECT_EQ(predictions.size(), 15u);
  for (const char* key : {"id", "gold", "prediction", "scores"}) EXPECT_TRUE(predictions[0].contains(key)) << key;
}

TEST_F(Trained, ItsConfigRunsAgain) {
  Outcome r = run({"train", "run/config.yaml", "--print-config"});
  EXPECT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(r.out, folder_->read("run/config.yaml"));
}

TEST_F(Trained, EvaluateGivesOneObject) {
  Outcome r = run({"evaluate", "run", "--data", "test.csv", "--json"});
  ASSERT_EQ(r.status, 0) << r.err;
  json o = json::parse(r.out);
  for (const char* key : {"accuracy", "f1_macro", "f1_weighted", "confusion_matrix", "loss", "majority_rate"})
    EXPECT_TRUE(o.contains(key)) << key;
  json results = json::parse(folder_->read("run/all_results.json"));
  EXPECT_EQ(o["accuracy"], results["test_accuracy"]);
  Outcome table = run({"evaluate", "run", "test.csv"});
  EXPECT_EQ(table.status, 0) << table.err;
  EXPECT_THAT(table.out, HasSubstr("accuracy"));
  EXPECT_THAT(table.out, HasSubstr("interval"));
  EXPECT_THAT(table.out, HasSubstr("neutral"));
}

TEST_F(Trained, PredictKeepsOrderAndIds) {
  folder_->write(
      "in.jsonl",
      "{\"id\": \"a\", \"text\": \"great film\"}\n{\"text\": \"bad \\u00e9 plot\"}\n{\"id\": 7, \"text\": \"the movie was not good\"}\n");
  Outcome r = run({"predict", "run", "--input", "in.jsonl", "--output", "out.jsonl", "--logits"});
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(r.out, "");
  auto rows = lines(folder_->read("out.jsonl"));
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0]["id"], "a");
  EXPECT_FALSE(rows[1].contains("id"));
  EXPECT_EQ(rows[2]["id"], 7);  // a number stays one
  double sum = 0;
  for (const auto& [label, score] : rows[0]["scores"].items()) sum += score.get<double>();
  EXPECT_NEAR(sum, 1, 1e-5);
  EXPECT_EQ(rows[0]["scores"][rows[0]["label"].get<std::string>()], rows[0]["score"]);
  EXPECT_EQ(rows[0]["logits"].size(), 3u);

  Outcome streamed = run({"predict", "run", "--input", "-", "--output", "-", "--logits"}, {.input = folder_->read("in.jsonl")});
  ASSERT_EQ(streamed.status, 0) << streamed.err;
  EXPECT_EQ(streamed.out, folder_->read("out.jsonl"));

  Outcome text = run({"predict", "run", "--text", "great film", "--text", "bad, bad plot"});
  ASSERT_EQ(text.status, 0) << text.err;
  EXPECT_EQ(std::count(text.out.begin(), text.out.end(), '\n'), 2);
  EXPECT_THAT(text.out, HasSubstr("bad, bad plot"));
  Outcome object = run({"predict", "run", "--text", "great film", "--json"});
  EXPECT_EQ(json::parse(object.out)["label"], rows[0]["label"]);
}

TEST_F(Trained, MergeIsVerifiedAndStandsAlone) {
  Outcome r = run({"merge", "run", "--output", "merged", "--verify", "test.csv", "--json"});
  ASSERT_EQ(r.status, 0) << r.err;
  json o = json::parse(r.out);
  EXPECT_TRUE(o["passed"].get<bool>());
  EXPECT_EQ(o["flipped_labels"], 0);
  EXPECT_EQ(o["rows"], 15);
  EXPECT_LT(o["max_logit_difference"].get<double>(), 1e-4);
  EXPECT_TRUE(folder_->has("merged/model.safetensors"));
  EXPECT_FALSE(folder_->has("merged/adapter_config.json"));
  Outcome a = run({"predict", "run", "--input", "test.csv"}), b = run({"predict", "merged", "--input", "test.csv"});
  ASSERT_EQ(b.status, 0) << b.err;
  auto x = lines(a.out), y = lines(b.out);
  ASSERT_EQ(x.size(), y.size());
  for (size_t i = 0; i < x.size(); ++i) EXPECT_EQ(x[i]["label"], y[i]["label"]);

  Outcome gate = run({"merge", "run", "--output", "never", "--verify", "test.csv", "--tolerance", "0"});
  EXPECT_EQ(gate.status, 8) << gate.err;
  EXPECT_FALSE(folder_->has("never"));
}

TEST(Commands, InspectNeedsNoWeights) {
  Folder f;
  fs::create_directories(f.path("m"));
  fs::copy(golden_model("bert") + "/config.json", f.path("m/config.json"));
  Outcome r =
      f.run({"inspect", "--model", "m", "--num-labels", "3", "--method", "lora", "--r", "4", "--target-modules", "query,value", "--json"});
  ASSERT_EQ(r.status, 0) << r.err;
  json o = json::parse(r.out);
  EXPECT_EQ(o["adapter_parameters"], 3 * 2 * (4 * 32 + 32 * 4));
  EXPECT_EQ(o["head_parameters"], 3 * 32 + 3);
  EXPECT_EQ(o["trainable_parameters"], o["adapter_parameters"].get<int>() + o["head_parameters"].get<int>());
  EXPECT_GT(o["all_parameters"].get<int>(), 30000);
  EXPECT_TRUE(o.contains("trainable_percent"));
  EXPECT_TRUE(o.contains("memory_estimate"));
  Outcome text = f.run({"inspect", "m"});
  EXPECT_EQ(text.status, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("trainable params: "));
}

TEST(Commands, AMemoryLimitKeepsTheRun) {
  Folder f;
  f.write("train.csv", review_csv(4000));
  f.write("validation.csv", review_csv(60, 4000));
  const auto command = [&](const std::string& name, const std::string& limit) {
    return std::vector<std::string>{name, "--model", golden_model("bert"), "--train-file", "train.csv", "--validation-file", "validation.csv", "--method", "lora", "--r", "4",
                                    "--max-length", "32", "--batch-size", "3000", "--max-steps", "3", "--logging-steps", "1", "--memory-limit", limit};
  };
  const auto run_of = [&](const std::string& output, const std::string& limit) {
    auto words = command("train", limit);
    words.insert(words.end(), {"--output-dir", output});
    return f.run(words);
  };
  auto words = command("inspect", "0");
  words.push_back("--json");
  const Outcome asked = f.run(words);
  ASSERT_EQ(asked.status, 0) << asked.err;
  const json memory = json::parse(asked.out)["memory_estimate"];
  // Half of the tensors' room is gone; a limit leaves 24 MiB more than the prediction to the libraries.
  const int64_t limit = memory["process_bytes"].get<int64_t>() + (int64_t{24} << 20) - memory["total_bytes"].get<int64_t>() / 2;
  Outcome plain = run_of("plain", "0"), limited = run_of("limited", std::to_string(limit));
  ASSERT_EQ(plain.status, 0) << plain.err;
  ASSERT_EQ(limited.status, 0) << limited.err;
  EXPECT_THAT(plain.err, Not(HasSubstr("memory_limit")));
  EXPECT_THAT(limited.err, HasSubstr("training batches in parts of at most"));
  const json a = json::parse(f.read("plain/trainer_state.json"))["log_history"], b = json::parse(f.read("limited/trainer_state.json"))["log_history"];
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i)
    for (const char* key : {"loss", "grad_norm", "eval_loss"})
      if (a[i].contains(key)) { EXPECT_NEAR(b[i][key].get<double>(), a[i][key].get<double>(), 1e-5 * a[i][key].get<double>()) << key << " " << i; }
  const json was = json::parse(f.read("plain/all_results.json"))["memory_peak_bytes"], is = json::parse(f.read("limited/all_results.json"))["memory_peak_bytes"];
  EXPECT_LT(is["total"].get<int64_t>(), was["total"].get<int64_t>() * 6 / 10);

  Outcome refused = run_of("refused", "10MB");
  EXPECT_EQ(refused.status, 6) << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("memory_limit"));
  EXPECT_EQ(run_of("refused", "lots").status, 2);
}

TEST(Commands, TokenizeGivesHuggingFacesObjects) {
  Folder f;
  f.write("in.txt", "the film was great!\n\xc3\x89t\xc3\xa9\n");
  Outcome r = f.run({"tokenize", golden_model("bert"), "--input", "in.txt", "--output", "out.jsonl"});
  ASSERT_EQ(r.status, 0) << r.err;
  auto rows = lines(f.read("out.jsonl"));
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0]["tokens"], json::parse(R"(["[CLS]","the","film","was","great","!","[SEP]"])"));
  EXPECT_EQ(rows[0]["offset_mapping"], json::parse("[[0,0],[0,3],[4,8],[9,12],[13,18],[18,19],[0,0]]"));
  EXPECT_EQ(rows[0]["special_tokens_mask"], json::parse("[1,0,0,0,0,0,1]"));
  EXPECT_EQ(rows[0]["token_type_ids"], json::parse("[0,0,0,0,0,0,0]"));
  EXPECT_EQ(rows[1]["offset_mapping"].back(), json::parse("[0,0]"));
  Outcome cut =
      f.run({"tokenize", golden_model("bert"), "--text", "the film was great", "--max-length", "4", "--truncation-side", "left", "--json"});
  EXPECT_EQ(json::parse(cut.out)["tokens"], json::parse(R"(["[CLS]","was","great","[SEP]"])"));
  Outcome bare = f.run({"tokenize", golden_model("bert"), "--text", "the film", "--no-special-tokens", "--json"});
  EXPECT_EQ(json::parse(bare.out)["tokens"], json::parse(R"(["the","film"])"));
  Outcome windows =
      f.run({"tokenize", golden_model("bert"), "--text", "the film was very good", "--max-length", "5", "--stride", "1", "--json"});
  auto w = lines(windows.out);
  ASSERT_EQ(w.size(), 2u) << windows.out;
  EXPECT_EQ(w[1]["tokens"], json::parse(R"(["[CLS]","was","very","good","[SEP]"])"));
}

TEST(Commands, ValidateReportsAndJudges) {
  Folder f;
  f.write("train.csv", review_csv(30) + "\"the film was bad  0\",negative\n");
  f.write("test.csv", review_csv(6));
  Outcome r = f.run({"validate", "train.csv", "--test-file", "test.csv", "--model", golden_model("bert"), "--max-length", "8", "--json"});
  ASSERT_EQ(r.status, 0) << r.err;
  json o = json::parse(r.out);
  EXPECT_TRUE(o["usable"].get<bool>());
  EXPECT_EQ(o["splits"].size(), 2u);
  f.write("bad.csv", "text,label\nfine,negative\nno label here\nalso fine,positive\n");
  Outcome bad = f.run({"validate", "bad.csv"});
  EXPECT_EQ(bad.status, 3) << bad.out << bad.err;
  EXPECT_THAT(bad.out + bad.err, HasSubstr("bad.csv:3"));
}

TEST(Commands, EnvVersionAndHelp) {
  Folder f;
  Outcome v = f.run({"--version"});
  EXPECT_EQ(v.status, 0);
  EXPECT_THAT(v.out, HasSubstr("attune 0."));
  EXPECT_THAT(v.out, HasSubstr("cpu features: "));
  json e = json::parse(f.run({"env", "--json"}).out);
  EXPECT_TRUE(e.contains("kernels"));
  Outcome overview = f.run({"--help"});
  EXPECT_EQ(overview.status, 0);
  for (const char* c : {"train", "evaluate", "predict", "merge", "convert", "inspect", "validate", "tokenize", "env"}) {
    EXPECT_THAT(overview.out, HasSubstr(c));
    Outcome h = f.run({c, "--help"});
    EXPECT_EQ(h.status, 0) << c;
    EXPECT_EQ(h.err, "") << c;
    EXPECT_THAT(h.out, HasSubstr(std::string("usage: attune ") + c));
    EXPECT_THAT(h.out, HasSubstr("Examples"));
  }
  EXPECT_THAT(f.run({"train", "--help"}).out, HasSubstr("--learning-rate"));
}

TEST(Commands, ConvertsGgufAndTakesItForAModel) {
  Folder f;
  const std::string tiny = std::string(ATTUNE_SOURCE_DIR) + "/tests/golden/gguf/tiny.gguf";
  Outcome r = f.run({"convert", tiny, "--output", "m"});
  EXPECT_EQ(r.status, 0) << r.err;
  EXPECT_THAT(r.out, HasSubstr("llama, tiny"));
  EXPECT_THAT(r.out, HasSubstr("2 Q8_0"));
  EXPECT_EQ(json::parse(f.read("m/config.json"))["model_type"], "llama");
  EXPECT_EQ(f.run({"convert", tiny, "--output", "m"}).status, 7);
  EXPECT_EQ(json::parse(f.run({"convert", tiny, "--output", "m", "--overwrite", "--dtype", "float16", "--json"}).out)["dtype"], "float16");
  EXPECT_EQ(f.run({"convert", tiny, "--output", "n", "--dtype", "int8"}).status, 2);
  EXPECT_EQ(f.run({"convert", tiny}).status, 2);
  Outcome ids = f.run({"tokenize", "m", "--text", "x 12", "--json"});
  EXPECT_EQ(ids.status, 0) << ids.err;
  EXPECT_THAT(ids.out, HasSubstr("\"tokens\": [\"x\""));
  EXPECT_EQ(f.run({"tokenize", tiny, "--text", "x 12", "--json"}).out, ids.out);
  Outcome text = f.run({"generate", tiny, "--prompt", "x", "--greedy", "--max-new-tokens", "3"});
  EXPECT_EQ(text.status, 0) << text.err;
  EXPECT_THAT(text.err, HasSubstr("held as int8"));
  const std::vector<std::string> greedy = {"--prompt", "x", "--greedy", "--json", "--quantization", "none"};
  const auto generated = [&](const std::string& model) {
    std::vector<std::string> args = {"generate", model};
    args.insert(args.end(), greedy.begin(), greedy.end());
    return f.run(args).out;
  };
  EXPECT_EQ(generated(tiny), generated("m"));
  Outcome counts = f.run({"inspect", "--model", tiny, "--task", "text-generation", "--method", "lora"});
  EXPECT_EQ(counts.status, 0) << counts.err;
  EXPECT_THAT(counts.out, HasSubstr("quantized"));
  Outcome quantized = f.run({"quantize", tiny, "--output", "q"});
  EXPECT_EQ(quantized.status, 3);
  EXPECT_THAT(quantized.err, HasSubstr("attune convert"));
  f.write("text.gguf", "no model");
  Outcome wrong = f.run({"generate", "text.gguf", "--prompt", "x"});
  EXPECT_EQ(wrong.status, 3);
  EXPECT_THAT(wrong.err, HasSubstr("is no GGUF file"));
}

TEST(Commands, TheSchemaDescribesTheExamples) {
  Folder f;
  json s = json::parse(f.run({"train", "--print-schema"}).out);
  EXPECT_EQ(s["properties"]["training"]["properties"]["learning_rate"]["type"], "number");
  Outcome r = f.run({"train", std::string(ATTUNE_SOURCE_DIR) + "/examples/reviews/lora.yaml", "--print-config", "r=16"});
  EXPECT_EQ(r.status, 0) << r.err;
  EXPECT_THAT(r.out, HasSubstr("  r: 16\n"));
}

TEST(Commands, QuietSaysNothingOnSuccess) {
  Folder f;
  f.write("in.txt", "the film\n");
  Outcome r = f.run({"predict", golden_model("bert"), "--input", "in.txt", "--output", "o.jsonl", "--quiet"});
  EXPECT_EQ(r.status, 0);
  EXPECT_EQ(r.err, "");
  EXPECT_EQ(r.out, "");
}

}  // namespace
}  // namespace attune::e2e
