// Runs against the first one, on the rows they share: paired tests from stored predictions.
#include <fmt/format.h>

#include "app/compare.h"
#include "app/report_sections.h"
#include "base/error.h"

namespace attune::report {
namespace {

Cell tested(const Json& test, const char* key) {
  if (!test.is_object() || !test.contains(key) || !test[key].is_number()) return missing("not defined for these runs");
  return number(test[key].get<double>());
}

Cell p_of(const Json& test) {
  if (!test.is_object() || !test.contains("p") || !test["p"].is_number()) return missing("not defined for these runs");
  return p_value(test["p"].get<double>());
}

Cell difference(const Json& d) {
  if (!d.is_object() || !d["difference"].is_number()) return missing("not defined for these runs");
  return with_interval(d["difference"].get<double>(), d["low"].get<double>(), d["high"].get<double>());
}

Table metrics_of(const Json& pair, size_t number_of_pair) {
  Table t{.id = fmt::format("paired-{}", number_of_pair), .title = fmt::format("{} less {}", pair["b"].get<std::string>(), pair["a"].get<std::string>()), .columns = {}, .rows = {}, .note = {}};
  t.columns = {{"figure", "", false}, {pair["a"].get<std::string>(), "", true}, {pair["b"].get<std::string>(), "", true}, {"difference", "95 %, bootstrap", true}, {"p", "bootstrap", true}, {"p", "randomisation", true}};
  for (const auto& [name, values] : pair["metrics"].items())
    t.rows.push_back({words(name), tested(values, "a"), tested(values, "b"), difference(pair["paired_bootstrap"][name]), p_of(pair["paired_bootstrap"][name]), p_of(pair["randomisation"][name])});
  return t;
}

/// Exact McNemar and DeLong, where they are defined.
Table tests_of(const Json& pair, size_t number_of_pair) {
  Table t{.id = fmt::format("paired-tests-{}", number_of_pair), .title = "Of single rows", .columns = {{"test"}, {pair["a"].get<std::string>(), "", true}, {pair["b"].get<std::string>(), "", true}, {"p", "", true}}, .rows = {}, .note = {}};
  if (const Json& m = pair["mcnemar"]; m.is_object())
    t.rows.push_back({words("rows that only this one has right (exact McNemar)"), count(m["only_a_right"].get<int64_t>()), count(m["only_b_right"].get<int64_t>()), p_of(m)});
  if (const Json& d = pair["delong"]; d.is_object()) t.rows.push_back({words("area under the ROC curve (DeLong)"), tested(d, "auc_a"), tested(d, "auc_b"), p_of(d)});
  return t;
}

Table flips_of(const Json& pair, const char* key, const std::string& title, const std::string& id) {
  Table t{.id = id, .title = title, .columns = {{"id"}, {"text"}, {"gold"}, {pair["a"].get<std::string>()}, {pair["b"].get<std::string>()}}, .rows = {}, .note = "At most 20 rows."};
  const auto text = [](const Json& row, const char* k) { return !row.contains(k) || row[k].is_null() ? std::string() : row[k].is_string() ? row[k].get<std::string>() : dump_json(row[k], {.indent = -1, .ascii = false}); };
  for (const Json& row : pair["flips"][key]) {
    if (t.rows.size() == 20) break;
    t.rows.push_back({words(text(row, "id")), words(text(row, "text")), words(text(row, "gold")), words(text(row, "a")), words(text(row, "b"))});
  }
  return t;
}

}  // namespace

Section comparison_section(const Runs& runs) {
  Section out{.id = "paired", .heading = "Paired comparison", .blocks = {}};
  if (runs.size() < 2) return out;
  std::vector<StoredPredictions> predictions;
  for (const StoredRun& r : runs)
    if (r.predictions && r.split == runs.front().split) {
      predictions.push_back(*r.predictions);
      predictions.back().name = r.name;
    }
  if (predictions.size() != runs.size()) {
    out.blocks.push_back(Paragraph{"Not every run has predictions of the same split, so they are not compared row by row."});
    return out;
  }
  Json all;
  try {
    all = compare(predictions, CompareOptions{});
  } catch (const Error& e) {
    out.blocks.push_back(Paragraph{"The runs are not compared row by row: " + e.info().what + "."});  // other rows, or other gold
    return out;
  }
  const Json pairs = all.contains("pairs") ? all["pairs"] : Json::array({all});
  for (size_t i = 0; i < pairs.size(); ++i) {
    const Json& pair = pairs[i];
    if (pair.contains("verdict") && pair["verdict"].is_string()) out.blocks.push_back(Paragraph{pair["verdict"].get<std::string>()});
    out.blocks.push_back(metrics_of(pair, i + 1));
    if (Table tests = tests_of(pair, i + 1); !tests.rows.empty()) out.blocks.push_back(std::move(tests));
    if (!pair.contains("flips") || !pair["flips"].is_object()) continue;
    out.blocks.push_back(flips_of(pair, "right_to_wrong", "Right before, wrong now", fmt::format("lost-{}", i + 1)));
    out.blocks.push_back(flips_of(pair, "wrong_to_right", "Wrong before, right now", fmt::format("won-{}", i + 1)));
  }
  if (all.contains("holm")) {
    Table t{.id = "paired-holm", .title = "p values after Holm's correction, randomisation", .columns = {{"run", "", false}, {"against", "", false}}, .rows = {}, .note = {}};
    for (const auto& [metric, p] : all["holm"].front()["randomisation"].items()) t.columns.push_back({metric, "", true});
    for (const Json& h : all["holm"]) {
      std::vector<Cell> row{words(h["b"].get<std::string>()), words(h["a"].get<std::string>())};
      for (const auto& [metric, p] : h["randomisation"].items()) row.push_back(p.is_number() ? p_value(p.get<double>()) : missing("not defined"));
      t.rows.push_back(std::move(row));
    }
    out.blocks.push_back(std::move(t));
  }
  return out;
}

}  // namespace attune::report
