#include "data/split.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "base/random.h"
#include "base/utf8.h"
#include "data/labels.h"

namespace attune {
namespace {

/// The `count` positions of `group` with the smallest ranks.
void take_first(std::vector<size_t> group, size_t count, uint64_t seed, std::vector<size_t>& out) {
  const uint64_t key = mix_key(seed, hash_name("data.sample"));
  const auto rank = [&](size_t position) { return mix_key(key, position); };
  std::nth_element(group.begin(), group.begin() + static_cast<std::ptrdiff_t>(count), group.end(), [&](size_t a, size_t b) {
    const uint64_t ra = rank(a), rb = rank(b);
    return ra != rb ? ra < rb : a < b;
  });
  out.insert(out.end(), group.begin(), group.begin() + static_cast<std::ptrdiff_t>(count));
}

/// How many of `count` each group gets: the floor of its share, then one more to the largest remainders.
std::vector<size_t> shares(const std::vector<size_t>& sizes, size_t n, size_t count) {
  std::vector<size_t> share(sizes.size()), order(sizes.size());
  std::vector<uint64_t> remainder(sizes.size());
  size_t given = 0;
  for (size_t g = 0; g < sizes.size(); ++g) {
    const auto exact = static_cast<unsigned __int128>(sizes[g]) * count;
    share[g] = static_cast<size_t>(exact / n);
    remainder[g] = static_cast<uint64_t>(exact % n);
    given += share[g];
    order[g] = g;
  }
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return remainder[a] > remainder[b]; });
  for (size_t k = 0; given < count; ++k, ++given) ++share[order[k]];
  return share;
}

}  // namespace

std::vector<size_t> sample_positions(size_t n, size_t count, uint64_t seed, std::span<const int32_t> strata) {
  require(strata.empty() || strata.size() == n, "a stratum for every row");
  count = std::min(count, n);
  std::map<int32_t, std::vector<size_t>> groups;
  for (size_t i = 0; i < n; ++i) groups[strata.empty() ? 0 : strata[i]].push_back(i);
  std::vector<size_t> sizes;
  for (const auto& [stratum, group] : groups) sizes.push_back(group.size());
  const std::vector<size_t> share = shares(sizes, n, count);
  std::vector<size_t> out;
  out.reserve(count);
  size_t g = 0;
  for (auto& [stratum, group] : groups) take_first(std::move(group), share[g++], seed, out);
  std::sort(out.begin(), out.end());
  return out;
}

Split split_positions(size_t n, size_t held_out, uint64_t seed, std::span<const int32_t> strata) {
  Split split;
  split.held_out = sample_positions(n, held_out, seed, strata);
  split.train.reserve(n - split.held_out.size());
  size_t next = 0;
  for (size_t i = 0; i < n; ++i) {
    if (next < split.held_out.size() && split.held_out[next] == i) {
      ++next;
    } else {
      split.train.push_back(i);
    }
  }
  return split;
}

int32_t Strata::of(const Row& row) { return classes_.emplace(label_text(row.label), static_cast<int32_t>(classes_.size())).first->second; }

std::vector<int32_t> strata_of(std::span<const Row> rows) {
  Strata classes;
  std::vector<int32_t> strata;
  strata.reserve(rows.size());
  for (const Row& row : rows) strata.push_back(classes.of(row));
  return strata;
}

std::vector<Row> sample_rows(std::span<const Row> rows, size_t count, uint64_t seed, bool stratified) {
  std::vector<Row> out;
  for (size_t i : sample_positions(rows.size(), count, seed, stratified ? strata_of(rows) : std::vector<int32_t>{})) out.push_back(rows[i]);
  return out;
}

RowSplit split_rows(std::vector<Row> rows, double size, uint64_t seed, bool stratified) {
  const auto n = static_cast<double>(rows.size());
  // 0.1 * 1000 is a little above 100 in binary: the rounding up must not see that.
  const double wanted = size < 1.0 ? std::ceil(size * n - 1e-9 * n) : std::floor(size);
  if (!(wanted >= 1.0) || !(wanted < n)) {
    fail(ErrorCode::kUsage, {.id = "data.split",
                             .where = "validation size",
                             .what = fmt::format("{} of {} rows leaves one side empty", size, grouped(rows.size())),
                             .expected = "a share between 0 and 1, or a number of rows below the number there is",
                             .got = fmt::format("{}", size),
                             .hint = ""});
  }
  const Split split = split_positions(rows.size(), static_cast<size_t>(wanted), seed, stratified ? strata_of(rows) : std::vector<int32_t>{});
  RowSplit out;
  for (size_t i : split.train) out.train.push_back(std::move(rows[i]));
  for (size_t i : split.held_out) out.held_out.push_back(std::move(rows[i]));
  return out;
}

std::vector<int64_t> fold_numbers(std::span<const Row> rows, int64_t folds, uint64_t seed, bool stratified) {
  require(folds > 1, "two folds or more");
  const uint64_t key = mix_key(seed, hash_name("data.folds"));
  std::map<std::string, std::vector<size_t>> groups;  // rows of each; without groups every row is one
  const bool grouped_rows = std::any_of(rows.begin(), rows.end(), [](const Row& r) { return !r.group.empty(); });
  if (grouped_rows)
    for (size_t i = 0; i < rows.size(); ++i) groups[rows[i].group.empty() ? fmt::format("row {}", i) : "group " + rows[i].group].push_back(i);
  const size_t units = grouped_rows ? groups.size() : rows.size();
  if (units < static_cast<size_t>(folds))
    fail(ErrorCode::kUsage, {.id = "data.folds", .where = "data.folds", .what = "there are fewer " + std::string(grouped_rows ? "documents or contexts" : "rows") + " than folds", .expected = fmt::format("at most {}", units), .got = fmt::format("{}", folds), .hint = ""});
  std::vector<int64_t> numbers(rows.size());
  if (grouped_rows) {
    std::vector<std::pair<uint64_t, const std::vector<size_t>*>> order;
    for (const auto& [name, members] : groups) order.emplace_back(mix_key(key, hash_name(name)), &members);
    std::sort(order.begin(), order.end());
    std::vector<size_t> sizes(static_cast<size_t>(folds));
    for (const auto& [rank, members] : order) {
      const auto least = std::min_element(sizes.begin(), sizes.end());
      for (const size_t i : *members) numbers[i] = least - sizes.begin();
      *least += members->size();
    }
    return numbers;
  }
  const std::vector<int32_t> strata = stratified ? strata_of(rows) : std::vector<int32_t>(rows.size());
  std::vector<std::tuple<int32_t, uint64_t, size_t>> order;
  for (size_t i = 0; i < rows.size(); ++i) order.emplace_back(strata[i], mix_key(key, rows[i].index), i);
  std::sort(order.begin(), order.end());
  for (size_t k = 0; k < order.size(); ++k) numbers[std::get<2>(order[k])] = static_cast<int64_t>(k) % folds;  // on across classes, so that sizes agree
  return numbers;
}

RowSplit split_fold(std::vector<Row> rows, int64_t folds, int64_t fold, uint64_t seed, bool stratified) {
  const std::vector<int64_t> numbers = fold_numbers(rows, folds, seed, stratified);
  RowSplit out;
  for (size_t i = 0; i < rows.size(); ++i) (numbers[i] == fold ? out.held_out : out.train).push_back(std::move(rows[i]));
  return out;
}

}  // namespace attune
