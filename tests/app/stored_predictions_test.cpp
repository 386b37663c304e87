// Predictions read back: the same figures as the model's own evaluation, and everything that can be wrong with such files.
#include "app/stored_predictions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "app/evaluate.h"
#include "base/error.h"

namespace attune {
namespace {

using ::testing::HasSubstr;

class Stored : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    root_ = fs::path(::testing::TempDir()) / (std::string("attune_stored_") + test->name());
    fs::remove_all(root_);
    fs::create_directories(root_);
  }
  std::string write(const std::string& name, const std::string& bytes) {
    write_file_atomically(root_ / name, bytes);
    return (root_ / name).string();
  }
  static std::string golden(const std::string& model) { return (fs::path(ATTUNE_SOURCE_DIR) / "tests/golden/models" / model).string(); }
  /// A golden model with other names for its labels.
  std::string renamed(const std::string& model, const std::vector<std::string>& labels) {
    fs::copy(golden(model), root_ / model);
    Json config = read_json(root_ / model / "config.json");
    config.erase("label2id");
    config["id2label"] = Json::object();
    for (size_t i = 0; i < labels.size(); ++i) config["id2label"][std::to_string(i)] = labels[i];
    fs::permissions(root_ / model / "config.json", fs::perms::owner_all);
    write(model + "/config.json", dump_json(config));
    return (root_ / model).string();
  }
  /// What a model says of a file and what its stored predictions say.
  void expect_same(EvaluateOptions options, const std::vector<std::string>& own = {}) {
    options.predictions = (root_ / "p.jsonl").string();
    options.threads = 1;
    const Json computed = evaluate(options);
    EvaluateOptions again;
    again.predictions = options.predictions;
    again.data.options.strict = options.data.options.strict;
    for (const std::string& data : {std::string(), options.file}) {
      again.file = data;
      again.data.label_column = data.empty() ? "" : options.data.label_column;
      const Json stored = evaluate(again);
      EXPECT_EQ(stored["task"], computed["task"]);
      for (const auto& [key, value] : computed.items()) {
        if (key == "model" || key == "data" || key == "base_storage" || key == "base_description" || key == "compute" || key == "runtime" || key == "samples_per_second" || key == "loss") continue;
        if (key == "undefined") continue;
        ASSERT_TRUE(stored.contains(key)) << key;
        EXPECT_EQ(stored[key], value) << key;
      }
      if (stored["loss"].is_null())
        EXPECT_THAT(stored["undefined"]["loss"].get<std::string>(), HasSubstr("stored without scores"));
      else
        EXPECT_NEAR(stored["loss"].get<double>(), computed["loss"].get<double>(), 1e-5);
    }
    for (const std::string& key : own) EXPECT_TRUE(computed.contains(key)) << key;
  }
  static EvaluateOptions of(const std::string& model, const std::string& file) {
    EvaluateOptions o;
    o.model = model;
    o.file = file;
    return o;
  }
  StoredPredictions read(const std::string& bytes, const StoredOptions& options = {}) { return read_stored_predictions(write("p.jsonl", bytes), options); }
  ErrorInfo error_of(const std::string& bytes, const StoredOptions& options = {}) {
    try {
      read(bytes, options);
    } catch (const Error& e) {
      return e.info();
    }
    return {};
  }
  fs::path root_;
};

const char* const kTexts[] = {"the film was great", "a bad plot and awful acting", "it was not good", "good good fun", "slow and boring", "the story was great fun", "awful"};

TEST_F(Stored, SingleLabel) {
  std::string rows = "id,text,label\n";
  const char* const labels[] = {"negative", "neutral", "positive"};
  for (int i = 0; i < 40; ++i) rows += "row" + std::to_string(i) + "," + kTexts[i % 7] + (i > 20 ? " again" : "") + "," + labels[(i * i) % 3] + "\n";
  expect_same(of(golden("bert"), write("rows.csv", rows)), {"f1_macro", "confusion_matrix"});
}

TEST_F(Stored, MultiLabelWithoutIds) {
  std::string rows;
  const char* const labels[] = {"[]", "[\"fun\"]", "[\"fun\", \"loud\"]", "[\"sad\", \"slow\"]"};
  for (int i = 0; i < 30; ++i) rows += "{\"text\": \"" + std::string(kTexts[i % 7]) + "\", \"labels\": " + labels[(i * 5) % 4] + "}\n";
  expect_same(of(golden("bert_multi_label"), write("rows.jsonl", rows)), {"hamming_loss"});
}

TEST_F(Stored, Regression) {
  std::string rows = "text,label\n";
  for (int i = 0; i < 30; ++i) rows += std::string(kTexts[i % 7]) + (i > 6 ? " again" : "") + "," + std::to_string(0.1 * (i % 11)) + "\n";
  expect_same(of(golden("bert_regression"), write("rows.csv", rows)), {"pearson"});
}

