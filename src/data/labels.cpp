#include "data/labels.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/suggest.h"
#include "base/utf8.h"
#include "data/excerpt.h"
#include "data/label_cells.h"

namespace attune {
namespace {

constexpr size_t kMostClasses = 10000;  // more means that the wrong column was taken for the label

std::string folded(std::string_view s) {
  std::string out(s);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

[[noreturn]] void fail_labels(const char* id, const std::string& where, std::string what, std::string hint = "") {
  fail(ErrorCode::kInput, {.id = id, .where = where, .what = std::move(what), .expected = "", .got = "", .hint = std::move(hint)});
}

/// What the cells of one column look like.
struct Cells {
  size_t labelled = 0, lists = 0, numbers = 0, fractions = 0;
  size_t list_size = 0;
  bool one_size = true, zero_one = true, list_numbers = true, list_fractions = false;
  uint64_t first_text_line = 0, first_list_line = 0;
  std::string first_text;
};

Cells look_at(std::span<const Row> rows) {
  Cells c;
  for (const Row& row : rows) {
    if (row.label.is_null()) continue;
    ++c.labelled;
    if (cell_is_list(row.label)) {
      const std::vector<std::string> parts = cell_parts(row.label, "");
      if (c.lists == 0) {
        c.list_size = parts.size();
        c.first_list_line = row.line;
      }
      ++c.lists;
      c.one_size = c.one_size && parts.size() == c.list_size;
      for (const std::string& part : parts) {
        const std::optional<double> value = cell_number(part);
        c.list_numbers = c.list_numbers && value;
        c.zero_one = c.zero_one && value && (*value == 0.0 || *value == 1.0);
        c.list_fractions = c.list_fractions || (value && !is_whole_number(part));
      }
      continue;
    }
    const std::string text = label_text(row.label);
    if (cell_number(text)) {
      ++c.numbers;
      c.fractions += !is_whole_number(text);
    } else if (c.first_text_line == 0) {
      c.first_text_line = row.line;
      c.first_text = text;
    }
  }
  return c;
}

ProblemType deduce_type(const Cells& c, const LabelOptions& options, const std::string& where) {
  if (c.lists > 0 && c.lists < c.labelled) {
    fail_labels("data.labels.mixed", where, fmt::format("{} labels are lists and {} are not (first list: line {})", c.lists, c.labelled - c.lists, c.first_list_line));
  }
  if (c.lists > 0) {
    const bool vectors = c.list_numbers && c.one_size && c.list_size > 0;
    return vectors && c.list_fractions && !c.zero_one ? ProblemType::kRegression : ProblemType::kMultiLabel;
  }
  if (!options.separator.empty()) return ProblemType::kMultiLabel;
  if (c.numbers == c.labelled && c.fractions > 0) return ProblemType::kRegression;
  if (c.fractions > 0) {
    fail_labels("data.labels.mixed", where,
                fmt::format("{} labels are numbers with a fraction, but line {} has '{}'", c.fractions, c.first_text_line, excerpt(c.first_text)),
                "correct the cell, or say problem_type: single_label_classification to take all labels as names");
  }
  return ProblemType::kSingleLabel;
}

std::vector<std::string> default_names(size_t n) {
  std::vector<std::string> names;
  for (size_t i = 0; i < n; ++i) names.push_back(fmt::format("LABEL_{}", i));
  return names;
}

bool are_default(const std::vector<std::string>& names) { return names == default_names(names.size()); }

/// True when every name is a number below `n`: ids rather than names.
bool are_ids(const std::vector<std::string>& names, size_t n) {
  return std::all_of(names.begin(), names.end(), [&](const std::string& name) {
    return is_whole_number(name) && name[0] != '-' && name.size() < 10 && std::stoul(name) < n;
  });
}

std::vector<std::string> folded_all(std::vector<std::string> names) {
  for (std::string& name : names) name = folded(name);
  return names;
}

/// A model's names are taken when the cells are the same names or exactly its ids; a base model with a head of another task keeps out.
std::vector<std::string> name_classes(std::vector<std::string> found, const LabelOptions& options) {
  if (!options.names.empty()) return options.names;
  const std::vector<std::string>& model = options.model_names;
  if (!model.empty() && !are_default(model)) {
    if (same_set(found, model) || same_set(folded_all(found), folded_all(model)) ||
        (found.size() == model.size() && are_ids(found, model.size()))) {
      return model;
    }
  }
  sort_label_names(found);
  return found;
}

}  // namespace

const char* problem_type_name(ProblemType type) {
  return type == ProblemType::kSingleLabel  ? "single_label_classification"
         : type == ProblemType::kMultiLabel ? "multi_label_classification"
                                            : "regression";
}

std::optional<ProblemType> problem_type_from_name(std::string_view name) {
  if (name == "single_label_classification" || name == "single_label") return ProblemType::kSingleLabel;
  if (name == "multi_label_classification" || name == "multi_label") return ProblemType::kMultiLabel;
  if (name == "regression") return ProblemType::kRegression;
  return std::nullopt;
}

std::string label_text(const Json& cell) {
  return cell.is_string() ? cell.get<std::string>() : dump_json(cell, {.indent = -1, .sort_keys = false, .ascii = false});
}

void sort_label_names(std::vector<std::string>& names) {
  const bool numeric = std::all_of(names.begin(), names.end(), [](const std::string& name) { return is_whole_number(name); });
  // UTF-8 bytes sort as code points do, and whole numbers without leading zeros sort by sign, length, digits.
  std::sort(names.begin(), names.end(), [&](const std::string& a, const std::string& b) {
    if (!numeric) return a < b;
    const bool minus_a = a[0] == '-', minus_b = b[0] == '-';
    if (minus_a != minus_b) return minus_a;
    if (a.size() != b.size()) return (a.size() < b.size()) != minus_a;
    return minus_a ? b < a : a < b;
  });
}

bool same_set(std::vector<std::string> a, std::vector<std::string> b) {
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  return a == b;
}

LabelSet::LabelSet(ProblemType type, std::vector<std::string> names, std::string separator)
    : type_(type), names_(std::move(names)), separator_(std::move(separator)) {
  numbers_are_ids_ = true;
  for (size_t i = 0; i < names_.size(); ++i) {
    exact_.emplace(names_[i], static_cast<int32_t>(i));
    // Two names that differ only in case are told apart by case alone.
    if (const auto [it, fresh] = folded_.emplace(folded(names_[i]), static_cast<int32_t>(i)); !fresh) it->second = -1;
    numbers_are_ids_ = numbers_are_ids_ && !is_whole_number(names_[i]);
  }
}

bool LabelSet::names_are_default() const { return are_default(names_); }

std::optional<int32_t> LabelSet::find(std::string_view cell) const {
  if (const auto it = exact_.find(std::string(cell)); it != exact_.end()) return it->second;
  if (const auto it = folded_.find(folded(cell)); it != folded_.end() && it->second >= 0) return it->second;
  if (numbers_are_ids_ && is_whole_number(cell) && cell[0] != '-' && cell.size() < 10) {
    const int64_t id = std::stol(std::string(cell));
    if (id < outputs()) return static_cast<int32_t>(id);
  }
  return std::nullopt;
}

LabelSet deduce_labels(std::span<const Row> train, const LabelOptions& options, const std::string& where) {
  const Cells cells = look_at(train);
  if (cells.labelled == 0) fail_labels("data.no_labels", where, "no row has a label");
  const ProblemType type = options.problem_type ? *options.problem_type : deduce_type(cells, options, where);
  if (type == ProblemType::kRegression) {
    LabelSet set(type, default_names(cells.lists > 0 ? std::max<size_t>(cells.list_size, 1) : 1));
    encode_labels(train, set, where);  // every target is a number, every list of one size
    return set;
  }
  std::vector<std::string> found;
  if (type == ProblemType::kMultiLabel && cells.lists > 0 && cells.list_numbers && cells.zero_one && cells.one_size && cells.list_size > 1) {
    // 0/1 vectors name no classes.
    const auto fits = [&](const std::vector<std::string>& names) { return names.size() == cells.list_size; };
    found = fits(options.names) ? options.names : fits(options.model_names) ? options.model_names : default_names(cells.list_size);
    return LabelSet(type, std::move(found), options.separator);
  }
  std::map<std::string, size_t> counts;
  for (const Row& row : train) {
    if (row.label.is_null()) continue;
    if (type == ProblemType::kMultiLabel) {
      for (std::string& part : cell_parts(row.label, options.separator)) ++counts[std::move(part)];
    } else {
      ++counts[label_text(row.label)];
    }
    if (counts.size() > kMostClasses) {
      fail_labels("data.labels.too_many", where, fmt::format("more than {} different labels, the last '{}'", grouped(kMostClasses), excerpt(counts.rbegin()->first)),
                  "is this the label column? Numbers with a fraction are regression targets (problem_type: regression)");
    }
  }
  for (const auto& [name, count] : counts) found.push_back(name);
  if (found.empty()) fail_labels("data.no_labels", where, "every list of labels is empty");
  LabelSet set(type, name_classes(std::move(found), options), options.separator);
  encode_labels(train, set, where);  // options.names may leave some out
  return set;
}

std::vector<Labels> encode_labels(std::span<const Row> rows, const LabelSet& set, const std::string& where, bool optional) {
  struct Unknown {
    size_t count = 0;
    uint64_t first_line = 0;
    std::string reason;
  };
  std::map<std::string, Unknown> unknown;
  const auto refuse = [&](const Row& row, const std::string& cell, std::string reason) {
    Unknown& u = unknown[cell];
    if (u.count++ == 0) {
      u.first_line = row.line;
      u.reason = std::move(reason);
    }
  };
  const auto not_a_class = [&](const std::string& cell) {
    return cell == "-1" ? "'-1' usually marks rows whose label is kept secret" : suggestion(cell, set.names());
  };
  std::vector<Labels> out;
  out.reserve(rows.size());
  for (const Row& row : rows) {
    Labels& labels = out.emplace_back();
    if (row.label.is_null()) {
      if (!optional) refuse(row, "(none)", "the row has no label");
      continue;
    }
    if (set.problem_type() == ProblemType::kSingleLabel) {
      const std::string cell = label_text(row.label);
      const std::optional<int32_t> id = row.label.is_array() ? std::nullopt : set.find(cell);
      if (id) {
        labels.id = *id;
      } else {
        refuse(row, cell, not_a_class(cell));
      }
      continue;
    }
    const std::vector<std::string> parts = cell_parts(row.label, set.separator());
    const auto size = static_cast<size_t>(set.outputs());
    if (set.problem_type() == ProblemType::kRegression) {
      for (const std::string& part : parts) {
        if (const std::optional<double> value = cell_number(part)) {
          labels.values.push_back(static_cast<float>(*value));
        } else {
          refuse(row, part, "expected a number");
        }
      }
      if (parts.size() != size) refuse(row, label_text(row.label), fmt::format("{} numbers, expected {}", parts.size(), size));
      continue;
    }
    labels.values.assign(size, 0.0F);
    const bool vector = cell_is_list(row.label) && parts.size() == size && size > 1 && std::all_of(parts.begin(), parts.end(), [](const std::string& p) {
      const std::optional<double> value = cell_number(p);
      return value && (*value == 0.0 || *value == 1.0);
    });
    // A full-length list of zeros and ones is a vector unless the classes themselves are called 0 and 1.
    const bool named = std::all_of(parts.begin(), parts.end(), [&](const std::string& p) {
      return std::find(set.names().begin(), set.names().end(), p) != set.names().end();
    });
    if (vector && !named) {
      for (size_t i = 0; i < size; ++i) labels.values[i] = static_cast<float>(*cell_number(parts[i]));
      continue;
    }
    for (const std::string& part : parts) {
      if (const std::optional<int32_t> id = set.find(part)) {
        labels.values[static_cast<size_t>(*id)] = 1.0F;
      } else {
        refuse(row, part, not_a_class(part));
      }
    }
  }
  if (unknown.empty()) return out;
  Problems problems;
  for (const auto& [cell, u] : unknown) {
    problems.add(fmt::format("{}:{}: label '{}' ({} {}): {}", where, u.first_line, excerpt(cell), grouped(u.count), u.count == 1 ? "row" : "rows", u.reason));
  }
  fail_labels("data.labels.unknown", where,
              fmt::format("labels that do not fit {}:{}",
                          set.problem_type() == ProblemType::kRegression ? "a regression" : fmt::format("the {} classes", set.outputs()), problems.list()));
}

void require_trainable(std::span<const Row> rows, std::span<const Labels> labels, const LabelSet& set, const std::string& where) {
  require(rows.size() == labels.size(), "a Labels for every row");
  if (rows.empty()) fail_labels("data.no_rows", where, "holds no rows");
  const auto same_text = [&](const Row& r) { return r.text == rows[0].text && r.pair == rows[0].pair; };
  if (rows.size() > 1 && std::all_of(rows.begin(), rows.end(), same_text)) {
    fail_labels("data.same_text", where, fmt::format("all {} rows have the same text, '{}'", grouped(rows.size()), excerpt(rows[0].text)), "is this the text column?");
  }
  const auto same_label = [&](const Labels& l) { return l.id == labels[0].id && l.values == labels[0].values; };
  if (std::all_of(labels.begin(), labels.end(), same_label)) {
    const bool single = set.problem_type() == ProblemType::kSingleLabel && labels[0].id >= 0;
    fail_labels("data.one_class", where,
                fmt::format("all {} rows have the same label{}; there is nothing to learn", grouped(rows.size()),
                            single ? fmt::format(" '{}'", set.names()[static_cast<size_t>(labels[0].id)]) : ""),
                "files sorted by label give this when only their first rows are taken");
  }
}

}  // namespace attune
