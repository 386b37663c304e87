#include "app/gate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

#include "app/compared_metric.h"
#include "base/error.h"
#include "base/suggest.h"

namespace attune {
namespace {

const char kGrammar[] = "METRIC <|<=|>|>= baseline|NUMBER [+|- NUMBER] [@ CONFIDENCE%], for example \"f1 < baseline - 0.01 @ 95%\"";

class Scanner {
 public:
  explicit Scanner(const std::string& text) : text_(text) {}

  [[noreturn]] void wrong(const std::string& expected) {
    skip();
    fail(ErrorCode::kUsage, {.id = "gate.syntax",
                             .where = fmt::format("--fail-if \"{}\"", text_),
                             .what = fmt::format("{} was expected {}", expected, at_ < text_.size() ? fmt::format("at '{}'", text_.substr(at_)) : "at the end"),
                             .expected = kGrammar});
  }
  void skip() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }
  bool done() {
    skip();
    return at_ == text_.size();
  }
  bool take(std::string_view word) {
    skip();
    if (!std::string_view(text_).substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  /// A name: letters, digits and underscores.
  std::string name() {
    skip();
    const size_t begin = at_;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) || text_[at_] == '_')) ++at_;
    return text_.substr(begin, at_ - begin);
  }
  std::optional<double> number() {
    skip();
    double value = 0;
    const char* begin = text_.data() + at_;
    const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), value);
    if (error != std::errc() || !std::isfinite(value)) return std::nullopt;
    at_ += static_cast<size_t>(end - begin);
    return value;
  }

 private:
  const std::string& text_;
  size_t at_ = 0;
};

/// `a` op `b`; false where either is not there.
bool holds(const std::string& op, double a, double b) { return op == "<" ? a < b : op == "<=" ? a <= b : op == ">" ? a > b : a >= b; }

std::optional<double> of_sample(const ComparedMetric& m, const WeightedStatistic& statistic) {
  return statistic(std::vector<int32_t>(m.units.counts.begin(), m.units.counts.end()));
}

Json number(std::optional<double> value) { return value ? Json(*value) : Json(nullptr); }

}  // namespace

Gate parse_gate(const std::string& text) {
  Scanner s(text);
  Gate g;
  g.text = text;
  g.metric = s.name();
  if (g.metric.empty()) s.wrong("the name of a metric");
  for (const char* op : {"<=", ">=", "<", ">"})
    if (g.op.empty() && s.take(op)) g.op = op;
  if (g.op.empty()) s.wrong("<, <=, > or >=");
  if (const std::optional<double> n = s.number()) {
    g.number = *n;
  } else if (s.take("baseline")) {
    g.baseline = true;
  } else {
    s.wrong("'baseline' or a number");
  }
  if (const bool plus = s.take("+"); plus || s.take("-")) {
    const std::optional<double> n = s.number();
    if (!n || *n < 0) s.wrong("a number");
    g.number += plus ? *n : -*n;
  }
  if (s.take("@")) {
    const std::optional<double> percent = s.number();
    if (!percent || !(*percent > 0 && *percent < 100)) s.wrong("a confidence between 0% and 100%");
    if (!s.take("%")) s.wrong("'%'");
    g.confidence = *percent / 100;
  }
  if (!s.done()) s.wrong(g.confidence ? "nothing more" : "'+', '-', '@' or nothing more");
  return g;
}

Json judge(const Gate& gate, const StoredPredictions& baseline, const StoredPredictions& run, const Resampling& resampling) {
  const std::vector<std::string> known = metric_names(run);
  if (std::find(known.begin(), known.end(), gate.metric) == known.end())
    fail(ErrorCode::kUsage, {.id = "gate.metric", .where = fmt::format("--fail-if \"{}\"", gate.text), .what = fmt::format("there is no metric '{}' of these predictions", gate.metric), .hint = suggestion(gate.metric, known, 20)});
  Json out = {{"expression", gate.text}, {"run", run.name}, {"metric", gate.metric}};
  std::string reason = problem_of(gate.metric, baseline, run);
  std::optional<ComparedMetric> m;
  std::optional<double> a, b;
  if (reason.empty()) {
    m = compared_metric(gate.metric, baseline, run);
    a = of_sample(*m, m->a);
    b = of_sample(*m, m->b);
    if (!b || (gate.baseline && !a)) reason = "the metric is undefined for these rows";
  }
  const std::optional<double> limit = !gate.baseline ? std::optional(gate.number) : a ? std::optional(*a + gate.number) : std::nullopt;
  out.update({{"value", number(b)}, {"baseline", number(a)}, {"limit", number(limit)}});
  bool failed = !reason.empty();
  if (!failed && !gate.confidence) failed = holds(gate.op, *b, *limit);
  if (!failed && gate.confidence) {
    const Resampling draws{.draws = resampling.draws, .seed = resampling.seed, .confidence = *gate.confidence};
    std::optional<double> low, high;
    if (gate.baseline) {
      if (const auto d = paired_bootstrap(m->units, m->a, m->b, draws)) {
        low = d->low;
        high = d->high;
        out["difference"] = d->difference;
      }
    } else if (const auto i = bca_interval(m->units, m->b, draws)) {
      low = i->low;
      high = i->high;
    }
    out.update({{"low", number(low)}, {"high", number(high)}, {"confidence", *gate.confidence}});
    if (!low) reason = "there is no interval: too few rows, or the metric is undefined in too many draws";
    // The end nearest to passing decides.
    failed = !low || holds(gate.op, gate.op.front() == '<' ? *high : *low, gate.number);
  }
  out["failed"] = failed;
  if (!reason.empty()) out["reason"] = reason;
  return out;
}

std::string gate_message(const Json& j) {
  const auto text = [](const Json& value) { return fmt::format("{:.4g}", value.get<double>()); };
  std::string out = fmt::format("{}: ", j["expression"].get<std::string>());
  if (j.contains("reason")) return out + fmt::format("{} cannot be judged: {}", j["run"].get<std::string>(), j["reason"].get<std::string>());
  out += fmt::format("{} has {} {}", j["run"].get<std::string>(), j["metric"].get<std::string>(), text(j["value"]));
  if (j.contains("difference"))
    out += fmt::format(", the baseline {}; difference {}", text(j["baseline"]), text(j["difference"]));
  else if (j["limit"] != j["value"])
    out += fmt::format(", the limit is {}", text(j["limit"]));
  if (j.contains("low")) out += fmt::format(" ({:g} % interval {} to {})", 100 * j["confidence"].get<double>(), text(j["low"]), text(j["high"]));
  return out;
}

}  // namespace attune
