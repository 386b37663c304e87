// From label cells to class ids: what kind of problem the labels are, the order of the classes, and each row's Labels.
// Order of new names: all match 0|-?[1-9][0-9]* -> numeric, else by code point. Names of the model or of the configuration win when
// they are the same set.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "data/row.h"
#include "tensor/batch.h"

namespace attune {

enum class ProblemType { kSingleLabel, kMultiLabel, kRegression };
const char* problem_type_name(ProblemType type);  ///< as config.json spells it: "single_label_classification"...
/// Also "single_label", "multi_label"; nothing when it is none of them.
std::optional<ProblemType> problem_type_from_name(std::string_view name);

/// The classes of a problem and how cells name them.
class LabelSet {
 public:
  LabelSet() = default;
  /// `separator` (may be empty) splits the text cells of multi-label data.
  LabelSet(ProblemType type, std::vector<std::string> names, std::string separator = "");

  ProblemType problem_type() const { return type_; }
  const std::vector<std::string>& names() const { return names_; }
  int64_t outputs() const { return static_cast<int64_t>(names_.size()); }  ///< of the head; regression: its targets, named LABEL_i
  /// Class of a cell: the name, else the name ignoring case where that is unambiguous, else the class number where no name is a number.
  std::optional<int32_t> find(std::string_view cell) const;
  const std::string& separator() const { return separator_; }
  /// True when the names are LABEL_0, LABEL_1, ...: what a model without names of its own has.
  bool names_are_default() const;

 private:
  ProblemType type_ = ProblemType::kSingleLabel;
  std::vector<std::string> names_;
  std::string separator_;
  bool numbers_are_ids_ = false;
  std::unordered_map<std::string, int32_t> exact_, folded_;
};

struct LabelOptions {
  std::optional<ProblemType> problem_type;  ///< nothing: deduced from the cells
  std::vector<std::string> names;           ///< order wanted by the configuration; must cover the cells
  std::vector<std::string> model_names;     ///< id2label of the model in order of ids; taken when it names the same set, or the cells are its ids
  std::string separator;                    ///< of multi-label text cells; JSON lists need none
};

/// The label set of training rows. Error(kInput) with `where` (the file): "data.no_labels", "data.labels.mixed" (texts among numbers or lists),
/// "data.one_class", "data.labels.unknown" (a cell not among options.names), "data.labels.too_many".
LabelSet deduce_labels(std::span<const Row> train, const LabelOptions& options, const std::string& where);

/// The labels of rows under a known set (validation and test rows, or a model's own head). All rows that do not fit are collected into one
/// Error(kInput) "data.labels.unknown": the cells, how often, the first lines, the nearest name. `optional`: rows without a label get empty Labels.
std::vector<Labels> encode_labels(std::span<const Row> rows, const LabelSet& set, const std::string& where, bool optional = false);

/// A cell as the name of a class: JSON numbers and booleans as text ("3", "0.5", "true").
std::string label_text(const Json& cell);
/// Sorted by the rule above.
void sort_label_names(std::vector<std::string>& names);
/// Same names, whatever the order.
bool same_set(std::vector<std::string> a, std::vector<std::string> b);

/// Refuses data nothing can be learned from: Error(kInput) "data.one_class", "data.same_text".
void require_trainable(std::span<const Row> rows, std::span<const Labels> labels, const LabelSet& set, const std::string& where);

}  // namespace attune