TEST_F(Stored, TagsOfEntities) {
  const std::string model = renamed("bert_tokens", {"O", "B-PER", "I-PER", "B-LOC"});
  std::string rows = "-DOCSTART- O\n\n";
  for (int i = 0; i < 25; ++i) {
    for (int w = 0; w < (i == 3 ? 90 : 4 + i % 5); ++w) rows += std::string(w % 3 ? "film" : "the") + (w % 4 == 1 ? " B-PER\n" : w % 4 == 2 ? " I-PER\n" : w % 7 == 3 ? " B-LOC\n" : " O\n");
    rows += i % 6 == 5 ? "\n-DOCSTART- O\n\n" : "\n";
  }
  EvaluateOptions o = of(model, write("rows.conll", rows));
  expect_same(o, {"overall_f1", "coverage", "overall_f1_interval"});
  o.data.options.strict = true;
  expect_same(o);
}

TEST_F(Stored, SchemesThatTheLabelsAloneTell) {
  // No S tag in the rows: what was predicted of them must still be read as IOBES.
  expect_same(of(renamed("bert_tokens", {"O", "B-X", "E-X", "S-X"}), write("rows.conll", "the B-X\nfilm E-X\nwas O\n\nit O\nwas O\n")), {"scheme"});
  const StoredPredictions p = read_stored_predictions((root_ / "p.jsonl").string(), {});
  ASSERT_TRUE(p.scheme);
  EXPECT_EQ(*p.scheme, TagScheme::kIobes);
  fs::remove_all(root_ / "bert_tokens");
  expect_same(of(renamed("bert_tokens", {"DET", "NOUN", "VERB", "O"}), write("pos.conll", "the DET\nfilm NOUN\nwas VERB\n\nit O\nwas VERB\n")));
}

std::string squad(bool unanswerable) {
  Json paragraphs = Json::array();
  for (int i = 0; i < 12; ++i) {
    std::string context = "the film was great";
    for (int k = 0; k < (i == 2 ? 60 : i % 4); ++k) context += " and very good";
    Json questions = Json::array();
    for (int q = 0; q < 2; ++q) {
      const bool none = unanswerable && (i + q) % 3 == 0;
      Json answers = Json::array();
      if (!none) answers = {{{"text", "film"}, {"answer_start", 4}}, {{"text", "the film"}, {"answer_start", 0}}};
      questions.push_back({{"id", "q" + std::to_string(2 * i + q)}, {"question", q ? "what was great ?" : "what film ?"}, {"is_impossible", none}, {"answers", answers}});
    }
    paragraphs.push_back({{"context", context + (i % 2 ? " fun" : " story")}, {"qas", questions}});
  }
  return Json{{"version", "v2.0"}, {"data", {{{"title", "T"}, {"paragraphs", paragraphs}}}}}.dump();
}

TEST_F(Stored, Answers) {
  EvaluateOptions o = of(golden("bert_qa"), write("dev.json", squad(true)));
  o.data.max_length = 40;
  o.data.options.doc_stride = 8;
  expect_same(o, {"best_exact_thresh", "NoAns_f1", "span_accuracy"});
  // The files the SQuAD script reads say the same, but nothing of windows.
  const Json stored = evaluate([&] {
    EvaluateOptions e;
    e.predictions = (root_ / "p.jsonl").string();
    return e;
  }());
  EvaluateOptions by_id;
  by_id.task = "question-answering";
  by_id.predictions = (root_ / "predictions.json").string();
  by_id.null_odds = (root_ / "null_odds.json").string();
  by_id.file = o.file;
  const Json official = evaluate(by_id);
  for (const char* key : {"exact", "f1", "total", "HasAns_exact", "HasAns_f1", "NoAns_f1", "best_exact", "best_exact_thresh", "best_f1", "best_f1_thresh", "exact_interval"})
    EXPECT_EQ(official[key], stored[key]) << key;
  EXPECT_TRUE(official["span_accuracy"].is_null());
  EXPECT_FALSE(official["undefined"]["span_accuracy"].get<std::string>().empty());
  by_id.null_odds = "";
  EXPECT_FALSE(evaluate(by_id).contains("best_exact"));
  EXPECT_EQ(read_stored_predictions(o.predictions.empty() ? (root_ / "p.jsonl").string() : "", {}).groups[0], read_stored_predictions((root_ / "p.jsonl").string(), {}).groups[1]);
}

TEST_F(Stored, AnswersThatAreAlwaysThere) {
  EvaluateOptions o = of(golden("bert_qa"), write("dev.json", squad(false)));
  o.data.max_length = 40;
  o.data.options.doc_stride = 8;
  expect_same(o);
}

