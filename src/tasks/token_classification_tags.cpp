#include "tasks/token_classification_tags.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "base/error.h"
#include "data/excerpt.h"
#include "metrics/entities.h"

namespace attune {
namespace {

std::string place_of_word(const std::string& where, const Row& row, size_t word) {
  return fmt::format("{}:{}: word {} ('{}')", where, row.line, word + 1, word < row.tokens.size() ? excerpt(row.tokens[word]) : "");
}

[[noreturn]] void fail_tags(const char* id, const std::string& where, const std::string& what, const Problems& problems, std::string hint) {
  fail(ErrorCode::kInput, {.id = id, .where = where, .what = fmt::format("{}:{}", what, problems.list()), .hint = std::move(hint)});
}

bool all_among(const std::vector<std::string>& some, const std::vector<std::string>& names) {
  return std::all_of(some.begin(), some.end(), [&](const std::string& s) { return std::find(names.begin(), names.end(), s) != names.end(); });
}

}  // namespace

TagNames::TagNames(std::vector<std::string> names) : names_(std::move(names)) {
  for (size_t i = 0; i < names_.size(); ++i) ids_.emplace(names_[i], static_cast<int32_t>(i));
}

int32_t TagNames::id(const Json& tag) const {
  const std::string text = label_text(tag);
  if (const auto it = ids_.find(text); it != ids_.end()) return it->second;
  if (!tag.is_number_integer()) return -1;
  const auto n = tag.get<int64_t>();
  return n >= 0 && n < static_cast<int64_t>(names_.size()) ? static_cast<int32_t>(n) : -1;
}

std::vector<std::vector<int32_t>> tag_ids(std::span<const Row> rows, const TagNames& tags, const std::string& where, bool optional) {
  std::vector<std::vector<int32_t>> ids(rows.size());
  std::vector<std::vector<std::string>> sequences(rows.size());
  Problems unknown, broken;
  for (size_t i = 0; i < rows.size(); ++i) {
    const Row& row = rows[i];
    if (row.label.is_null() || row.tokens.empty()) {
      if (!optional) unknown.add(fmt::format("{}:{}: no tags", where, row.line));
      continue;
    }
    require(row.label.is_array() && row.label.size() == row.tokens.size(), "a tag for every word");
    for (size_t w = 0; w < row.tokens.size(); ++w) {
      const int32_t id = tags.id(row.label[w]);
      if (id < 0) unknown.add(fmt::format("{}: '{}'", place_of_word(where, row, w), excerpt(label_text(row.label[w]))));
      ids[i].push_back(id);
      sequences[i].push_back(id < 0 ? "O" : tags.names()[static_cast<size_t>(id)]);
    }
  }
  if (!unknown.empty())
    fail_tags("data.labels.unknown", where, fmt::format("{} tags are unknown", unknown.count()), unknown,
              fmt::format("the tags are {}", fmt::join(tags.names(), ", ")));
  if (const auto scheme = detect_scheme(sequences)) {
    for (size_t i = 0; i < rows.size(); ++i)
      for (const TagProblem& p : check_tags(sequences[i], *scheme))
        broken.add(fmt::format("{}: {}", place_of_word(where, rows[i], static_cast<size_t>(p.position)), p.reason));
    if (!broken.empty())
      fail_tags("data.tags.broken", where, fmt::format("{} tags break the scheme {}", broken.count(), scheme_name(*scheme)), broken,
                "correct the tags: they are not repaired in silence");
  }
  return ids;
}

LabelSet labels_of_tag_rows(std::span<const Row> train, const LabelOptions& options, const std::string& where) {
  std::vector<std::string> found;
  std::map<std::string, int64_t> counts;
  bool numbers = true;
  for (const Row& row : train) {
    if (!row.label.is_array()) continue;
    for (const Json& tag : row.label) {
      numbers = numbers && tag.is_number_integer();
      ++counts[label_text(tag)];
    }
  }
  for (const auto& [tag, count] : counts) found.push_back(tag);
  if (found.empty()) fail(ErrorCode::kInput, {.id = "data.no_labels", .where = where, .what = "no row has tags"});
  sort_label_names(found);
  std::vector<std::string> names = found;
  if (!options.names.empty())
    names = options.names;
  else if (!options.model_names.empty() && (numbers || all_among(found, options.model_names)))
    names = options.model_names;
  if (found.size() == 1)
    fail(ErrorCode::kInput, {.id = "data.one_class",
                             .where = where,
                             .what = fmt::format("every word has the tag '{}'; there is nothing to learn", excerpt(found[0])),
                             .hint = "look at the tag column (label_column)"});
  tag_ids(train, TagNames(names), where, false);
  return LabelSet(ProblemType::kSingleLabel, std::move(names));
}

void check_tag_rows(std::span<const Row> rows, const LabelSet& labels, const std::string& where) {
  tag_ids(rows, TagNames(labels.names()), where, false);
}

}  // namespace attune
