// The JSON and the text of data/check.h.
#include <fmt/format.h>

#include <algorithm>

#include "base/utf8.h"
#include "data/check.h"
#include "data/excerpt.h"

namespace attune {
namespace {

Json finding_json(const Finding& f) { return {{"count", f.count}, {"lines", f.lines}}; }

double share_of(uint64_t part, uint64_t all) { return all == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(all); }

/// First and last length of bin i.
std::pair<int64_t, int64_t> bin_range(const LengthReport& l, size_t i) {
  const auto n = static_cast<int64_t>(l.bins.size()), k = static_cast<int64_t>(i);
  const auto first = [&](int64_t bin) { return 1 + (bin * l.bins_end + n - 1) / n; };
  return {first(k), k + 1 == n ? std::max(l.most, l.bins_end) : first(k + 1) - 1};
}

std::string bar(uint64_t count, uint64_t most, size_t width) {
  const size_t length = most == 0 ? 0 : static_cast<size_t>((count * width + most - 1) / most);
  return std::string(length, '#');
}

std::string histogram(const LengthReport& l, int64_t max_length) {
  std::vector<std::string> labels;
  size_t width = 0, counts = 0;
  uint64_t most = 0;
  for (size_t i = 0; i < l.bins.size(); ++i) {
    const auto [first, last] = bin_range(l, i);
    labels.push_back(first == last ? fmt::format("{}", first) : fmt::format("{}-{}", first, last));
    width = std::max(width, labels.back().size());
    counts = std::max(counts, grouped(l.bins[i]).size());
    most = std::max(most, l.bins[i]);
  }
  std::string out;
  for (size_t i = 0; i < l.bins.size(); ++i) {
    const auto [first, last] = bin_range(l, i);
    const bool limit = max_length > 0 && first <= max_length && max_length <= last && l.most > max_length;
    const std::string line =
        fmt::format("    {}  {}  {}", pad_left(labels[i], width), pad_left(grouped(l.bins[i]), counts), bar(l.bins[i], most, 40));
    out += line + (limit ? fmt::format("{}<- max_length {}", line.back() == ' ' ? "" : "  ", max_length) : "") + "\n";
  }
  return out;
}

std::string class_table(const SplitReport& r) {
  size_t width = 0, counts = 0;
  uint64_t most = 0, all = 0;
  for (const auto& [name, count] : r.classes) {
    width = std::max(width, display_width(excerpt(name)));
    counts = std::max(counts, grouped(count).size());
    most = std::max(most, count);
    all += count;
  }
  std::string out;
  for (const auto& [name, count] : r.classes) {
    out += fmt::format("    {}  {}  {:5.1f}%  {}\n", pad_right(excerpt(name), width), pad_left(grouped(count), counts), 100 * share_of(count, all), bar(count, most, 30));
  }
  return out;
}

}  // namespace

Json to_json(const DataReport& report) {
  Json splits = Json::object();
  for (const SplitReport& r : report.splits) {
    Json s = Json::object();
    s["file"] = r.file;
    s["rows"] = r.rows;
    s["bad_rows"] = r.bad_rows;
    s["blank_lines"] = r.blank_lines;
    s["unlabelled"] = r.unlabelled;
    Json classes = Json::object();
    for (const auto& [name, count] : r.classes) classes[name] = count;
    s["class_counts"] = std::move(classes);
    s["majority_rate"] = r.majority_rate;
    s["empty_texts"] = finding_json(r.empty);
    s["duplicates"] = finding_json(r.duplicates);
    s["conflicting_duplicates"] = finding_json(r.conflicts);
    s["in_train"] = finding_json(r.in_train);
    s["repeated_ids"] = finding_json(r.repeated_ids);
    s["leading_one_class"] = r.leading_one_class;
    if (r.has_lengths) {
      const LengthReport& l = r.lengths;
      Json bins = Json::array();
      for (size_t i = 0; i < l.bins.size(); ++i) {
        const auto [first, last] = bin_range(l, i);
        bins.push_back({{"from", first}, {"to", last}, {"rows", l.bins[i]}});
      }
      s["token_lengths"] = {{"min", l.least}, {"median", l.median}, {"mean", l.mean}, {"p95", l.p95}, {"max", l.most}, {"histogram", std::move(bins)}};
      s["truncated"] = l.truncated;
      s["truncated_share"] = share_of(l.truncated, r.rows);
      s["tokens_lost"] = l.tokens_lost;
    }
    splits[r.name] = std::move(s);
  }
  Json out = Json::object();
  if (report.max_length > 0) out["max_length"] = report.max_length;
  out["splits"] = std::move(splits);
  out["problems"] = report.problems;
  return out;
}

std::string to_text(const DataReport& report) {
  std::string out;
  for (const SplitReport& r : report.splits) {
    out += fmt::format("{}  {}\n", r.name, r.file);
    out += fmt::format("  rows {}", grouped(r.rows));
    if (r.bad_rows > 0) out += fmt::format(", bad {}", grouped(r.bad_rows));
    if (r.blank_lines > 0) out += fmt::format(", blank lines {}", grouped(r.blank_lines));
    if (r.unlabelled > 0) out += fmt::format(", unlabelled {}", grouped(r.unlabelled));
    out += fmt::format("\n  empty texts {}, repeated rows {}, same text with another label {}", grouped(r.empty.count), grouped(r.duplicates.count),
                       grouped(r.conflicts.count));
    if (&r != report.splits.data()) out += fmt::format(", also in {} {}", report.splits[0].name, grouped(r.in_train.count));
    out += "\n";
    if (!r.classes.empty()) out += fmt::format("  classes {}, majority {:.1f}%\n{}", r.classes.size(), 100 * r.majority_rate, class_table(r));
    if (r.has_lengths) {
      const LengthReport& l = r.lengths;
      out += fmt::format("  tokens: mean {:.1f}, median {}, 95% within {}, longest {}\n{}", l.mean, l.median, l.p95, l.most, histogram(l, report.max_length));
      if (report.max_length > 0) {
        out += fmt::format("  longer than max_length {}: {} rows ({:.1f}%), {} tokens lost\n", report.max_length, grouped(l.truncated),
                           100 * share_of(l.truncated, r.rows), grouped(l.tokens_lost));
      }
    }
    out += "\n";
  }
  if (report.problems.empty()) return out + "No problems found.\n";
  out += fmt::format("{} to look at:\n", report.problems.size() == 1 ? "One thing" : fmt::format("{} things", report.problems.size()));
  for (const std::string& problem : report.problems) out += fmt::format("  - {}\n", problem);
  return out;
}

}  // namespace attune
