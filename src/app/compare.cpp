#include "app/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "app/compared_metric.h"
#include "app/gate.h"
#include "app/paired_rows.h"
#include "base/error.h"
#include "base/suggest.h"
#include "metrics/delong.h"
#include "metrics/equivalence.h"
#include "metrics/multiple.h"
#include "metrics/null.h"
#include "metrics/power.h"

namespace attune {
namespace {

using Names = std::vector<std::string>;

Json number(std::optional<double> value) { return value && std::isfinite(*value) ? Json(*value) : Json(nullptr); }

Json json_of(const PairedDifference& d) { return {{"difference", d.difference}, {"low", d.low}, {"high", d.high}, {"p", d.p}}; }

/// Of one pair; keys that cannot be had are null with their reason under `undefined`.
class PairComparison {
 public:
  PairComparison(const StoredPredictions& a, const StoredPredictions& b, const Names& metrics, const CompareOptions& options)
      : a_(a), b_(b), metrics_(metrics), options_(options), right_a_(right_rows(a)), right_b_(right_rows(b)) {}

  Json json() {
    out_ = {{"a", a_.name}, {"b", b_.name}, {"rows", a_.rows()}};
    add_units();
    add_metrics();
    add_mcnemar();
    add_delong();
    add_agreement();
    add_rows_needed();
    add_equivalence();
    add_flips();
    if (!undefined_.empty()) out_["undefined"] = undefined_;
    return std::move(out_);
  }

 private:
  void undefine(const std::string& key, const std::string& reason) {
    out_[key] = nullptr;
    undefined_[key] = reason;
  }
  bool has_rightness() const { return !right_a_.empty(); }

  void add_units() {
    std::vector<uint64_t> keys = a_.clusters();
    std::sort(keys.begin(), keys.end());
    const auto count = std::unique(keys.begin(), keys.end()) - keys.begin();
    const char* kind = !a_.comes_in_groups() ? "rows" : a_.kind == StoredKind::kAnswers ? "contexts" : "documents";
    out_["units"] = {{"kind", kind}, {"count", count}};
  }

  void add_metrics() {
    Json values = Json::object(), bootstrapped = Json::object(), randomised = Json::object();
    const Resampling draws{.draws = static_cast<int>(options_.draws), .seed = static_cast<uint64_t>(options_.seed), .confidence = options_.confidence};
    for (const std::string& name : metrics_) {
      values[name] = {{"a", nullptr}, {"b", nullptr}};
      bootstrapped[name] = randomised[name] = nullptr;
      if (const std::string problem = problem_of(name, a_, b_); !problem.empty()) {
        undefined_[name] = problem;
        continue;
      }
      const ComparedMetric m = compared_metric(name, a_, b_);
      const std::vector<int32_t> sample(m.units.counts.begin(), m.units.counts.end());
      values[name] = {{"a", number(m.a(sample))}, {"b", number(m.b(sample))}};
      if (const auto d = paired_bootstrap(m.units, m.a, m.b, draws))
        bootstrapped[name] = json_of(*d);
      else
        undefined_["paired_bootstrap." + name] = "too few rows, or undefined in too many draws";
      if (const auto d = approximate_randomisation(m.swapped_units, m.swapped, draws))
        randomised[name] = json_of(*d);
      else
        undefined_["randomisation." + name] = "too few rows, or undefined in too many draws";
    }
    out_["metrics"] = std::move(values);
    out_["paired_bootstrap"] = std::move(bootstrapped);
    out_["randomisation"] = std::move(randomised);
  }

  void add_mcnemar() {
    if (!has_rightness()) return undefine("mcnemar", "numbers are not right or wrong");
    for (size_t i = 0; i < a_.rows(); ++i) {
      only_a_ += right_a_[i] && !right_b_[i];
      only_b_ += right_b_[i] && !right_a_[i];
    }
    const McNemar m = mcnemar(only_a_, only_b_);
    out_["mcnemar"] = {{"only_a_right", m.only_a_right}, {"only_b_right", m.only_b_right}, {"p", m.p}};
  }

  void add_delong() {
    if (a_.kind != StoredKind::kSingleLabel || a_.labels.size() != 2) return undefine("delong", "is for two classes");
    if (const std::string problem = problem_of("roc_auc", a_, b_); !problem.empty()) return undefine("delong", problem);
    std::vector<uint8_t> positive;
    std::vector<double> scores_a, scores_b;
    for (size_t i = 0; i < a_.rows(); ++i) {
      positive.push_back(a_.gold[i] == 1);
      scores_a.push_back(a_.scores[2 * i + 1]);
      scores_b.push_back(b_.scores[2 * i + 1]);
    }
    const auto d = delong(positive, scores_a, scores_b, options_.confidence);
    if (!d) return undefine("delong", "fewer than two rows of a class, or the variance of the difference is zero");
    out_["delong"] = {{"auc_a", d->auc_a}, {"auc_b", d->auc_b}, {"difference", d->difference}, {"low", d->low}, {"high", d->high}, {"p", d->p}};
  }