TEST_F(Stored, KindsAreFoundByContent) {
  EXPECT_EQ(read(R"({"id": 1, "gold": "a", "prediction": "b"})").kind, StoredKind::kSingleLabel);
  EXPECT_EQ(read(R"({"id": "1", "gold": ["a"], "prediction": "b"})").kind, StoredKind::kAnswers);
  EXPECT_EQ(read(R"({"id": "1", "gold": ["a"], "prediction": ["a", "b"]})").kind, StoredKind::kMultiLabel);
  EXPECT_EQ(read(R"({"id": "1", "gold": ["O", "B-X"], "prediction": ["O", "B-X"]})").kind, StoredKind::kTags);
  EXPECT_EQ(read(R"({"id": "1", "gold": 1, "prediction": 1.5})").kind, StoredKind::kRegression);
  EXPECT_EQ(read(R"({"id": "1", "gold": 1, "prediction": 0, "scores": {"0": 0.75, "1": 0.25}})").kind, StoredKind::kSingleLabel);
  EXPECT_EQ(read(R"({"id": "1", "gold": ["O", "O"], "prediction": ["O", "O"]})", {.task = "text-classification"}).kind, StoredKind::kMultiLabel);
}

TEST_F(Stored, LabelsAreThoseOfTheScoresElseSorted) {
  EXPECT_EQ(read(R"({"id": 1, "gold": "b", "prediction": "b", "scores": {"z": 0.25, "b": 0.75}})").labels, (std::vector<std::string>{"z", "b"}));
  EXPECT_EQ(read("{\"id\": 1, \"gold\": \"10\", \"prediction\": \"9\"}\n\n{\"id\": 2, \"gold\": \"9\", \"prediction\": \"9\"}\n").labels, (std::vector<std::string>{"9", "10"}));
  const StoredPredictions p = read(R"({"id": 1, "gold": 1, "prediction": "yes"})", {.labels = {"no", "yes"}});
  EXPECT_EQ(p.gold, std::vector<int32_t>{1});
}

TEST_F(Stored, GoldOfADataFileIsJoinedById) {
  const std::string lines = "{\"id\": \"1\", \"prediction\": \"b\"}\n{\"id\": \"0\", \"prediction\": \"a\"}\n";
  StoredOptions options{.gold_file = write("gold.csv", "text,label\nfirst,a\nsecond,a\nthird,b\n")};
  const StoredPredictions p = read(lines, options);
  EXPECT_EQ(p.texts, (std::vector<std::string>{"second", "first"}));
  EXPECT_EQ(p.gold, (std::vector<int32_t>{0, 0}));
  EXPECT_EQ(p.predicted, (std::vector<int32_t>{1, 0}));
  const ErrorInfo other = error_of("{\"id\": \"0\", \"prediction\": \"a\", \"gold\": \"b\"}\n{\"id\": \"1\", \"prediction\": \"a\", \"gold\": \"a\"}\n", options);
  EXPECT_EQ(other.id, "predictions.gold");
  EXPECT_THAT(other.what, HasSubstr("p.jsonl:1: id '0'"));
  const ErrorInfo missing = error_of("{\"id\": \"7\", \"prediction\": \"a\"}\n{\"id\": \"1\", \"prediction\": \"a\"}\n", options);
  EXPECT_EQ(missing.id, "predictions.ids");
  EXPECT_THAT(missing.what, HasSubstr("p.jsonl:1: id '7'"));
}

