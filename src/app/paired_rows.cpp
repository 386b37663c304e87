#include "app/paired_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <unordered_map>

#include "base/error.h"
#include "base/utf8.h"
#include "data/excerpt.h"

namespace attune {
namespace {

constexpr size_t kShownIds = 10;

using Order = std::vector<size_t>;

/// Ids of `a` that `b` lacks.
std::vector<std::string> missing(const StoredPredictions& a, const std::unordered_map<std::string, size_t>& b) {
  std::vector<std::string> ids;
  for (const std::string& id : a.ids)
    if (!b.contains(id)) ids.push_back(id);
  return ids;
}

std::string shown(const std::vector<std::string>& ids) {
  std::string out;
  for (size_t i = 0; i < std::min(ids.size(), kShownIds); ++i) out += fmt::format("{}'{}'", i ? ", " : "", excerpt(ids[i]));
  if (ids.size() > kShownIds) out += fmt::format(" and {} more", grouped(ids.size() - kShownIds));
  return out;
}

std::unordered_map<std::string, size_t> index_of(const StoredPredictions& p) {
  std::unordered_map<std::string, size_t> at;
  for (size_t i = 0; i < p.rows(); ++i) at.emplace(p.ids[i], i);
  return at;
}

/// Where each row of `first` stands in `run`.
Order order_of(const StoredPredictions& first, const StoredPredictions& run) {
  const auto in_run = index_of(run), in_first = index_of(first);
  const std::vector<std::string> only_first = missing(first, in_run), only_run = missing(run, in_first);
  const std::string where = fmt::format("{} and {}", first.file, run.file);
  if (only_first.size() == first.rows())
    fail(ErrorCode::kInput, {.id = "compare.no_common",
                             .where = where,
                             .what = fmt::format("have no row in common: the ids are {} here and {} there", shown(first.ids), shown(run.ids)),
                             .hint = "compare predictions of the same test rows"});
  if (!only_first.empty() || !only_run.empty()) {
    Problems problems;
    for (const auto& [ids, p] : {std::pair{&only_first, &first}, std::pair{&only_run, &run}})
      if (!ids->empty()) problems.add(fmt::format("{} of {} rows only in {}: {}", grouped(ids->size()), grouped(p->rows()), p->file, shown(*ids)));
    fail(ErrorCode::kInput, {.id = "compare.rows",
                             .where = where,
                             .what = "do not have the same test rows:" + problems.list(),
                             .hint = "evaluate both on one file: attune evaluate MODEL --data FILE --predictions OUT"});
  }
  Order order;
  for (const std::string& id : first.ids) order.push_back(in_run.at(id));
  return order;
}

/// `width` values a row.
template <typename T>
void reorder(std::vector<T>& values, const Order& order, size_t width = 1) {
  if (values.empty()) return;
  std::vector<T> out;
  out.reserve(values.size());
  for (size_t row : order)
    for (size_t c = 0; c < width; ++c) out.push_back(values[row * width + c]);
  values = std::move(out);
}

/// Columns of `width` values a row into those of `width_after`, where column c becomes `column[c]`.
template <typename T>
void spread(std::vector<T>& values, size_t rows, const std::vector<size_t>& column, size_t width_after) {
  if (values.empty()) return;
  std::vector<T> out(rows * width_after);
  for (size_t i = 0; i < rows; ++i)
    for (size_t c = 0; c < column.size(); ++c) out[i * width_after + column[c]] = values[i * column.size() + c];
  values = std::move(out);
}

void reorder(StoredPredictions& p, const Order& order) {
  const size_t labels = p.labels.size();
  reorder(p.ids, order);
  reorder(p.lines, order);
  reorder(p.texts, order);
  reorder(p.pairs, order);
  reorder(p.groups, order);
  reorder(p.gold, order);
  reorder(p.predicted, order);
  reorder(p.gold_set, order, labels);
  reorder(p.predicted_set, order, labels);
  reorder(p.gold_values, order, labels);
  reorder(p.predicted_values, order, labels);
  reorder(p.scores, order, labels);
  reorder(p.tokens, order);
  reorder(p.gold_tags, order);
  reorder(p.predicted_tags, order);
  reorder(p.questions, order);
}

void relabel(StoredPredictions& p, const std::vector<std::string>& labels) {
  if (p.kind == StoredKind::kRegression || p.kind == StoredKind::kAnswers || p.labels == labels) return;
  std::vector<size_t> column;
  for (const std::string& label : p.labels) column.push_back(static_cast<size_t>(std::find(labels.begin(), labels.end(), label) - labels.begin()));
  for (auto* ids : {&p.gold, &p.predicted})
    for (int32_t& id : *ids) id = static_cast<int32_t>(column[static_cast<size_t>(id)]);
  spread(p.gold_set, p.rows(), column, labels.size());
  spread(p.predicted_set, p.rows(), column, labels.size());
  spread(p.scores, p.rows(), column, labels.size());  // a label a model does not know has probability 0
  p.labels = labels;
}

Json values_json(const std::vector<double>& values, size_t row, size_t width) {
  if (width == 1) return values[row];
  return std::vector<double>(values.begin() + static_cast<std::ptrdiff_t>(row * width), values.begin() + static_cast<std::ptrdiff_t>((row + 1) * width));
}
Json set_json(const StoredPredictions& p, const std::vector<uint8_t>& set, size_t row) {
  Json names = Json::array();
  for (size_t c = 0; c < p.labels.size(); ++c)
    if (set[row * p.labels.size() + c]) names.push_back(p.labels[c]);
  return names;
}

}  // namespace

std::vector<StoredPredictions> paired_rows(std::span<const StoredPredictions> runs) {
  std::vector<StoredPredictions> all(runs.begin(), runs.end());
  StoredPredictions& first = all.front();
  std::vector<std::string> labels = first.labels;
  for (const StoredPredictions& run : all) {
    if (run.kind != first.kind || (run.kind == StoredKind::kRegression && run.labels.size() != labels.size()))
      fail(ErrorCode::kInput, {.id = "compare.task", .where = fmt::format("{} and {}", first.file, run.file), .what = "are predictions of different tasks, or of different kinds of labels"});
    if (run.kind == StoredKind::kRegression) continue;
    for (const std::string& label : run.labels)
      if (std::find(labels.begin(), labels.end(), label) == labels.end()) labels.push_back(label);
  }
  for (StoredPredictions& run : all) {
    if (&run != &first) reorder(run, order_of(first, run));
    relabel(run, labels);
    Problems other;
    for (size_t i = 0; i < run.rows(); ++i)
      if (const Json a = gold_json(first, i), b = gold_json(run, i); a != b)
        other.add(fmt::format("id '{}': {} in {}, {} in {}", excerpt(first.ids[i]), excerpt(a.dump()), first.file, excerpt(b.dump()), run.file));
    if (!other.empty())
      fail(ErrorCode::kInput, {.id = "compare.gold", .where = run.file, .what = fmt::format("{} rows have another gold than in {}:{}", grouped(other.count()), first.file, other.list()), .hint = "both must be measured against the same labels"});
    // One reading of the rows for all.
    run.labels = first.labels;
    run.groups = first.groups;
    run.scheme = first.scheme;
    run.strict = first.strict;
  }
  return all;
}

Json gold_json(const StoredPredictions& p, size_t row) {
  switch (p.kind) {
    case StoredKind::kSingleLabel: return p.labels[static_cast<size_t>(p.gold[row])];
    case StoredKind::kMultiLabel: return set_json(p, p.gold_set, row);
    case StoredKind::kRegression: return values_json(p.gold_values, row, p.labels.size());
    case StoredKind::kTags: return p.gold_tags[row];
    case StoredKind::kAnswers: return p.questions[row].gold;
  }
  return {};
}

Json prediction_json(const StoredPredictions& p, size_t row) {
  switch (p.kind) {
    case StoredKind::kSingleLabel: return p.labels[static_cast<size_t>(p.predicted[row])];
    case StoredKind::kMultiLabel: return set_json(p, p.predicted_set, row);
    case StoredKind::kRegression: return values_json(p.predicted_values, row, p.labels.size());
    case StoredKind::kTags: return p.predicted_tags[row];
    case StoredKind::kAnswers: return p.questions[row].predicted;
  }
  return {};
}

}  // namespace attune