  /// Share of the same predictions, and Cohen's kappa where predictions are choices among labels.
  void add_agreement() {
    if (a_.kind == StoredKind::kRegression) return undefine("agreement", "numbers are never quite the same");
    int64_t same = 0, all = static_cast<int64_t>(a_.rows());
    std::optional<ConfusionMatrix> choices;
    const auto classes = static_cast<int64_t>(a_.labels.size());
    if (a_.kind == StoredKind::kSingleLabel) {
      choices = confusion_matrix(a_.predicted, b_.predicted, classes);
      same = choices->correct();
    } else if (a_.kind == StoredKind::kMultiLabel) {
      choices.emplace(2);
      for (size_t i = 0; i < a_.predicted_set.size(); ++i) choices->add(a_.predicted_set[i], b_.predicted_set[i]);
      for (size_t i = 0; i < a_.rows(); ++i) same += prediction_json(a_, i) == prediction_json(b_, i);
    } else if (a_.kind == StoredKind::kTags) {
      choices.emplace(classes);
      const auto id = [&](const std::string& tag) { return std::find(a_.labels.begin(), a_.labels.end(), tag) - a_.labels.begin(); };
      for (size_t i = 0; i < a_.rows(); ++i)
        for (size_t w = 0; w < a_.gold_tags[i].size(); ++w) choices->add(id(a_.predicted_tags[i][w]), id(b_.predicted_tags[i][w]));
      same = choices->correct();
      all = choices->total();
    } else {
      for (size_t i = 0; i < a_.rows(); ++i) same += normalize_answer(a_.questions[i].predicted) == normalize_answer(b_.questions[i].predicted);
    }
    const double kappa = choices ? cohen_kappa(*choices) : std::nan("");
    out_["agreement"] = {{"share", all == 0 ? Json(nullptr) : Json(static_cast<double>(same) / static_cast<double>(all))}, {"kappa", number(kappa)}};
    if (std::isnan(kappa)) undefined_["agreement.kappa"] = choices ? "both always predict the same label" : "answers are no choice among labels";
  }

  void add_rows_needed() {
    if (!has_rightness()) return undefine("rows_needed", "numbers are not right or wrong");
    const double n = static_cast<double>(a_.rows());
    const auto rows = rows_for_paired_gap(std::fabs(static_cast<double>(only_b_ - only_a_)) / n, static_cast<double>(only_a_ + only_b_) / n);
    if (!rows) return undefine("rows_needed", "both are right equally often: no number of rows shows a gap of 0");
    out_["rows_needed"] = *rows;
  }

  void add_equivalence() {
    if (!has_rightness()) return undefine("equivalence", "numbers are not right or wrong");
    std::vector<double> differences;
    for (size_t i = 0; i < a_.rows(); ++i) differences.push_back(static_cast<double>(right_b_[i]) - static_cast<double>(right_a_[i]));
    const auto e = equivalent_rows(differences, options_.margin, a_.comes_in_groups() ? a_.clusters() : std::vector<uint64_t>(), 1 - options_.confidence);
    if (!e) return undefine("equivalence", "fewer than two rows, or all rows differ alike, which says nothing of their spread");
    out_["equivalence"] = {{"metric", rightness_of(a_.kind)}, {"margin", options_.margin}, {"difference", e->difference}, {"low", e->low}, {"high", e->high}, {"p", e->p}, {"equivalent", e->equivalent}};
  }

  void add_flips() {
    if (!has_rightness()) return undefine("flips", "numbers are not right or wrong");
    Json to_wrong = Json::array(), to_right = Json::array();
    for (size_t i = 0; i < a_.rows(); ++i) {
      if (right_a_[i] == right_b_[i]) continue;
      Json flip = {{"id", a_.ids[i]}, {"text", a_.texts[i].empty() ? b_.texts[i] : a_.texts[i]}};
      if (!a_.pairs[i].empty()) flip["text_pair"] = a_.pairs[i];
      flip.update({{"gold", gold_json(a_, i)}, {"a", prediction_json(a_, i)}, {"b", prediction_json(b_, i)}});
      (right_a_[i] ? to_wrong : to_right).push_back(std::move(flip));
    }
    out_["flips"] = {{"right_to_wrong_count", to_wrong.size()}, {"wrong_to_right_count", to_right.size()}};
    out_["flips"]["right_to_wrong"] = std::move(to_wrong);
    out_["flips"]["wrong_to_right"] = std::move(to_right);
  }