TEST_F(Stored, BadFilesEndInOneErrorWithPlaces) {
  const std::string good = R"({"id": "g", "gold": "a", "prediction": "b", "scores": {"a": 0.25, "b": 0.75}})" "\n";
  const std::tuple<std::string, const char*, const char*> cases[] = {
      {"", "predictions.empty", ""},
      {"\n  \n", "predictions.empty", ""},
      {"{}", "predictions.empty", ""},
      {"text,label\nfine,pos\n", "predictions.row", "p.jsonl:1: is no predictions file"},
      {"[1, 2]\n", "predictions.row", "p.jsonl:1: is a list"},
      {"{\n \"a\": 1\n}", "predictions.row", ""},
      {good + "{\"id\": \"h\", \"gold\": \"a\"}\n", "predictions.row", "p.jsonl:2: has no 'prediction'"},
      {good + "{\"gold\": \"a\", \"prediction\": \"a\"}\n", "predictions.row", "p.jsonl:2: has no 'id'"},
      {good + "{\"id\": \n", "predictions.row", "p.jsonl:2"},
      {good + good, "predictions.duplicate_id", "p.jsonl:2: id 'g' is already that of line 1"},
      {good + R"({"id": "h", "prediction": "a"})", "predictions.no_gold", "p.jsonl:2: id 'h'"},
      {good + R"({"id": "h", "gold": null, "prediction": "a"})", "predictions.no_gold", "p.jsonl:2: id 'h'"},
      {good + R"({"id": "h", "gold": "bb", "prediction": "a"})", "predictions.label", "p.jsonl:2: the gold 'bb': did you mean 'b'?"},
      {good + R"({"id": "h", "gold": "a", "prediction": ["a"]})", "predictions.row", "p.jsonl:2: the prediction is a list"},
      {R"({"id": "h", "gold": "1", "prediction": "yes"})", "predictions.label", ""},
      {R"({"id": 1, "gold": ["O", "O"], "prediction": ["O"], "tokens": ["a", "b"]})", "predictions.row", "p.jsonl:1: 1 tags are predicted for 2 words"},
      {"{\"id\": 1, \"gold\": 1, \"prediction\": 1.5}\n{\"id\": 2, \"gold\": 1, \"prediction\": NaN}\n", "predictions.row", "p.jsonl:2: the prediction is not a finite number"},
  };
  for (const auto& [bytes, id, says] : cases) {
    const ErrorInfo e = error_of(bytes);
    EXPECT_EQ(e.id, id) << bytes << e.what;
    EXPECT_THAT(e.where + ": " + e.what, HasSubstr(says));
  }
}

TEST_F(Stored, ScoresThatAreNoProbabilitiesLeaveTheirFiguresOut) {
  const std::string good = R"({"id": "g", "gold": "a", "prediction": "b", "scores": {"a": 0.25, "b": 0.75}})" "\n";
  const std::pair<const char*, const char*> cases[] = {{"{\"a\": NaN, \"b\": 0.5}", "the score of 'a' is no number"},
                                                       {"{\"a\": null, \"b\": 0.5}", "the score of 'a' is no number"},
                                                       {"{\"b\": 0.5}", "the score of 'a' is missing"},
                                                       {"{\"a\": 4.5, \"b\": -1}", "the score of 'a' is no probability: 4.5"},
                                                       {"{\"a\": 0.5, \"b\": 0.75}", "the scores sum to 1.25"},
                                                       {"null", "has no scores"}};
  for (const auto& [scores, says] : cases) {
    const StoredPredictions p = read(good + R"({"id": "h", "gold": "b", "prediction": "b", "scores": )" + scores + "}\n");
    EXPECT_TRUE(p.scores.empty());
    EXPECT_THAT(p.no_scores, HasSubstr(std::string("p.jsonl:2: ") + says));
    const Json m = stored_metrics(p);
    EXPECT_EQ(m["accuracy"], 0.5);
    for (const char* key : {"loss", "roc_auc", "average_precision", "log_loss", "brier", "ece"}) {
      EXPECT_TRUE(m.contains(key) && m[key].is_null()) << key;
      EXPECT_EQ(m["undefined"][key], p.no_scores);
    }
  }
}

TEST_F(Stored, GzipIsReadAsItIs) {
  const std::string file = (root_ / "p.jsonl.gz").string(), bytes = R"({"id": 1, "gold": "a", "prediction": "b"})";
  gzFile out = gzopen(file.c_str(), "wb");
  gzwrite(out, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(out);
  EXPECT_EQ(read_stored_predictions(file, {}).rows(), 1u);
}

TEST_F(Stored, OptionsThatDoNotFitAreRefused) {
  const auto id = [&](const std::function<void(EvaluateOptions&)>& change) {
    EvaluateOptions o;
    o.predictions = write("p.jsonl", R"({"id": 1, "gold": "a", "prediction": "b"})");
    change(o);
    try {
      evaluate(o);
    } catch (const Error& e) {
      return e.info().id;
    }
    return std::string("none");
  };
  EXPECT_EQ(id([](EvaluateOptions&) {}), "none");
  EXPECT_EQ(id([](EvaluateOptions& o) { o.max_samples = 3; }), "evaluate.max_samples");
  EXPECT_EQ(id([](EvaluateOptions& o) { o.baselines = {"majority"}; }), "evaluate.baselines");
  EXPECT_EQ(id([](EvaluateOptions& o) { o.task = "text-generation"; }), "predictions.task");
  EXPECT_EQ(id([&](EvaluateOptions& o) { o.null_odds = write("odds.json", "{}"); }), "predictions.null_odds");
  EXPECT_EQ(id([&](EvaluateOptions& o) { o.predictions = root_.string(); fs::remove(root_ / "p.jsonl"); }), "predictions.missing");
  EXPECT_EQ(id([&](EvaluateOptions& o) {
              o.model = golden("bert");
              o.null_odds = "odds.json";
            }),
            "evaluate.null_odds");
}

}  // namespace
}  // namespace attune
