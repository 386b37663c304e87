// Comparisons of stored predictions: numbers worked out by hand or by another way, pairing, refusals and gates. Against statsmodels and
// scikit-learn: tests/interop/test_compare.py.
#include "app/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/compared_metric.h"
#include "app/gate.h"
#include "app/paired_rows.h"
#include "base/error.h"
#include "base/random.h"
#include "metrics/classification.h"
#include "metrics/regression.h"
#include "metrics/seqeval.h"

namespace attune {
namespace {

using ::testing::HasSubstr;

/// Two classes; `right` of the predictions are the gold, scores go with them.
StoredPredictions binary(const std::string& name, int rows, double right, uint64_t seed, int classes = 2) {
  Random r(seed), shared(7);
  StoredPredictions p;
  p.name = name;
  p.file = name + ".jsonl";
  p.labels = classes == 2 ? std::vector<std::string>{"neg", "pos"} : std::vector<std::string>{"a", "b", "c"};
  for (int i = 0; i < rows; ++i) {
    p.ids.push_back("id" + std::to_string(i));
    p.lines.push_back(static_cast<uint64_t>(i) + 1);
    p.texts.push_back("text " + std::to_string(i));
    p.pairs.emplace_back();
    p.groups.emplace_back();
    p.gold.push_back(static_cast<int32_t>(shared.below(static_cast<uint64_t>(classes))));
    const bool hit = r.uniform() < right;
    p.predicted.push_back(hit ? p.gold.back() : (p.gold.back() + 1) % classes);
    const double top = 0.5 + 0.5 * r.uniform();
    for (int c = 0; c < classes; ++c) p.scores.push_back(c == p.predicted.back() ? top : (1 - top) / (classes - 1));
  }
  return p;
}

Json compared(const std::vector<StoredPredictions>& runs, CompareOptions options = {}) {
  options.draws = 300;
  return compare(runs, options);
}
template <typename Action>
ErrorInfo error_of(Action action) {
  try {
    action();
  } catch (const Error& e) {
    return e.info();
  }
  return {};
}

TEST(ScoreOfRows, AccuracyOfRowsThatStandAloneHasWilsonsInterval) {
  StoredPredictions p = binary("a", 60, 0.8, 3);
  p.predicted.assign(60, 1);
  const auto right = std::count(p.gold.begin(), p.gold.end(), 1);
  const RowsScore one_class = score_of_rows("accuracy", p, 300);
  EXPECT_DOUBLE_EQ(one_class.score.value(), static_cast<double>(right) / 60);
  EXPECT_DOUBLE_EQ(one_class.interval->low, wilson_interval(right, 60).low) << "and not an interval of no width";
  EXPECT_DOUBLE_EQ(one_class.interval->high, wilson_interval(right, 60).high);
  p = binary("a", 60, 0.8, 3);
  for (size_t i = 0; i < 60; ++i) p.groups[i] = std::to_string(i / 3);
  const std::vector<uint8_t> hits = right_rows(p);
  EXPECT_NE(score_of_rows("accuracy", p, 300).interval->low, wilson_interval(std::count(hits.begin(), hits.end(), 1), 60).low) << "documents are drawn whole";
  const RowsScore f1 = score_of_rows("f1_macro", p, 300);
  EXPECT_LT(f1.interval->low, f1.score.value());
  EXPECT_GT(f1.interval->high, f1.score.value());
}

TEST(DifferenceIn, TakesTheBootstrapsIntervalAndRandomisationsP) {
  const Json pair = Json::parse(R"({"paired_bootstrap": {"f1": {"difference": 0.25, "low": 0.125, "high": 0.5, "p": 0.01}, "mcc": {"difference": 1, "low": 0, "high": 2, "p": 0.5}},
                                    "randomisation": {"f1": {"difference": 0.25, "p": 0.03}, "mcc": null}})");
  const PairedDifference f1 = difference_in(pair, "f1");
  EXPECT_EQ((std::vector{f1.difference, f1.low, f1.high, f1.p}), (std::vector{0.25, 0.125, 0.5, 0.03}));
  EXPECT_EQ(difference_in(pair, "mcc").p, 0.5) << "the bootstrap's, where no row was exchanged";
  EXPECT_TRUE(std::isnan(difference_in(pair, "ece").difference) && std::isnan(difference_in(pair, "ece").p));
}

TEST(Compare, CountsAndFlipsOfAFewRows) {
  // a right on rows 0 1 2 4, b on 0 3 4.
  StoredPredictions a = binary("a", 5, 1, 1), b = a;
  b.name = "b";
  a.predicted = a.gold;
  b.predicted = b.gold;
  a.predicted[3] = 1 - a.gold[3];
  b.predicted[1] = 1 - b.gold[1];
  b.predicted[2] = 1 - b.gold[2];
  const Json r = compared({a, b});
  EXPECT_EQ(r["mcnemar"], (Json{{"only_a_right", 2}, {"only_b_right", 1}, {"p", 1.0}}));
  EXPECT_EQ(r["metrics"]["accuracy"], (Json{{"a", 0.8}, {"b", 0.6}}));
  EXPECT_NEAR(r["paired_bootstrap"]["accuracy"]["difference"].get<double>(), -0.2, 1e-12);
  EXPECT_EQ(r["agreement"]["share"], 0.4);
  EXPECT_EQ(r["flips"]["right_to_wrong_count"], 2);
  ASSERT_EQ(r["flips"]["wrong_to_right"].size(), 1u);
  const Json& flip = r["flips"]["wrong_to_right"][0];
  EXPECT_EQ(flip["id"], "id3");
  EXPECT_EQ(flip["text"], "text 3");
  EXPECT_EQ(flip["gold"], flip["b"]);
  EXPECT_NE(flip["gold"], flip["a"]);
  EXPECT_FALSE(r.contains("pairs"));
  EXPECT_THAT(r["verdict"].get<std::string>(), HasSubstr("cannot be told from chance"));
  EXPECT_THAT(comparison_text(r), HasSubstr("Wrong in a, right in b: 1 rows\n  id3: gold "));
}

TEST(Compare, AClearDifferenceIsSaidInWords) {
  const Json r = compared({binary("old", 600, 0.7, 1), binary("new", 600, 0.95, 2)});
  EXPECT_LT(r["mcnemar"]["p"].get<double>(), 1e-6);
  EXPECT_LT(r["randomisation"]["accuracy"]["p"].get<double>(), 0.01);
  EXPECT_THAT(r["verdict"].get<std::string>(), testing::StartsWith("new is better by 2"));
  EXPECT_THAT(r["verdict"].get<std::string>(), HasSubstr("points of accuracy (95 % interval"));
  EXPECT_THAT(r["verdict"].get<std::string>(), HasSubstr("significant at 5 %"));
  for (const char* metric : {"accuracy", "f1_macro", "f1", "roc_auc"}) {
    const Json& d = r["paired_bootstrap"][metric];
    EXPECT_LT(d["low"].get<double>(), d["difference"].get<double>()) << metric;
    EXPECT_GT(d["high"].get<double>(), d["difference"].get<double>()) << metric;
    EXPECT_EQ(d["difference"], r["randomisation"][metric]["difference"]) << metric;
  }
  EXPECT_NEAR(r["delong"]["auc_b"].get<double>(), r["metrics"]["roc_auc"]["b"].get<double>(), 1e-12);
  // The losing side is named as such when it comes second.
  EXPECT_THAT(compared({binary("new", 600, 0.95, 2), binary("old", 600, 0.7, 1)})["verdict"].get<std::string>(), testing::StartsWith("new is better by 2"));
  CompareOptions loss;
  loss.metrics = {"log_loss"};
  EXPECT_THAT(compared({binary("old", 600, 0.7, 1), binary("new", 600, 0.95, 2)}, loss)["verdict"].get<std::string>(), testing::StartsWith("new is better by 0."));
}

TEST(Compare, ARunWithItselfIsTheSame) {
  const StoredPredictions a = binary("a", 50, 0.8, 1);
  const Json r = compared({a, a});
  EXPECT_EQ(r["mcnemar"]["p"], 1.0);
  EXPECT_EQ(r["randomisation"]["accuracy"]["p"], 1.0);
  EXPECT_EQ(r["paired_bootstrap"]["f1"]["p"], 1.0);
  EXPECT_EQ(r["agreement"], (Json{{"share", 1.0}, {"kappa", 1.0}}));
  EXPECT_TRUE(r["rows_needed"].is_null());
  EXPECT_TRUE(r["equivalence"].is_null());
  EXPECT_THAT(r["verdict"].get<std::string>(), HasSubstr("both have the same accuracy"));
}

TEST(Compare, RowsArePairedByIdAndLabelsByName) {
  const StoredPredictions a = binary("a", 60, 0.8, 1), b = binary("b", 60, 0.7, 2);
  StoredPredictions other = b;  // in reverse, its labels too
  std::reverse(other.ids.begin(), other.ids.end());
  std::reverse(other.gold.begin(), other.gold.end());
  std::reverse(other.predicted.begin(), other.predicted.end());
  std::reverse(other.scores.begin(), other.scores.end());  // rows and columns at once
  other.labels = {"pos", "neg"};
  for (auto* ids : {&other.gold, &other.predicted})
    for (int32_t& id : *ids) id = 1 - id;
  Json plain = compared({a, b}), paired = compared({a, other});
  EXPECT_EQ(plain, paired);
  // A label that one run alone knows is a class without rows for the other.
  StoredPredictions wide = b;
  wide.labels.push_back("never");
  wide.scores.clear();
  for (size_t i = 0; i < b.rows(); ++i) wide.scores.insert(wide.scores.end(), {b.scores[2 * i], b.scores[2 * i + 1], 0.0});
  EXPECT_EQ(compared({a, wide})["paired_bootstrap"]["f1_macro"], plain["paired_bootstrap"]["f1_macro"]);
}

TEST(Compare, SeedsGiveTheSameNumbersAgain) {
  const std::vector<StoredPredictions> runs{binary("a", 80, 0.8, 1), binary("b", 80, 0.7, 2)};
  CompareOptions other;
  other.seed = 1;
  EXPECT_EQ(compared(runs), compared(runs));
  EXPECT_NE(compared(runs)["paired_bootstrap"], compared(runs, other)["paired_bootstrap"]);
}

TEST(Compare, MoreThanTwoAreComparedWithTheFirst) {
  const Json r = compared({binary("a", 200, 0.8, 1), binary("b", 200, 0.82, 2), binary("c", 200, 0.95, 3)});
  ASSERT_EQ(r["pairs"].size(), 2u);
  ASSERT_EQ(r["holm"].size(), 2u);
  EXPECT_EQ(r["pairs"][1]["a"], "a");
  EXPECT_EQ(r["holm"][1]["b"], "c");
  const double p_b = r["pairs"][0]["mcnemar"]["p"].get<double>(), p_c = r["pairs"][1]["mcnemar"]["p"].get<double>();
  ASSERT_LT(p_c, p_b);
  EXPECT_DOUBLE_EQ(r["holm"][1]["mcnemar"].get<double>(), 2 * p_c);
  EXPECT_DOUBLE_EQ(r["holm"][0]["mcnemar"].get<double>(), std::max(2 * p_c, p_b));
  EXPECT_EQ(r["runs"].size(), 3u);
  EXPECT_FALSE(r.contains("mcnemar"));
  EXPECT_THAT(comparison_text(r), HasSubstr("Holm"));
}

TEST(Compare, WhatIsUndefinedSaysWhy) {
  StoredPredictions a = binary("a", 40, 0.8, 1), b = binary("b", 40, 0.7, 2);
  b.scores.clear();
  b.no_scores = "b.jsonl:3: the score of 'pos' is no number";
  const Json no_scores = compared({a, b});
  EXPECT_TRUE(no_scores["delong"].is_null());
  EXPECT_EQ(no_scores["undefined"]["delong"], b.no_scores);
  EXPECT_TRUE(no_scores["paired_bootstrap"]["roc_auc"].is_null());
  EXPECT_TRUE(no_scores["paired_bootstrap"]["accuracy"].is_object());

  StoredPredictions one = binary("a", 40, 0.8, 1), two = binary("b", 40, 0.7, 2);
  for (auto* p : {&one, &two}) std::fill(p->gold.begin(), p->gold.end(), 1);
  const Json one_class = compared({one, two});
  EXPECT_EQ(one_class["undefined"]["delong"], "all rows are of class 'pos'");
  EXPECT_TRUE(one_class["randomisation"]["roc_auc"].is_null());
  EXPECT_TRUE(one_class["randomisation"]["accuracy"].is_object());

  EXPECT_EQ(compared({binary("a", 40, 0.8, 1, 3), binary("b", 40, 0.7, 2, 3)})["undefined"]["delong"], "is for two classes");
}

TEST(Compare, RefusesRowsThatAreNotTheSame) {
  const StoredPredictions a = binary("a", 30, 0.8, 1);
  StoredPredictions none = binary("b", 30, 0.7, 2), some = none, gold = none, kind = none;
  for (std::string& id : none.ids) id = "x" + id;
  EXPECT_EQ(error_of([&] { compared({a, none}); }).id, "compare.no_common");
  for (int i = 0; i < 12; ++i) some.ids[static_cast<size_t>(i)] = "new" + std::to_string(i);
  const ErrorInfo rows = error_of([&] { compared({a, some}); });
  EXPECT_EQ(rows.id, "compare.rows");
  EXPECT_THAT(rows.what, HasSubstr("12 of 30 rows only in a.jsonl: 'id0', 'id1'"));
  EXPECT_THAT(rows.what, HasSubstr("12 of 30 rows only in b.jsonl: 'new0', 'new1'"));
  EXPECT_THAT(rows.what, HasSubstr("'new9' and 2 more"));
  gold.gold[4] = 1 - gold.gold[4];
  const ErrorInfo other = error_of([&] { compared({a, gold}); });
  EXPECT_EQ(other.id, "compare.gold");
  EXPECT_THAT(other.what, HasSubstr("id 'id4'"));
  kind.kind = StoredKind::kMultiLabel;
  EXPECT_EQ(error_of([&] { compared({a, kind}); }).id, "compare.task");
  EXPECT_EQ(error_of([&] { compared({a}); }).id, "compare.runs");
  CompareOptions options;
  options.metrics = {"f1_macor"};
  const ErrorInfo metric = error_of([&] { compared({a, a}, options); });
  EXPECT_EQ(metric.id, "compare.metric");
  EXPECT_THAT(metric.hint, HasSubstr("f1_macro"));
}

// ---- Other tasks

/// Sentences of four words in documents of three.
StoredPredictions tags(const std::string& name, uint64_t seed, double right, bool documents) {
  Random r(seed), shared(5);
  StoredPredictions p;
  p.name = name;
  p.file = name;
  p.kind = StoredKind::kTags;
  p.labels = {"B-X", "B-Y", "I-X", "O"};
  for (int i = 0; i < 45; ++i) {
    p.ids.push_back(std::to_string(i));
    p.lines.push_back(1);
    p.texts.push_back("t");
    p.pairs.emplace_back();
    p.groups.push_back(documents ? "document " + std::to_string(i / 3) : "");
    p.tokens.emplace_back();
    std::vector<std::string> gold, predicted;
    for (int w = 0; w < 4; ++w) {
      gold.push_back(p.labels[shared.below(4)]);
      predicted.push_back(r.uniform() < right ? gold.back() : p.labels[r.below(4)]);
    }
    p.gold_tags.push_back(gold);
    p.predicted_tags.push_back(predicted);
  }
  return p;
}

TEST(Compare, TagsByDocument) {
  const StoredPredictions a = tags("a", 1, 0.6, true), b = tags("b", 2, 0.9, true);
  const Json r = compared({a, b});
  EXPECT_NEAR(r["metrics"]["overall_f1"]["a"].get<double>(), entity_scores(a.gold_tags, a.predicted_tags).micro.f1, 1e-12);
  EXPECT_EQ(r["units"], (Json{{"kind", "documents"}, {"count", 15}}));
  EXPECT_EQ(r["equivalence"]["metric"], "sentence_accuracy");
  EXPECT_THAT(r["verdict"].get<std::string>(), testing::StartsWith("b is better by"));
  EXPECT_FALSE(r["notes"].empty());
  // Whole documents are drawn: other intervals than those of rows.
  const Json alone = compared({tags("a", 1, 0.6, false), tags("b", 2, 0.9, false)});
  EXPECT_EQ(alone["units"]["kind"], "rows");
  EXPECT_EQ(alone["metrics"], r["metrics"]);
  EXPECT_NE(alone["paired_bootstrap"]["overall_f1"]["low"], r["paired_bootstrap"]["overall_f1"]["low"]);
  EXPECT_FALSE(alone.contains("notes"));
}

TEST(Compare, ClustersExchangeSidesTogether) {
  const StoredPredictions a = tags("a", 1, 0.6, true), b = tags("b", 2, 0.9, true);
  const ComparedMetric m = compared_metric("overall_f1", a, b);
  ASSERT_EQ(m.swapped_units, 15u);
  std::vector<uint8_t> swapped(15, 0);
  swapped[4] = 1;
  StoredPredictions left = a, right = b;
  for (size_t i = 12; i < 15; ++i) std::swap(left.predicted_tags[i], right.predicted_tags[i]);
  EXPECT_NEAR(*m.swapped(swapped), entity_scores(right.gold_tags, right.predicted_tags).micro.f1 - entity_scores(left.gold_tags, left.predicted_tags).micro.f1, 1e-12);
}

TEST(Compare, Answers) {
  StoredPredictions a;
  a.name = a.file = "a";
  a.kind = StoredKind::kAnswers;
  for (int i = 0; i < 24; ++i) {
    a.ids.push_back("q" + std::to_string(i));
    a.lines.push_back(1);
    a.texts.push_back("question");
    a.pairs.push_back("context");
    a.groups.push_back("c" + std::to_string(i / 2));
    a.questions.push_back({.gold = i % 4 == 0 ? std::vector<std::string>{} : std::vector<std::string>{"the red fox", "fox"}, .predicted = i % 3 ? "red fox" : "", .no_answer_score = 0});
  }
  StoredPredictions b = a;
  b.name = "b";
  for (size_t i = 1; i < 24; i += 4) b.questions[i].predicted = "a dog";
  const Json r = compared({a, b});
  EXPECT_EQ(r["runs"][0]["metrics"].size(), 2u);
  EXPECT_NEAR(r["metrics"]["exact"]["a"].get<double>(), 100.0 * 14 / 24, 1e-9);
  EXPECT_EQ(r["units"], (Json{{"kind", "contexts"}, {"count", 12}}));
  EXPECT_EQ(r["flips"]["right_to_wrong"][0]["text_pair"], "context");
  EXPECT_TRUE(r["agreement"]["kappa"].is_null());
  CompareOptions parts;
  parts.metrics = {"NoAns_f1", "HasAns_exact"};
  EXPECT_EQ(compared({a, b}, parts)["metrics"]["NoAns_f1"]["a"], Json(100.0 * 2 / 6));
  EXPECT_THAT(compared({a, b})["verdict"].get<std::string>(), HasSubstr("points of exact"));
}

TEST(Compare, SetsAndNumbers) {
  StoredPredictions a;
  a.name = a.file = "a";
  a.kind = StoredKind::kMultiLabel;
  a.labels = {"x", "y", "z"};
  Random r(3);
  for (int i = 0; i < 40; ++i) {
    a.ids.push_back(std::to_string(i));
    a.lines.push_back(1);
    for (auto* v : {&a.texts, &a.pairs, &a.groups}) v->emplace_back();
    for (int c = 0; c < 3; ++c) {
      a.gold_set.push_back(r.below(2) != 0);
      a.predicted_set.push_back(r.uniform() < 0.7 ? a.gold_set.back() : 1 - a.gold_set.back());
    }
  }
  StoredPredictions b = a;
  b.name = "b";
  for (size_t i = 0; i < b.predicted_set.size(); i += 2) b.predicted_set[i] = b.gold_set[i];
  CompareOptions all;
  all.metrics = metric_names(a);
  const Json sets = compared({a, b}, all);
  const Json of_a = stored_metrics(a), of_b = stored_metrics(b);
  for (const std::string& name : all.metrics) {
    EXPECT_NEAR(sets["metrics"][name]["a"].get<double>(), of_a[name].get<double>(), 1e-12) << name;
    EXPECT_NEAR(sets["randomisation"][name]["difference"].get<double>(), of_b[name].get<double>() - of_a[name].get<double>(), 1e-12) << name;
  }
  EXPECT_THAT(sets["verdict"].get<std::string>(), testing::StartsWith("b is better"));

  StoredPredictions n = a, m;
  n.kind = StoredKind::kRegression;
  n.labels = {"LABEL_0", "LABEL_1"};
  n.gold_set.clear();
  n.predicted_set.clear();
  for (int i = 0; i < 80; ++i) {
    n.gold_values.push_back(r.normal());
    n.predicted_values.push_back(n.gold_values.back() + 0.9 * r.normal());
  }
  m = n;
  m.name = "m";
  for (size_t i = 0; i < 80; ++i) m.predicted_values[i] = 0.5 * (m.predicted_values[i] + m.gold_values[i]);
  all.metrics = metric_names(n);
  const Json numbers = compared({n, m}, all);
  for (const std::string& name : all.metrics) {
    EXPECT_NEAR(numbers["metrics"][name]["a"].get<double>(), stored_metrics(n)[name].get<double>(), 1e-12) << name;
    EXPECT_NEAR(numbers["paired_bootstrap"][name]["difference"].get<double>(), stored_metrics(m)[name].get<double>() - stored_metrics(n)[name].get<double>(), 1e-12) << name;
  }
  for (const char* key : {"mcnemar", "delong", "agreement", "flips", "rows_needed", "equivalence"}) {
    EXPECT_TRUE(numbers[key].is_null()) << key;
    EXPECT_TRUE(numbers["undefined"].contains(key)) << key;
  }
}

TEST(Compare, EveryFigureIsThatOfTheEvaluation) {
  const StoredPredictions a = binary("a", 70, 0.8, 1), b = binary("b", 70, 0.7, 2);
  CompareOptions all;
  all.metrics = metric_names(a);
  const Json r = compared({a, b}, all);
  const auto check = [](const StoredPredictions& one, const StoredPredictions& other, const Json& result) {
    const Json of_one = stored_metrics(one), of_other = stored_metrics(other);
    for (const std::string& name : metric_names(one)) {
      EXPECT_NEAR(result["metrics"][name]["a"].get<double>(), of_one[name].get<double>(), 1e-12) << name;
      EXPECT_NEAR(result["randomisation"][name]["difference"].get<double>(), of_other[name].get<double>() - of_one[name].get<double>(), 1e-12) << name;
      EXPECT_TRUE(result["paired_bootstrap"][name].is_object()) << name;
    }
  };
  check(a, b, r);
  const StoredPredictions c = binary("c", 70, 0.8, 1, 3), d = binary("d", 70, 0.7, 2, 3);
  CompareOptions of_three;
  of_three.metrics = metric_names(c);
  EXPECT_THAT(of_three.metrics, testing::IsSupersetOf({"roc_auc", "roc_auc_ovo", "average_precision", "ece"}));
  check(c, d, compared({c, d}, of_three));
  // Groups change what is drawn, never the figures.
  StoredPredictions grouped_a = a, grouped_b = b;
  for (auto* p : {&grouped_a, &grouped_b})
    for (size_t i = 0; i < 70; ++i) p->groups[i] = "g" + std::to_string(i / 5);
  const Json by_group = compared({grouped_a, grouped_b}, all);
  EXPECT_EQ(by_group["metrics"], r["metrics"]);
  EXPECT_EQ(by_group["units"]["count"], 14);
}

TEST(Compare, ExchangedRowsGiveTheFiguresOfTheMixture) {
  for (const int classes : {2, 3}) {
    const StoredPredictions a = binary("a", 60, 0.8, 1, classes), b = binary("b", 60, 0.7, 2, classes);
    StoredPredictions left = a, right = b;
    std::vector<uint8_t> swapped(60);
    for (size_t i = 0; i < 60; i += 3) {
      swapped[i] = 1;
      std::swap(left.predicted[i], right.predicted[i]);
      for (size_t c = 0; c < a.labels.size(); ++c) std::swap(left.scores[i * a.labels.size() + c], right.scores[i * a.labels.size() + c]);
    }
    const Json of_left = stored_metrics(left), of_right = stored_metrics(right);
    for (const std::string& name : metric_names(a))
      EXPECT_NEAR(*compared_metric(name, a, b).swapped(swapped), of_right[name].get<double>() - of_left[name].get<double>(), 1e-12) << classes << " classes, " << name;
  }
}

// ---- Gates

TEST(Gate, ReadsItsGrammar) {
  const Gate g = parse_gate("f1 < baseline - 0.01 @ 95%");
  EXPECT_EQ(g.metric, "f1");
  EXPECT_EQ(g.op, "<");
  EXPECT_TRUE(g.baseline);
  EXPECT_DOUBLE_EQ(g.number, -0.01);
  EXPECT_DOUBLE_EQ(*g.confidence, 0.95);
  const Gate n = parse_gate("log_loss>=0.5");
  EXPECT_FALSE(n.baseline);
  EXPECT_EQ(n.op, ">=");
  EXPECT_DOUBLE_EQ(n.number, 0.5);
  EXPECT_FALSE(n.confidence);
  EXPECT_DOUBLE_EQ(parse_gate("mse > baseline+1e-3@90 %").number, 1e-3);
  const std::pair<const char*, const char*> wrong[] = {{"", "the name of a metric was expected at the end"},
                                                       {"f1", "<, <=, > or >= was expected at the end"},
                                                       {"f1 = baseline", "was expected at '= baseline'"},
                                                       {"f1 < basline - 0.01", "'baseline' or a number was expected at 'basline - 0.01'"},
                                                       {"f1 < baseline - ", "a number was expected at the end"},
                                                       {"f1 < baseline 0.01", "'+', '-', '@' or nothing more was expected at '0.01'"},
                                                       {"f1 < baseline @ 95", "'%' was expected at the end"},
                                                       {"f1 < baseline @ 100%", "a confidence between 0% and 100% was expected"},
                                                       {"f1 < 0.5 @ 95% and more", "nothing more was expected at 'and more'"}};
  for (const auto& [text, says] : wrong) {
    const ErrorInfo e = error_of([&] { parse_gate(text); });
    EXPECT_EQ(e.id, "gate.syntax") << text;
    EXPECT_THAT(e.what, HasSubstr(says));
    EXPECT_THAT(e.expected, HasSubstr("baseline"));
  }
}

TEST(Gate, FailsOnPointEstimatesOrWholeIntervals) {
  const StoredPredictions good = binary("good", 400, 0.9, 1), bad = binary("bad", 400, 0.6, 2), close = binary("close", 400, 0.89, 3);
  const auto failed = [&](const std::string& text, const StoredPredictions& run) {
    const Json j = judge(parse_gate(text), good, run, {.draws = 300});
    EXPECT_EQ(j["run"], run.name);
    return j["failed"].get<bool>();
  };
  EXPECT_TRUE(failed("accuracy < baseline - 0.01 @ 95%", bad));
  EXPECT_FALSE(failed("accuracy < baseline @ 95%", close)) << "worse, but by chance perhaps";
  EXPECT_TRUE(failed("accuracy < baseline", close)) << "the point estimate alone";
  EXPECT_FALSE(failed("accuracy < baseline - 0.5 @ 95%", bad));
  EXPECT_FALSE(failed("accuracy < baseline", good));
  EXPECT_TRUE(failed("accuracy <= baseline", good));
  EXPECT_TRUE(failed("log_loss > baseline @ 95%", bad));
  EXPECT_TRUE(failed("accuracy < 0.8 @ 95%", bad));
  EXPECT_FALSE(failed("accuracy < 0.62 @ 95%", bad)) << "the interval reaches above";
  EXPECT_TRUE(failed("accuracy < 0.7", bad));
  const Json j = judge(parse_gate("accuracy < baseline - 0.01 @ 95%"), good, bad, {.draws = 300});
  EXPECT_LT(j["high"].get<double>(), -0.01);
  EXPECT_NEAR(j["limit"].get<double>(), j["baseline"].get<double>() - 0.01, 1e-12);
  EXPECT_THAT(gate_message(j), HasSubstr("bad has accuracy 0."));
  EXPECT_THAT(gate_message(j), HasSubstr("95 % interval -"));
  EXPECT_EQ(error_of([&] { failed("f1_makro < 0.5", bad); }).id, "gate.metric");
}

TEST(Gate, WhatCannotBeJudgedFails) {
  StoredPredictions a = binary("a", 40, 0.9, 1), b = binary("b", 40, 0.9, 2);
  b.scores.clear();
  b.no_scores = "b.jsonl:1: has no scores";
  const Json j = judge(parse_gate("roc_auc < 0.1"), a, b, {});
  EXPECT_EQ(j["failed"], true);
  EXPECT_TRUE(j["value"].is_null());
  EXPECT_THAT(gate_message(j), HasSubstr("cannot be judged: b.jsonl:1: has no scores"));
}

TEST(Gate, EveryRunButTheFirstIsJudged) {
  CompareOptions options;
  options.fail_if = {"accuracy < baseline - 0.1", "f1 < 0.2"};
  const Json r = compared({binary("a", 200, 0.9, 1), binary("b", 200, 0.6, 2), binary("c", 200, 0.9, 3)}, options);
  ASSERT_EQ(r["gates"].size(), 4u);
  EXPECT_EQ(r["gates"][0]["failed"], true);
  EXPECT_EQ(r["gates"][2]["failed"], false);
  const ErrorInfo e = error_of([&] { require_gates(r); });
  EXPECT_EQ(e.id, "gate.failed");
  EXPECT_THAT(e.what, HasSubstr("1 of 4 gates failed"));
  EXPECT_THAT(e.what, HasSubstr("accuracy < baseline - 0.1: b has accuracy 0."));
  options.fail_if = {"accuracy < 0.1"};
  require_gates(compared({binary("a", 200, 0.9, 1), binary("b", 200, 0.6, 2)}, options));
}

}  // namespace
}  // namespace attune