  const StoredPredictions &a_, &b_;
  const Names& metrics_;
  const CompareOptions& options_;
  std::vector<uint8_t> right_a_, right_b_;
  int64_t only_a_ = 0, only_b_ = 0;
  Json out_, undefined_ = Json::object();
};

/// p values of one family over the pairs; those that are not there stay out.
std::vector<Json> adjusted(const std::vector<Json>& pairs, const Json::json_pointer& where) {
  std::vector<double> known;
  for (const Json& pair : pairs)
    if (pair.contains(where)) known.push_back(pair.at(where).get<double>());
  const std::vector<double> by_holm = holm(known);
  std::vector<Json> out;
  size_t next = 0;
  for (const Json& pair : pairs) out.push_back(pair.contains(where) ? Json(by_holm[next++]) : Json(nullptr));
  return out;
}

Json holm_json(const std::vector<Json>& pairs, const Names& metrics) {
  std::vector<Json> out;
  for (const Json& pair : pairs) out.push_back({{"a", pair["a"]}, {"b", pair["b"]}});
  const auto add = [&](const std::string& test, const std::string& metric) {
    const std::vector<Json> p = adjusted(pairs, Json::json_pointer("/" + test + (metric.empty() ? "" : "/" + metric) + "/p"));
    for (size_t i = 0; i < out.size(); ++i) (metric.empty() ? out[i][test] : out[i][test][metric]) = p[i];
  };
  for (const char* test : {"mcnemar", "delong"}) add(test, "");
  for (const char* test : {"paired_bootstrap", "randomisation"})
    for (const std::string& metric : metrics) add(test, metric);
  return out;
}

/// The answer in words, from the interval and p value of the first metric (`p`: adjusted where there are several pairs).
std::string verdict(const Json& pair, const std::string& metric, bool lower_is_better, bool points, double scale, double p, const CompareOptions& options, StoredKind kind) {
  const Json& d = pair["paired_bootstrap"][metric];
  if (d.is_null()) return fmt::format("{} cannot be compared: {}", metric, pair["undefined"].value(metric, pair["undefined"].value("paired_bootstrap." + metric, "")));
  const double difference = d["difference"].get<double>(), alpha = 1 - options.confidence;
  const auto amount = [&](double x) { return points ? fmt::format("{:.2f}", scale * x) : fmt::format("{:.4g}", x); };
  const std::string unit = points ? " points of " : " of ";
  const std::string interval = fmt::format("{:g} % interval {} to {}, p = {:.3g}", 100 * options.confidence, amount(d["low"].get<double>()), amount(d["high"].get<double>()), p);
  if (difference == 0 && p > alpha) return fmt::format("both have the same {} ({})", metric, interval);
  if (p <= alpha) {
    const bool b_better = (difference > 0) != lower_is_better;
    return fmt::format("{} is better by {}{}{} ({}): significant at {:g} %", pair[b_better ? "b" : "a"].get<std::string>(), amount(std::fabs(difference)), unit, metric, interval, 100 * alpha);
  }
  std::string out = fmt::format("the difference of {}{}{} ({}) cannot be told from chance", amount(difference), unit, metric, interval);
  if (metric == rightness_of(kind) && pair["rows_needed"].is_number()) out += fmt::format("; about {} rows would be needed to see such a gap (80 % power)", pair["rows_needed"].get<int64_t>());
  return out;
}

Json tests_json(bool several) {
  Json out = Json::object();
  const auto add = [&](const char* key, TestKind test) { out[key] = {{"name", name_of(test)}, {"null", null_of(test)}, {"assumption", assumption_of(test)}}; };
  add("mcnemar", TestKind::kMcNemar);
  add("delong", TestKind::kDeLong);
  add("paired_bootstrap", TestKind::kPairedBootstrap);
  add("randomisation", TestKind::kRandomisation);
  add("equivalence", TestKind::kEquivalence);
  if (several) add("holm", TestKind::kHolm);
  return out;
}

Names wanted_metrics(const CompareOptions& options, const StoredPredictions& p) {
  if (options.metrics.empty()) return usual_metrics(p);
  const Names known = metric_names(p);
  for (const std::string& name : options.metrics)
    if (std::find(known.begin(), known.end(), name) == known.end())
      fail(ErrorCode::kUsage, {.id = "compare.metric", .where = "--metric", .what = fmt::format("there is no metric '{}' of these predictions", name), .hint = suggestion(name, known, 20)});
  return options.metrics;
}

}  // namespace

Json compare(std::span<const StoredPredictions> given, const CompareOptions& options) {
  if (given.size() < 2)
    fail(ErrorCode::kUsage, {.id = "compare.runs", .what = "a comparison needs two runs or more", .got = fmt::format("{}", given.size()), .hint = "for example: attune compare runs/base runs/new"});
  std::vector<Gate> gates;
  for (const std::string& text : options.fail_if) gates.push_back(parse_gate(text));
  const std::vector<StoredPredictions> runs = paired_rows(given);
  const Names metrics = wanted_metrics(options, runs.front());
  const Resampling draws{.draws = static_cast<int>(options.draws), .seed = static_cast<uint64_t>(options.seed), .confidence = options.confidence};

  std::vector<Json> pairs;
  for (size_t i = 1; i < runs.size(); ++i) pairs.push_back(PairComparison(runs.front(), runs[i], metrics, options).json());
  const Json by_holm = holm_json(pairs, metrics);
  const std::string& first = metrics.front();
  for (size_t i = 0; i < pairs.size(); ++i) {
    const Json& p = by_holm[i]["paired_bootstrap"][first];
    const bool share = runs.front().kind != StoredKind::kRegression && first != "log_loss" && first != "brier";
    pairs[i]["verdict"] = verdict(pairs[i], first, is_lower_better(first), share, is_percent(runs.front()) ? 1 : 100, p.is_number() ? p.get<double>() : 1, options, runs.front().kind);
  }

  Json out = {{"task", task_of(runs.front().kind)}, {"rows", runs.front().rows()}, {"confidence", options.confidence}, {"draws", options.draws}, {"seed", options.seed}, {"runs", Json::array()}};
  for (size_t i = 0; i < runs.size(); ++i) {
    Json run = {{"name", runs[i].name}, {"file", runs[i].file}, {"metrics", Json::object()}};
    for (const std::string& name : metrics) run["metrics"][name] = i == 0 ? pairs[0]["metrics"][name]["a"] : pairs[i - 1]["metrics"][name]["b"];
    out["runs"].push_back(std::move(run));
  }
  if (pairs.size() == 1) {
    out.update(pairs[0]);
  } else {
    out["pairs"] = pairs;
    out["holm"] = by_holm;
  }
  out["tests"] = tests_json(pairs.size() > 1);
  if (runs.front().comes_in_groups())
    out["notes"] = Json::array({"rows come in groups: bootstrap, randomisation and equivalence draw whole groups; mcnemar and rows_needed take rows as independent"});
  if (!gates.empty()) out["gates"] = Json::array();
  for (size_t i = 1; i < runs.size(); ++i)
    for (const Gate& gate : gates) out["gates"].push_back(judge(gate, runs.front(), runs[i], draws));
  return out;
}

PairedDifference difference_in(const Json& pair, const std::string& metric) {
  const auto of = [&](const char* test) {
    const auto all = pair.find(test);
    return all != pair.end() && all->is_object() ? all->value(metric, Json()) : Json();
  };
  const Json bootstrap = of("paired_bootstrap"), random = of("randomisation");
  const auto number = [](const Json& j, const char* key) { return j.is_object() && j.contains(key) && j[key].is_number() ? j[key].get<double>() : std::nan(""); };
  return {number(bootstrap, "difference"), number(bootstrap, "low"), number(bootstrap, "high"), number(random.is_object() ? random : bootstrap, "p")};
}

Json compare(const CompareOptions& options) {
  std::vector<StoredPredictions> runs;
  for (const std::string& text : options.fail_if) parse_gate(text);  // before anything is read
  for (const std::string& run : options.runs)
    runs.push_back(read_stored_predictions(run, {.task = options.task, .labels = options.data.labels, .null_odds = "", .gold_file = options.file, .data = options.data}));
  return compare(runs, options);
}

void require_gates(const Json& comparison) {
  Problems failed;
  for (const Json& gate : comparison.value("gates", Json::array()))
    if (gate["failed"].get<bool>()) failed.add(gate_message(gate));
  if (!failed.empty()) fail(ErrorCode::kGate, {.id = "gate.failed", .what = fmt::format("{} of {} gates failed:{}", failed.count(), comparison["gates"].size(), failed.list())});
}

}  // namespace attune
