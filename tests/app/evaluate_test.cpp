// Evaluation a few rows at a time: the same figures as all at once, by group too, in memory that does not grow with the file.
#include "app/evaluate.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "app/evaluate_rows.h"
#include "app/train_rig.h"
#include "base/pages.h"
#include "metrics/report.h"

namespace attune {
namespace {

using ::testing::HasSubstr;

class Evaluate : public TrainRig {
 protected:
  EvaluateOptions options(const std::string& model, const std::string& file) const {
    EvaluateOptions o;
    o.model = (fs::path(ATTUNE_SOURCE_DIR) / "tests/golden/models" / model).string();
    o.file = (root_ / file).string();
    o.threads = 1;
    return o;
  }
  void write(const std::string& name, const std::string& text) const { write_file_atomically(root_ / name, text); }

  /// Rows of groups `even` and `odd`, or only those of one.
  static std::string labelled(int rows, const std::string& only = "") {
    std::string out = "id,text,label,kind\n";
    for (int i = 0; i < rows; ++i) {
      const std::string kind = i % 2 ? "odd" : "even";
      if (!only.empty() && kind != only) continue;
      out += "r" + std::to_string(i) + ",the " + kWords[i % 10] + " " + kWords[i / 10 % 10] + "," + (i % 3 == 0 ? "positive" : i % 3 == 1 ? "negative" : "neutral") + "," + kind + "\n";
    }
    return out;
  }
};

/// Figures that two evaluations share, to rounding.
void expect_same_figures(const Json& a, const Json& b) {
  size_t seen = 0;
  for (const auto& [key, value] : b.items()) {
    if (!value.is_number() || key.ends_with("runtime") || key.ends_with("per_second") || key == "loss") continue;
    ASSERT_TRUE(a.contains(key)) << key;
    EXPECT_NEAR(a[key].get<double>(), value.get<double>(), 1e-12) << key;
    ++seen;
  }
  EXPECT_GT(seen, 3u);
}

TEST_F(Evaluate, WindowsOfRowsGiveTheFiguresOfAll) {
  write("all.csv", labelled(300));
  EvaluateOptions o = options("bert", "all.csv");
  const Json whole = evaluate(o);
  o.batch_size = 2;  // 64 rows at a time
  o.predictions = (root_ / "p.jsonl").string();
  const Json parts = evaluate(o);
  EXPECT_NEAR(parts["loss"].get<double>(), whole["loss"].get<double>(), 1e-6);
  EXPECT_EQ(parts["confusion_matrix"], whole["confusion_matrix"]);
  EXPECT_EQ(parts["confused_pairs"], whole["confused_pairs"]);
  EXPECT_EQ(parts["rows"], 300);

  // Batches of another size round logits differently, which decides near-ties; so the rest is compared with what was written of the rows.
  const auto labels = parts["labels"].get<std::vector<std::string>>();
  const auto id_of_label = [&](const Json& name) { return static_cast<int32_t>(std::find(labels.begin(), labels.end(), name.get<std::string>()) - labels.begin()); };
  std::vector<std::string> ids;
  std::vector<int32_t> gold, predicted;
  std::vector<double> scores;
  for_each_line(o.predictions, [&](std::string_view line, uint64_t) {
    const Json row = parse_json(line, "p");
    ids.push_back(row["id"].get<std::string>());
    gold.push_back(id_of_label(row["gold"]));
    predicted.push_back(id_of_label(row["prediction"]));
    for (const std::string& label : labels) scores.push_back(row["scores"][label].get<double>());
    return true;
  });
  ASSERT_EQ(ids.size(), 300u);
  for (size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(ids[i], "r" + std::to_string(i));
  const Json written = to_json(classification_report(gold, predicted, scores, labels, parts["loss"].get<double>(), ids));
  expect_same_figures(parts, written);
  EXPECT_EQ(parts["confused_pairs"], written["confused_pairs"]);
}

TEST_F(Evaluate, GroupsAreTheFiguresOfTheirRows) {
  write("all.csv", labelled(100));
  EvaluateOptions o = options("bert", "all.csv");
  o.data.group_by = "kind";
  o.batch_size = 1;
  const Json grouped = evaluate(o);
  ASSERT_EQ(grouped["groups"].size(), 2u);
  for (const char* kind : {"even", "odd"}) {
    write("part.csv", labelled(100, kind));
    const Json alone = evaluate(options("bert", "part.csv"));
    const Json& group = grouped["groups"][kind];
    EXPECT_EQ(group["rows"], 50);
    for (const char* key : {"accuracy", "f1_macro", "mcc", "roc_auc", "average_precision", "log_loss", "brier", "ece", "majority_rate"})
      EXPECT_NEAR(group[key].get<double>(), alone[key].get<double>(), 1e-6) << kind << " " << key;
    EXPECT_EQ(group["accuracy_interval"], alone["accuracy_interval"]);
    EXPECT_FALSE(group.contains("confusion_matrix"));
  }
  EXPECT_THAT(groups_table(grouped), HasSubstr("95% interval of accuracy"));

  o.data.group_by = "knd";
  EXPECT_EQ(id_of([&] { evaluate(o); }), "data.column");
  std::string many = "id,text,label\n";
  for (int i = 0; i < 1100; ++i) many += std::to_string(i) + ",film,positive\n";
  write("many.csv", many);
  EvaluateOptions by_id = options("bert", "many.csv");
  by_id.data.group_by = "id";
  EXPECT_EQ(id_of([&] { evaluate(by_id); }), "evaluate.group_by");
}

TEST_F(Evaluate, GroupsOfTagsAndAnswers) {
  const auto tags = [](bool a, bool b) {
    std::string out;
    for (int i = 0; i < 12; ++i)
      if (i % 2 ? b : a) out += std::string(R"({"tokens": ["the", "film", "was"], "ner_tags": ["LABEL_)") + std::to_string(i % 4) + R"(", "LABEL_0", "LABEL_1"], "source": ")" + (i % 2 ? "b" : "a") + "\"}\n";
    return out;
  };
  const auto answers = [](bool a, bool b) {
    std::string out;
    for (int i = 0; i < 6; ++i)
      if (i % 2 ? b : a) out += R"({"id": ")" + std::to_string(i) + R"(", "question": "good film", "context": "the plot was )" + kWords[i] + R"( story", "answers": {"text": ["plot"], "answer_start": [4]}, "source": ")" + (i % 2 ? "b" : "a") + "\"}\n";
    return out;
  };
  const auto check = [&](const char* model, const std::function<std::string(bool, bool)>& rows, const std::vector<const char*>& keys) {
    write("all.jsonl", rows(true, true));
    EvaluateOptions o = options(model, "all.jsonl");
    o.data.group_by = "source";
    const Json grouped = evaluate(o);
    for (const char* source : {"a", "b"}) {
      write("part.jsonl", rows(*source == 'a', *source == 'b'));
      const Json alone = evaluate(options(model, "part.jsonl"));
      for (const char* key : keys) EXPECT_EQ(grouped["groups"][source][key], alone[key]) << model << " " << source << " " << key;
    }
  };
  check("bert_tokens", tags, {"rows", "overall_accuracy", "words"});
  check("bert_qa", answers, {"exact", "f1", "total", "start_accuracy", "f1_interval"});
}

TEST_F(Evaluate, TagsAndAnswersInPartsAreTheFiguresOfWhatIsWritten) {
  std::string tags, answers;
  for (int i = 0; i < 300; ++i) {
    tags += std::string(R"({"tokens": ["the", ")") + kWords[i % 10] + R"(", "was"], "ner_tags": ["LABEL_)" + std::to_string(i % 4) + R"(", "LABEL_0", "LABEL_1"]})" + "\n";
    const bool none = i == 290;  // in the last part: all of them may have none
    answers += R"({"id": "q)" + std::to_string(i) + R"(", "question": ")" + kWords[i / 10 % 10] + R"( film", "context": "the plot was )" + kWords[i % 10] + R"( story", "answers": )" +
               (none ? R"({"text": [], "answer_start": []}})" : R"({"text": ["plot"], "answer_start": [4]}})") + "\n";
  }
  for (const auto& [model, rows] : {std::pair{"bert_tokens", tags}, {"bert_qa", answers}}) {
    write("all.jsonl", rows);
    EvaluateOptions o = options(model, "all.jsonl");
    o.batch_size = 1;  // 128 rows at a time
    o.predictions = (root_ / model / "p.jsonl").string();
    fs::create_directories(root_ / model);
    const Json parts = evaluate(o);
    EvaluateOptions stored;
    stored.predictions = o.predictions;
    stored.null_odds = std::string(model) == "bert_qa" ? (root_ / model / "null_odds.json").string() : "";
    const Json again = evaluate(stored);
    expect_same_figures(parts, again);
    EXPECT_EQ(parts.value("report", Json()), again.value("report", Json()));
  }
  EXPECT_EQ(read_json(root_ / "bert_qa/predictions.json").size(), 300u);
  EXPECT_EQ(read_json(root_ / "bert_qa/null_odds.json").size(), 300u);
  EXPECT_FALSE(read_json(root_ / "bert_qa/nbest_predictions.json")["q0"].empty());
  EXPECT_FALSE(file_exists(root_ / "bert_tokens/predictions.json"));
}

TEST_F(Evaluate, TextsInPartsHaveTheLossOfAll) {
  std::string texts, completions;
  for (int i = 0; i < 60; ++i) {
    texts += std::string(R"({"text": "the )") + kWords[i % 10] + " was " + kWords[i / 10] + "\"}\n";
    completions += std::string(R"({"prompt": "the )") + kWords[i % 10] + R"( ", "completion": "was )" + kWords[i / 10] + "\"}\n";
  }
  // Completions are not packed, so parts change nothing; of packed texts other tokens are hidden.
  for (const auto& [model, rows, tolerance] : {std::tuple{"gpt2_lm", completions, 1e-6}, {"bert_mlm", texts, 0.5}}) {
    write("all.jsonl", rows);
    LoadedModel m = load_for_use(open_model(options(model, "").model, ""));
    const RowSource source(root_ / "all.jsonl", DataConfig().read_options(LabelUse::kRequired, RowKind::kDocument));
    const EvaluatedRows whole = evaluate_rows(make_context(1), m, source, "all.jsonl", {});
    const EvaluatedRows parts = evaluate_rows(make_context(1), m, source, "all.jsonl", {.text_bytes = 200});
    EXPECT_GT(whole.metrics["tokens"].get<int64_t>(), 60) << model;
    EXPECT_EQ(parts.metrics["tokens"], whole.metrics["tokens"]) << model;
    EXPECT_NEAR(parts.loss, whole.loss, tolerance) << model;
    EXPECT_EQ(std::abs(parts.loss - whole.loss) < 1e-6, tolerance < 0.1) << model << ": other tokens are hidden in parts";
  }
}

TEST_F(Evaluate, ALanguageModelHasNoGroups) {
  write("all.jsonl", "{\"text\": \"the film was good\", \"source\": \"a\"}\n");
  EvaluateOptions o = options("gpt2_lm", "all.jsonl");
  o.data.group_by = "source";
  EXPECT_EQ(id_of([&] { evaluate(o); }), "evaluate.group_by");
}

#ifndef __SANITIZE_ADDRESS__
// Measured at 95 bytes a row (gold, prediction, three probabilities, and their sorted copies in the end); rows and logits held whole take 580.
TEST_F(Evaluate, MemoryDoesNotGrowWithTheRows) {
  constexpr int kRows = 30000;
  write("few.csv", labelled(2000));
  write("many.csv", labelled(kRows));
  EvaluateOptions o = options("bert", "few.csv");
  o.predictions = (root_ / "p.jsonl").string();
  evaluate(o);
  const int64_t before = peak_resident_bytes();
  o.file = (root_ / "many.csv").string();
  evaluate(o);
  EXPECT_LT(peak_resident_bytes() - before, int64_t{kRows} * 200);
}
#endif

}  // namespace
}  // namespace attune
