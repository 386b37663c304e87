#include "tasks/decision.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "metrics/classification.h"

namespace attune {
namespace {

/// The id of the label that threshold i is for.
size_t label_of(const Decision& d, size_t i) { return d.thresholds.size() == 1 ? i + 1 : i; }

}  // namespace

std::vector<double> probabilities(ProblemType type, const Decision& d, std::span<const float> logits) {
  if (type == ProblemType::kSingleLabel && d.temperature == 1.0) return softmax(logits);
  std::vector<double> p(logits.begin(), logits.end());
  if (type == ProblemType::kSingleLabel) {
    const double top = *std::max_element(p.begin(), p.end());
    double sum = 0;
    for (double& x : p) sum += x = std::exp((x - top) / d.temperature);
    for (double& x : p) x /= sum;
  }
  if (type == ProblemType::kMultiLabel)
    for (double& x : p) x = 1.0 / (1.0 + std::exp(-x));
  return p;
}

int32_t said_label(const Decision& d, std::span<const float> logits, std::span<const double> scores) {
  if (d.thresholds.empty()) return argmax(logits);
  require(d.thresholds.size() == 1 && scores.size() == 2, "a threshold of the second of two labels");
  return scores[1] >= d.thresholds[0] ? 1 : 0;
}

std::vector<uint8_t> said_labels(const Decision& d, std::span<const float> logits, std::span<const double> scores) {
  require(d.thresholds.empty() || d.thresholds.size() == scores.size(), "a threshold for every label");
  std::vector<uint8_t> said(scores.size());
  for (size_t i = 0; i < said.size(); ++i) said[i] = d.thresholds.empty() ? logits[i] > 0.0f : scores[i] >= d.thresholds[i];
  return said;
}

void write_decision(const Decision& d, const std::vector<std::string>& labels, Json& into) {
  if (d.temperature != 1.0) into["temperature"] = d.temperature;
  if (d.thresholds.empty()) return;
  Json thresholds = Json::object();
  for (size_t i = 0; i < d.thresholds.size(); ++i) thresholds[labels[label_of(d, i)]] = d.thresholds[i];
  into["decision_thresholds"] = std::move(thresholds);
}

Decision read_decision(const Json& j, ProblemType type, const std::vector<std::string>& labels, const std::string& where) {
  Decision d;
  const auto bad = [&](const char* key, const std::string& what, const std::string& expected) {
    fail(ErrorCode::kInput, {.id = std::string("side_file.") + key, .where = fmt::format("{} ({})", where, key), .what = what, .expected = expected});
  };
  if (const auto t = j.find("temperature"); t != j.end()) {
    if (type != ProblemType::kSingleLabel || labels.empty()) bad("temperature", "is for one of several labels a row", "no temperature");
    if (!t->is_number() || !(t->get<double>() > 0) || !std::isfinite(t->get<double>())) bad("temperature", "is no temperature: " + t->dump(), "a number above 0");
    d.temperature = t->get<double>();
  }
  const auto given = j.find("decision_thresholds");
  if (given == j.end()) return d;
  const bool one = type == ProblemType::kSingleLabel;
  const std::string expected = one && labels.size() == 2 ? fmt::format("{{\"{}\": a probability}}", labels[1]) : "a probability for each label";
  if (type == ProblemType::kRegression || (one && labels.size() != 2)) bad("decision_thresholds", "are for two labels, or for several labels a row", "none");
  if (!given->is_object()) bad("decision_thresholds", "is no object", expected);
  d.thresholds.assign(one ? 1 : labels.size(), -1.0);
  for (const auto& [label, value] : given->items()) {
    const auto at = std::find(labels.begin(), labels.end(), label);
    if (at == labels.end() || (one && at == labels.begin())) bad("decision_thresholds", fmt::format("\"{}\" has no threshold here", label), expected);
    if (!value.is_number() || !(value.get<double>() >= 0 && value.get<double>() <= 1)) bad("decision_thresholds", "is no probability: " + value.dump(), "0 to 1");
    d.thresholds[one ? 0 : static_cast<size_t>(at - labels.begin())] = value.get<double>();
  }
  if (std::find(d.thresholds.begin(), d.thresholds.end(), -1.0) != d.thresholds.end()) bad("decision_thresholds", "a label is missing", expected);
  return d;
}

}  // namespace attune
