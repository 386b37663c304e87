// The tables of metrics/report.h.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/utf8.h"
#include "metrics/report.h"

namespace attune {
namespace {

size_t width_of(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

/// At most `most` code points, "…" where cut; control characters as spaces.
std::string label_cell(std::string text, size_t most) {
  std::replace_if(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  if (width_of(text) <= most) return text;
  size_t end = 0;
  for (size_t seen = 0; end < text.size(); ++end) {
    if ((static_cast<unsigned char>(text[end]) & 0xc0) != 0x80 && ++seen == most) break;
  }
  return text.substr(0, end) + "…";
}

/// First column to the left, the others to the right.
std::string aligned(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line = "  ";
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string space(widths[i] - width_of(row[i]), ' ');
      line += i == 0 ? row[i] + space : "  " + space + row[i];
    }
    out += line + "\n";
  }
  return out;
}

std::string number(const Json& value) {
  if (value.is_null()) return "-";
  if (value.is_number_integer()) return value.is_number_unsigned() || value.get<int64_t>() >= 0 ? grouped(value.get<uint64_t>()) : value.dump();
  return fmt::format("{:.4f}", value.get<double>());
}

std::string percent(double share) { return fmt::format("{:.2f}%", 100.0 * share); }

/// Why figures have no value, those of one reason together.
std::string undefined_lines(const Json& metrics) {
  std::vector<std::pair<std::string, std::string>> by_reason;  // reason, keys
  const Json undefined = metrics.value("undefined", Json::object());
  for (const auto& [key, reason] : undefined.items()) {
    const std::string why = reason.get<std::string>();
    const auto at = std::find_if(by_reason.begin(), by_reason.end(), [&](const auto& r) { return r.first == why; });
    if (at == by_reason.end()) {
      by_reason.emplace_back(why, key);
    } else {
      at->second += ", " + key;
    }
  }
  std::string out;
  for (const auto& [reason, keys] : by_reason) out += fmt::format("  not defined: {} ({})\n", keys, reason);
  return out;
}

}  // namespace

std::string metrics_table(const Json& metrics) {
  std::string out;
  if (metrics.contains("accuracy")) {
    const bool multi = metrics.contains("hamming_loss");
    out += fmt::format("  accuracy  {}", percent(metrics["accuracy"].get<double>()));
    if (metrics.contains("accuracy_interval")) {
      out += fmt::format("  ({:.0f}% interval {} to {})", 100.0 * metrics.value("accuracy_confidence", 0.95),
                         percent(metrics["accuracy_interval"][0].get<double>()), percent(metrics["accuracy_interval"][1].get<double>()));
    }
    out += fmt::format(", {} of {} rows{}\n", number(metrics["correct"]), number(metrics["rows"]), multi ? " wholly right" : "");
    out += fmt::format("  majority  {}", percent(metrics["majority_rate"].get<double>()));
    if (metrics.contains("majority_label") && metrics["majority_label"].is_string()) {
      out += fmt::format("  (always '{}')", label_cell(metrics["majority_label"].get<std::string>(), 30));
    }
    out += "\n";
  }
  std::vector<std::vector<std::string>> rows;
  for (const char* key : {"loss", "f1_macro", "f1_weighted", "f1_micro", "f1_samples", "f1", "mcc", "hamming_loss", "mse", "rmse", "mae", "r2", "pearson", "spearman",
                          "roc_auc", "roc_auc_ovo", "average_precision", "brier", "ece"}) {
    if (metrics.contains(key) && !metrics[key].is_null()) rows.push_back({key, number(metrics[key])});
  }
  out += aligned(rows) + undefined_lines(metrics);
  if (metrics.contains("per_class")) {
    rows = {{"class", "precision", "recall", "f1", "rows", "predicted"}};
    for (const auto& [name, s] : metrics["per_class"].items()) {
      rows.push_back({label_cell(name, 30), number(s["precision"]), number(s["recall"]), number(s["f1"]), number(s["support"]), number(s.value("predicted", Json()))});
    }
    out += "\n" + aligned(rows);
  }
  constexpr size_t kWidest = 12;
  if (metrics.contains("confusion_matrix") && metrics["confusion_matrix"].size() <= kWidest) {
    std::vector<std::string> header = {"gold \\ predicted"};
    for (const Json& name : metrics["labels"]) header.push_back(label_cell(name.get<std::string>(), 14));
    rows = {header};
    for (size_t g = 0; g < metrics["confusion_matrix"].size(); ++g) {
      rows.push_back({label_cell(metrics["labels"][g].get<std::string>(), 30)});
      for (const Json& count : metrics["confusion_matrix"][g]) rows.back().push_back(number(count));
    }
    out += "\n" + aligned(rows);
  } else if (metrics.contains("confused_pairs") && !metrics["confused_pairs"].empty()) {
    constexpr size_t kMostPairs = 10;
    rows = {{"most confused", "taken for", "rows"}};
    for (const Json& p : metrics["confused_pairs"])
      if (rows.size() <= kMostPairs) rows.push_back({label_cell(p["gold"].get<std::string>(), 30), label_cell(p["predicted"].get<std::string>(), 30), number(p["count"])});
    out += "\n" + aligned(rows);
  }
  return out;
}

std::string metrics_table_of_groups(const Json& groups) {
  std::vector<std::vector<std::string>> rows = {{"group", "rows"}};
  for (const char* key : {"accuracy", "f1_macro", "overall_f1", "overall_accuracy", "exact", "f1", "mse", "pearson"}) {
    const bool known = std::any_of(groups.begin(), groups.end(), [&](const Json& g) { return g.contains(key); });
    const bool told = std::find(rows[0].begin(), rows[0].end(), "f1_macro") != rows[0].end();  // the f1 of two classes
    if (known && !(told && std::string_view(key) == "f1")) rows[0].push_back(key);
  }
  const std::vector<std::string> keys = rows[0];
  bool intervals = false;
  for (const auto& [value, g] : groups.items()) {
    rows.push_back({value.empty() ? "(empty)" : label_cell(value, 30), number(g["rows"])});
    for (size_t i = 2; i < keys.size(); ++i) rows.back().push_back(number(g.value(keys[i], Json())));
    const std::string interval = keys.size() > 2 ? keys[2] + "_interval" : "";
    if (!g.contains(interval)) continue;
    intervals = true;
    rows.back().push_back(fmt::format("{:.4f} to {:.4f}", g[interval][0].get<double>(), g[interval][1].get<double>()));
  }
  if (intervals) rows[0].push_back("95% interval of " + keys[2]);
  return aligned(rows);
}

}  // namespace attune
