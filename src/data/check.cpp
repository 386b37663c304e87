#include "data/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "base/error.h"
#include "base/utf8.h"
#include "data/excerpt.h"
#include "data/labels.h"

namespace attune {
namespace {

constexpr size_t kShownLines = 5, kMostClasses = 200, kBins = 16;
constexpr uint64_t kSuspiciousRun = 50;

void found(Finding& f, uint64_t line) {
  ++f.count;
  if (f.lines.size() < kShownLines) f.lines.push_back(line);
}

bool is_blank(std::string_view s) { return s.find_first_not_of(" \t\r\n") == std::string_view::npos; }

/// Text and pair as one key. Lengths keep ("ab", "c") and ("a", "bc") apart.
std::string key_of(const Row& row) { return row.pair ? fmt::format("{}:{}{}", row.text.size(), row.text, *row.pair) : "-:" + row.text; }

LengthReport look_at_lengths(std::span<const int32_t> lengths, int64_t max_length) {
  LengthReport r;
  if (lengths.empty()) return r;
  std::vector<int32_t> sorted(lengths.begin(), lengths.end());
  std::sort(sorted.begin(), sorted.end());
  const auto at = [&](double share) { return sorted[static_cast<size_t>(share * static_cast<double>(sorted.size() - 1))]; };
  r.least = sorted.front();
  r.median = at(0.5);
  r.p95 = at(0.95);
  r.most = sorted.back();
  r.mean = std::accumulate(sorted.begin(), sorted.end(), 0.0) / static_cast<double>(sorted.size());
  r.bins_end = std::max<int64_t>(r.most, 1);
  // A few very long rows would squeeze all others into one bin: beyond twice the limit, the last bin takes the rest.
  if (max_length > 0 && r.most > max_length) r.bins_end = std::min(r.most, 2 * max_length);
  r.bins.resize(std::min<size_t>(kBins, static_cast<size_t>(r.bins_end)));
  for (int32_t length : sorted) {
    const int64_t i = (static_cast<int64_t>(length) - 1) * static_cast<int64_t>(r.bins.size()) / r.bins_end;
    ++r.bins[static_cast<size_t>(std::clamp<int64_t>(i, 0, static_cast<int64_t>(r.bins.size()) - 1))];
    if (max_length > 0 && length > max_length) {
      ++r.truncated;
      r.tokens_lost += static_cast<uint64_t>(length - max_length);
    }
  }
  return r;
}

/// What is counted of a row's label: the label, the tag of every word, or whether a question has an answer.
std::vector<std::string> counted_labels(const Row& row) {
  std::vector<std::string> out;
  if (!row.tokens.empty() && row.label.is_array()) {
    for (const Json& tag : row.label) out.push_back(label_text(tag));
  } else if (row.label.is_object()) {
    out.emplace_back(row.label["text"].empty() ? "no answer" : "answer");
  } else {
    out.push_back(label_text(row.label));
  }
  return out;
}

void count_classes(SplitReport& r, std::span<const Row> rows) {
  std::map<std::string, uint64_t> counts;
  uint64_t run = 0, total = 0;
  std::string first;
  bool running = true;
  for (const Row& row : rows) {
    if (row.label.is_null()) {
      ++r.unlabelled;
      continue;
    }
    for (std::string& label : counted_labels(row)) {
      ++total;
      if (run == 0) first = label;
      running = running && label == first;
      run += running && row.tokens.empty();
      if (counts.size() <= kMostClasses) ++counts[std::move(label)];
    }
  }
  const uint64_t labelled = r.rows - r.unlabelled;
  if (counts.size() > 1 && run >= kSuspiciousRun && 10 * run >= 2 * labelled) r.leading_one_class = run;
  if (counts.size() > kMostClasses || labelled == 0) return;
  if (counts.size() == 1 && rows.front().label.is_object()) return;  // every question has an answer, which is no class
  std::vector<std::string> names;
  for (const auto& [name, count] : counts) names.push_back(name);
  sort_label_names(names);
  uint64_t most = 0;
  for (const std::string& name : names) {
    r.classes.emplace_back(name, counts[name]);
    most = std::max(most, counts[name]);
  }
  r.majority_rate = static_cast<double>(most) / static_cast<double>(std::max<uint64_t>(total, 1));
}

SplitReport look_at(const SplitToCheck& split, int64_t max_length, const std::unordered_set<std::string>* train) {
  require(split.lengths.empty() || split.lengths.size() == split.rows.size(), "a length for every row");
  SplitReport r;
  r.name = split.name;
  r.file = split.file;
  r.rows = split.rows.size();
  r.bad_rows = split.bad_rows;
  r.blank_lines = split.blank_lines;
  count_classes(r, split.rows);
  std::unordered_map<std::string, const Json*> first_label;
  std::unordered_set<std::string_view> ids;
  for (const Row& row : split.rows) {
    if (is_blank(row.text) && (!row.pair || is_blank(*row.pair))) found(r.empty, row.line);
    std::string key = key_of(row);
    if (train != nullptr && train->contains(key)) found(r.in_train, row.line);
    if (const auto [it, fresh] = first_label.emplace(std::move(key), &row.label); !fresh) found(*it->second == row.label ? r.duplicates : r.conflicts, row.line);
    if (!row.id.empty() && !ids.insert(row.id).second) found(r.repeated_ids, row.line);
  }
  r.has_lengths = !split.lengths.empty();
  r.lengths = look_at_lengths(split.lengths, max_length);
  return r;
}

std::string at_lines(const Finding& f) {
  std::string lines;
  for (uint64_t line : f.lines) lines += fmt::format("{}{}", lines.empty() ? "" : ", ", line);
  return fmt::format("{} {}{}", f.lines.size() == 1 ? "line" : "lines", lines, f.count > f.lines.size() ? ", ..." : "");
}

std::string rows_of(uint64_t n) { return fmt::format("{} {}", grouped(n), n == 1 ? "row" : "rows"); }

double percent_of(uint64_t part, uint64_t all) { return all == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(all); }

/// Labels that are one label spelled in two ways.
void find_spellings(const SplitReport& r, std::vector<std::string>& problems) {
  std::map<std::string, std::string> seen;
  for (const auto& [name, count] : r.classes) {
    std::string plain;
    for (char c : name) {
      if (c != ' ' && c != '\t' && c != '_' && c != '-') plain += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    if (plain.empty()) continue;
    if (const auto [it, fresh] = seen.emplace(plain, name); !fresh) {
      problems.push_back(fmt::format("{}: the labels '{}' and '{}' differ only in case, spaces or hyphens", r.name, excerpt(it->second), excerpt(name)));
    }
  }
}

void judge(const SplitReport& r, const SplitReport& train, bool is_train, int64_t max_length, std::vector<std::string>& problems) {
  const auto problem = [&](std::string text) { problems.push_back(fmt::format("{}: {}", r.name, text)); };
  if (r.bad_rows > 0) problem(fmt::format("{} cannot be used", rows_of(r.bad_rows)));
  if (r.empty.count > 0) problem(fmt::format("{} without text ({})", rows_of(r.empty.count), at_lines(r.empty)));
  if (r.unlabelled > 0 && r.unlabelled < r.rows) problem(fmt::format("{} without a label", rows_of(r.unlabelled)));
  if (is_train && r.classes.size() == 1) problem(fmt::format("every row has the label '{}'; there is nothing to learn", excerpt(r.classes[0].first)));
  if (r.conflicts.count > 0) problem(fmt::format("{} repeat an earlier text with another label ({})", rows_of(r.conflicts.count), at_lines(r.conflicts)));
  if (r.duplicates.count > 0) {
    problem(fmt::format("{} ({:.1f}%) repeat an earlier row ({})", rows_of(r.duplicates.count), percent_of(r.duplicates.count, r.rows), at_lines(r.duplicates)));
  }
  if (r.in_train.count > 0) {
    problem(fmt::format("{} ({:.1f}%) have a text that is also in {} ({}): figures on them are too good", rows_of(r.in_train.count), percent_of(r.in_train.count, r.rows),
                        train.name, at_lines(r.in_train)));
  }
  if (r.repeated_ids.count > 0) problem(fmt::format("{} have an id that another row has ({})", rows_of(r.repeated_ids.count), at_lines(r.repeated_ids)));
  if (r.leading_one_class > 0) {
    problem(fmt::format("the first {} are of one class: the file is sorted by label, so a prefix of it, or training with shuffle: false, sees one class only",
                        rows_of(r.leading_one_class)));
  }
  if (is_train) {
    for (const auto& [name, count] : r.classes) {
      if (r.classes.size() > 1 && count < 5) problem(fmt::format("the label '{}' has only {}", excerpt(name), rows_of(count)));
    }
    if (r.classes.size() > 1 && r.majority_rate > 0.9) {
      problem(fmt::format("{:.1f}% of the rows are of one class; see class_weights: balanced, and look at f1_macro rather than accuracy", 100 * r.majority_rate));
    }
    find_spellings(r, problems);
  } else if (!train.classes.empty()) {
    for (const auto& [name, count] : r.classes) {
      const std::string& label = name;  // a lambda may not capture a structured binding
      const bool known = std::any_of(train.classes.begin(), train.classes.end(), [&](const auto& c) { return c.first == label; });
      if (!known) problem(fmt::format("the label '{}' ({}) is not in {}", excerpt(name), rows_of(count), train.name));
    }
  }
  if (r.has_lengths && max_length > 0 && percent_of(r.lengths.truncated, r.rows) >= 10) {
    problem(fmt::format("{} ({:.1f}%) are longer than max_length {} and lose {} tokens", rows_of(r.lengths.truncated), percent_of(r.lengths.truncated, r.rows), max_length,
                        grouped(r.lengths.tokens_lost)));
  }
}

}  // namespace

DataReport check_data(std::span<const SplitToCheck> splits, int64_t max_length) {
  DataReport report;
  report.max_length = max_length;
  std::unordered_set<std::string> train;
  if (splits.size() > 1) {
    for (const Row& row : splits[0].rows) train.insert(key_of(row));
  }
  for (size_t i = 0; i < splits.size(); ++i) report.splits.push_back(look_at(splits[i], max_length, i == 0 ? nullptr : &train));
  for (size_t i = 0; i < splits.size(); ++i) judge(report.splits[i], report.splits[0], i == 0, max_length, report.problems);
  return report;
}

}  // namespace attune
