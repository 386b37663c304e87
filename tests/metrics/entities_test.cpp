// Tag schemes by hand; scores, spans and reports against seqeval 1.2.2 (tests/golden/entities.json).
#include "metrics/entities.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "base/json.h"
#include "metrics/aggregation.h"
#include "metrics/clusters.h"
#include "metrics/seqeval.h"
#include "metrics/tag_report.h"

namespace attune {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Tags = std::vector<std::string>;

const Json& golden() {
  static const Json cases = read_json(fs::path(ATTUNE_SOURCE_DIR) / "tests/golden/entities.json");
  return cases;
}

Tags split(const std::string& text) {
  Tags out;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(' ', at), text.size());
    out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

// The same entities (X 0-1, X 1-3, Y 3-4, none, X 5-8) in every scheme that can hold them.
const std::pair<TagScheme, const char*> kSame[] = {{TagScheme::kIob1, "I-X B-X I-X I-Y O I-X I-X I-X"},
                                                   {TagScheme::kIob2, "B-X B-X I-X B-Y O B-X I-X I-X"},
                                                   {TagScheme::kIobes, "S-X B-X E-X S-Y O B-X I-X E-X"},
                                                   {TagScheme::kBilou, "U-X B-X L-X U-Y O B-X I-X L-X"}};

TEST(TagSchemes, ConvertIntoOneAnother) {
  for (const auto& [from, text] : kSame) {
    EXPECT_TRUE(check_tags(split(text), from).empty()) << scheme_name(from);
    EXPECT_THAT(spans_of(split(text), from), ElementsAre(EntitySpan{"X", 0, 1}, EntitySpan{"X", 1, 3}, EntitySpan{"Y", 3, 4}, EntitySpan{"X", 5, 8}));
    for (const auto& [to, expected] : kSame) EXPECT_EQ(convert_tags(split(text), from, to), split(expected)) << scheme_name(from) << " to " << scheme_name(to);
    EXPECT_EQ(convert_tags(split(text), from, TagScheme::kIo), split("I-X I-X I-X I-Y O I-X I-X I-X"));
  }
  EXPECT_THAT(spans_of(split("I-X I-X I-Y O I-Y"), TagScheme::kIo), ElementsAre(EntitySpan{"X", 0, 2}, EntitySpan{"Y", 2, 3}, EntitySpan{"Y", 4, 5}));
}

TEST(TagSchemes, AreDetected) {
  const auto detected = [](std::initializer_list<const char*> sequences) {
    std::vector<Tags> all;
    for (const char* s : sequences) all.push_back(split(s));
    return detect_scheme(all);
  };
  for (const auto& [scheme, text] : kSame) EXPECT_EQ(detected({text}), scheme) << text;
  EXPECT_EQ(detected({"I-X O I-X I-Y"}), TagScheme::kIo);
  EXPECT_EQ(detected({"O O", "B-X O"}), TagScheme::kIob2);
  EXPECT_EQ(detected({"O"}), TagScheme::kIob2);
  EXPECT_EQ(detected({"B-X O", "I-X O"}), TagScheme::kIob2) << "of equals";
  EXPECT_EQ(detected({"B-X I-X O", "B-X I-X", "O I-X"}), TagScheme::kIob2) << "one slip does not make it IOB1";
  EXPECT_EQ(detected({"I-X O", "I-X B-X", "B-Y I-Y O I-X"}), TagScheme::kIob1);
  EXPECT_EQ(detected({"O S-X"}), TagScheme::kIobes);
  EXPECT_EQ(detected({"NOUN VERB"}), std::nullopt);
  EXPECT_EQ(scheme_from_name("bio"), TagScheme::kIob2);
  EXPECT_EQ(scheme_from_name("BILUO"), TagScheme::kBilou);
  EXPECT_EQ(scheme_from_name("XYZ"), std::nullopt);
}

TEST(TagSchemes, SayWhereASequenceBreaks) {
  const auto problems = [](const char* text, TagScheme scheme) {
    std::vector<std::string> out;
    for (const TagProblem& p : check_tags(split(text), scheme)) out.push_back(std::to_string(p.position) + ": " + p.reason);
    return out;
  };
  EXPECT_THAT(problems("O I-PER I-PER B-LOC I-PER", TagScheme::kIob2),
              ElementsAre("1: I-PER follows O, but IOB2 opens an entity with B-PER", "4: I-PER follows B-LOC, but IOB2 opens an entity with B-PER"));
  EXPECT_THAT(problems("B-PER I-PER O", TagScheme::kIob1), ElementsAre("0: B-PER follows O, but IOB1 has B only right after an entity of the same type"));
  EXPECT_THAT(problems("B-X O I-Y S-X E-X B-X", TagScheme::kIobes),
              ElementsAre("1: B-X is followed by O, but IOBES closes an entity with E-X", "2: I-Y follows O, but IOBES opens an entity with B-Y",
                          "3: I-Y is followed by S-X, but IOBES closes an entity with E-Y", "4: E-X follows S-X, but IOBES opens an entity with B-X",
                          "5: B-X is the last tag, but IOBES closes an entity with E-X"));
  EXPECT_THAT(problems("E-X per O-X", TagScheme::kIob2), ElementsAre("0: E-X has no meaning in IOB2", HasSubstr("1: 'per' is no tag"), HasSubstr("2: 'O-X' is no tag")));
  EXPECT_TRUE(problems("I-X I-Y O", TagScheme::kIo).empty());
  EXPECT_THROW(spans_of(split("O I-X"), TagScheme::kIob2), Bug);
}

void expect_scores(const ClassScores& s, const Json& expected, const std::string& what) {
  EXPECT_DOUBLE_EQ(s.precision, expected[0].get<double>()) << what;
  EXPECT_DOUBLE_EQ(s.recall, expected[1].get<double>()) << what;
  EXPECT_DOUBLE_EQ(s.f1, expected[2].get<double>()) << what;
  EXPECT_EQ(s.support, expected[3].get<int64_t>()) << what;
}

void expect_equal(const EntityScores& s, const Json& expected, const std::string& what) {
  expect_scores(s.micro, expected["micro"], what + " micro");
  expect_scores(s.macro, expected["macro"], what + " macro");
  expect_scores(s.weighted, expected["weighted"], what + " weighted");
  EXPECT_EQ(entity_report(s, 4), expected["report_4"].get<std::string>()) << what;
}

/// [type, begin, end] with the end as each mode counts it.
std::vector<EntitySpan> spans_in(const Json& list, int64_t add) {
  std::vector<EntitySpan> out;
  for (const Json& e : list) out.push_back({e[0].get<std::string>(), e[1].get<int64_t>(), e[2].get<int64_t>() + add});
  return out;
}

TEST(Seqeval, DefaultAndStrictEqualTheOriginal) {
  ASSERT_GE(golden()["seqeval"].size(), 20u);
  int strict_cases = 0, broken = 0;
  for (const Json& c : golden()["seqeval"]) {
    const std::string what = c["name"];
    const auto gold = c["gold"].get<std::vector<Tags>>(), predicted = c["predicted"].get<std::vector<Tags>>();
    const EntityScores scores = entity_scores(gold, predicted);
    expect_equal(scores, c, what);
    EXPECT_DOUBLE_EQ(scores.accuracy, c["accuracy"].get<double>()) << what;
    EXPECT_EQ(entity_report(scores, 2), c["report_2"].get<std::string>()) << what;
    for (size_t i = 0; i < predicted.size(); ++i) EXPECT_EQ(lenient_spans(predicted[i]), spans_in(c["spans"][i], 1)) << what << " sequence " << i;
    if (!c.contains("strict")) continue;
    ++strict_cases;
    const Json& s = c["strict"];
    const TagScheme scheme = *scheme_from_name(s["scheme"].get<std::string>());
    expect_equal(strict_entity_scores(gold, predicted, scheme), s, what + " strict");
    for (size_t i = 0; i < predicted.size(); ++i) {
      EXPECT_EQ(strict_spans(predicted[i], scheme), spans_in(s["spans"][i], 0)) << what << " sequence " << i;
      EXPECT_TRUE(check_tags(gold[i], scheme).empty()) << what;
      broken += !check_tags(predicted[i], scheme).empty();
    }
  }
  EXPECT_GE(strict_cases, 12);
  EXPECT_GE(broken, 20) << "the predictions should hold broken sequences";
}

TEST(Seqeval, StrictModeRefusesOtherPrefixes) {
  try {
    strict_entity_scores(std::vector<Tags>{{"B-X", "E-X"}}, std::vector<Tags>{{"B-X", "I-X"}}, TagScheme::kIob2);
    ADD_FAILURE();
  } catch (const Error& e) {
    EXPECT_EQ(e.info().id, "seqeval.tag");
    EXPECT_EQ(e.info().where, "E-X");
  }
  EXPECT_THROW(entity_scores(std::vector<Tags>{{"O"}}, std::vector<Tags>{{"O", "O"}}), Bug);
}

TEST(Seqeval, WithoutAnyEntity) {
  const EntityScores s = entity_scores(std::vector<Tags>{{"O", "O"}}, std::vector<Tags>{{"O", "O"}});
  EXPECT_EQ(s.micro.f1, 0);
  EXPECT_EQ(s.macro.f1, 0);
  EXPECT_EQ(s.accuracy, 1);
  EXPECT_THAT(entity_report(s), HasSubstr("micro avg     0.0000"));
}

TEST(TagTally, EqualsTheFunctionsOfAllRowsAtOnce) {
  // Documents of three sentences; IOB1 but for the prediction's mistakes, so the scheme is known at the end only.
  const std::vector<std::vector<std::string>> gold{{"I-PER", "I-PER", "O", "I-LOC"}, {"O", "I-LOC", "B-LOC"}, {"I-PER", "O"}, {"O", "I-ORG"}, {"I-LOC", "B-LOC", "O"}, {"O"}, {"I-PER"}, {"I-ORG", "O", "I-PER"}, {"O", "O"}};
  std::vector<std::vector<std::string>> predicted = gold;
  predicted[0][3] = "O";
  predicted[1][2] = "I-LOC";
  predicted[3][1] = "B-ORG";  // breaks IOB1: nothing before it
  predicted[7][0] = "I-PER";
  std::vector<double> twice_hits, entities;
  std::vector<uint64_t> clusters;
  int64_t broken = 0;
  for (const bool strict : {false, true}) {
    TagTally unsettled(std::nullopt, strict), settled(std::optional(TagScheme::kIob1), strict);
    twice_hits.clear(), entities.clear(), clusters.clear();
    broken = 0;
    for (size_t i = 0; i < gold.size(); ++i) {
      clusters.push_back(i / 3);
      for (TagTally* tally : {&unsettled, &settled}) tally->add(gold[i], predicted[i], clusters[i], {.windows = 1, .words = static_cast<int64_t>(gold[i].size()), .without_token = i == 2});
      const EntityCounts c = row_entities(gold[i], predicted[i], strict ? std::optional(TagScheme::kIob1) : std::nullopt);
      twice_hits.push_back(2.0 * static_cast<double>(c.hits));
      entities.push_back(static_cast<double>(c.gold + c.predicted));
      broken += !check_tags(predicted[i], TagScheme::kIob1).empty();
    }
    const Json m = settled.json();
    EXPECT_EQ(m, unsettled.json());
    const EntityScores s = strict ? strict_entity_scores(gold, predicted, TagScheme::kIob1) : entity_scores(gold, predicted);
    EXPECT_EQ(m["scheme"], "IOB1");
    EXPECT_EQ(m["overall_f1"].get<double>(), s.micro.f1);
    EXPECT_EQ(m["overall_precision"].get<double>(), s.micro.precision);
    EXPECT_EQ(m["overall_accuracy"].get<double>(), s.accuracy);
    EXPECT_EQ(m["weighted_f1"].get<double>(), s.weighted.f1);
    EXPECT_EQ(m["report"], entity_report(s));
    EXPECT_GT(broken, 0);
    EXPECT_EQ(m["broken_predictions"], broken);
    EXPECT_EQ(m["words_without_token"], 1);
    EXPECT_EQ(m["windows"], 9);
    const auto interval = clustered_interval(twice_hits, entities, clusters);
    ASSERT_TRUE(interval);
    EXPECT_EQ(m["overall_f1_interval"], (Json{interval->low, interval->high}));
  }
}

TEST(Aggregation, EqualsTheTransformersPipeline) {
  ASSERT_GE(golden()["aggregation"].size(), 12u);
  size_t found = 0;
  for (const Json& c : golden()["aggregation"]) {
    const auto labels = c["labels"].get<std::vector<std::string>>();
    std::vector<std::vector<double>> scores;
    for (const Json& row : c["logits"]) {
      scores.push_back(row.get<std::vector<double>>());
      double sum = 0;
      for (double& x : scores.back()) sum += x = std::exp(x);
      for (double& x : scores.back()) x /= sum;
    }
    std::vector<ScoredToken> tokens;
    for (size_t i = 0; i < scores.size(); ++i)
      tokens.push_back({scores[i], c["starts"][i].get<int64_t>(), c["ends"][i].get<int64_t>(), c["subword"][i].get<int>() != 0});
    for (const auto& [name, how] : {std::pair{"none", Aggregation::kNone}, std::pair{"simple", Aggregation::kSimple}, std::pair{"first", Aggregation::kFirst},
                                    std::pair{"average", Aggregation::kAverage}, std::pair{"max", Aggregation::kMax}}) {
      const std::vector<FoundEntity> entities = aggregate_entities(tokens, labels, how);
      ASSERT_EQ(entities.size(), c[name].size()) << name;
      found += entities.size();
      for (size_t i = 0; i < entities.size(); ++i) {
        const Json& e = c[name][i];
        EXPECT_EQ(entities[i].type, e[0].get<std::string>()) << name;
        EXPECT_EQ(entities[i].begin, e[1].get<int64_t>()) << name;
        EXPECT_EQ(entities[i].end, e[2].get<int64_t>()) << name;
        EXPECT_NEAR(entities[i].score, e[3].get<double>(), 1e-6) << name;
      }
    }
  }
  EXPECT_GT(found, 100u);
}

TEST(Aggregation, UnderstandsClosingPrefixes) {
  const std::vector<std::string> labels{"O", "B-X", "I-X", "E-X", "S-X"};
  const auto entities = [&](std::vector<size_t> chosen) {
    std::vector<std::vector<double>> scores;
    std::vector<ScoredToken> tokens;
    for (size_t label : chosen) {
      scores.emplace_back(labels.size(), 0.0);
      scores.back()[label] = 1;
    }
    for (size_t i = 0; i < chosen.size(); ++i) tokens.push_back({scores[i], static_cast<int64_t>(i), static_cast<int64_t>(i) + 1, false});
    std::string out;
    for (const FoundEntity& e : aggregate_entities(tokens, labels, Aggregation::kSimple)) out += std::to_string(e.begin) + "-" + std::to_string(e.end) + " ";
    return out;
  };
  EXPECT_EQ(entities({1, 2, 3, 4, 4, 0, 1, 3}), "0-3 3-4 4-5 6-8 ");
}

}  // namespace
}  // namespace attune
