// A comparison for people.
#include <fmt/format.h>

#include <algorithm>

#include "app/compare.h"
#include "data/excerpt.h"

namespace attune {
namespace {

constexpr size_t kShownFlips = 5, kTextWidth = 100, kNameWidth = 40;

using Rows = std::vector<std::vector<std::string>>;

/// First column to the left, the others to the right.
std::string table_text(const Rows& rows) {
  std::string out;
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], display_width(row[i]));
  }
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) line += i == 0 ? pad_right(row[i], widths[0]) : "  " + pad_left(row[i], widths[i]);
    out += "  " + line + "\n";
  }
  return out;
}

std::string value_text(const Json& v, const char* format = "{:.4f}") { return v.is_number() ? fmt::format(fmt::runtime(format), v.get<double>()) : "-"; }
std::string p_text(const Json& test) { return test.is_object() ? value_text(test["p"], "{:.3g}") : "-"; }

std::string runs_text(const Json& r) {
  Rows rows = {{"run"}};
  for (const auto& [metric, value] : r["runs"][0]["metrics"].items()) rows[0].push_back(metric);
  for (const Json& run : r["runs"]) {
    rows.push_back({excerpt(run["name"].get<std::string>(), kNameWidth)});
    for (const auto& [metric, value] : run["metrics"].items()) rows.back().push_back(value_text(value));
  }
  return table_text(rows);
}

std::string tests_text(const Json& pair, const Json& holm, double confidence) {
  Rows rows = {{"b - a", "difference", fmt::format("{:g} % interval", 100 * confidence), "p (bootstrap)", "p (randomisation)"}};
  if (!holm.is_null()) rows[0].push_back("p (bootstrap, Holm)");
  for (const auto& [metric, d] : pair["paired_bootstrap"].items()) {
    rows.push_back({metric, d.is_null() ? "-" : value_text(d["difference"], "{:+.4f}"), d.is_null() ? "-" : value_text(d["low"], "{:+.4f}") + " to " + value_text(d["high"], "{:+.4f}"),
                    p_text(d), p_text(pair["randomisation"][metric])});
    if (!holm.is_null()) rows.back().push_back(value_text(holm["paired_bootstrap"][metric], "{:.3g}"));
  }
  std::string line = table_text(rows);
  if (const Json& m = pair["mcnemar"]; m.is_object())
    line += fmt::format("  McNemar: only a right {}, only b right {}, p = {}\n", m["only_a_right"].get<int64_t>(), m["only_b_right"].get<int64_t>(), p_text(m));
  if (const Json& d = pair["delong"]; d.is_object())
    line += fmt::format("  DeLong: AUC {} and {}, difference {} to {}, p = {}\n", value_text(d["auc_a"]), value_text(d["auc_b"]), value_text(d["low"], "{:+.4f}"), value_text(d["high"], "{:+.4f}"), p_text(d));
  if (const Json& a = pair["agreement"]; a.is_object()) line += fmt::format("  Agreement: {} of predictions, kappa {}\n", value_text(a["share"]), value_text(a["kappa"], "{:.3f}"));
  if (const Json& e = pair["equivalence"]; e.is_object())
    line += fmt::format("  Equivalence of {} within {:g}: {} (p = {})\n", e["metric"].get<std::string>(), e["margin"].get<double>(), e["equivalent"].get<bool>() ? "shown" : "not shown", p_text(e));
  return line;
}

std::string flips_text(const Json& pair) {
  std::string out;
  const Json& flips = pair["flips"];
  if (!flips.is_object()) return out;
  for (const auto& [key, title] : {std::pair{"right_to_wrong", "Right in a, wrong in b"}, std::pair{"wrong_to_right", "Wrong in a, right in b"}}) {
    const Json& rows = flips[key];
    if (rows.empty()) continue;
    out += fmt::format("\n{}: {} rows\n", title, rows.size());
    for (size_t i = 0; i < std::min(rows.size(), kShownFlips); ++i) {
      const auto text = [](const Json& v) { return excerpt(v.is_string() ? v.get<std::string>() : v.dump(), kTextWidth); };
      out += fmt::format("  {}: gold {}, a {}, b {}\n    {}\n", text(rows[i]["id"]), text(rows[i]["gold"]), text(rows[i]["a"]), text(rows[i]["b"]), text(rows[i]["text"]));
    }
    if (rows.size() > kShownFlips) out += fmt::format("  ... and {} more (--json lists all)\n", rows.size() - kShownFlips);
  }
  return out;
}

std::string pair_text(const Json& pair, const Json& holm, double confidence) {
  std::string out = fmt::format("\na: {}\nb: {}\n", pair["a"].get<std::string>(), pair["b"].get<std::string>()) + tests_text(pair, holm, confidence);
  const Json undefined = pair.value("undefined", Json::object());
  for (const auto& [key, reason] : undefined.items()) out += fmt::format("  no {}: {}\n", key, reason.get<std::string>());
  return out + fmt::format("\n  {}\n", pair["verdict"].get<std::string>()) + flips_text(pair);
}

}  // namespace

std::string comparison_text(const Json& r) {
  std::string out = fmt::format("{}, {} rows\n", r["task"].get<std::string>(), r["rows"].get<int64_t>()) + runs_text(r);
  const double confidence = r["confidence"].get<double>();
  if (!r.contains("pairs")) {
    out += pair_text(r, nullptr, confidence);
  } else {
    for (size_t i = 0; i < r["pairs"].size(); ++i) out += pair_text(r["pairs"][i], r["holm"][i], confidence);
  }
  for (const Json& note : r.value("notes", Json::array())) out += "\nnote: " + note.get<std::string>() + "\n";
  return out;
}

}  // namespace attune
