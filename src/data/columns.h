// Which column of a data file plays which role: named by the user, or found by the names data sets use.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/row.h"

namespace attune {

/// Column names as the user gave them; "" means: find it by the usual names.
/// Of tokens: text names the words, label the tags. Of questions: text, pair and label name question, context and answers.
/// `slice` is only ever named by the user.
struct ColumnConfig {
  std::string text, pair, label, id, slice = {};
};

/// Positions in a file's list of columns; -1: there is none.
struct Columns {
  int text = -1, pair = -1, label = -1, id = -1, slice = -1;
};

enum class LabelUse {
  kRequired,  ///< no label column, or an empty label: a problem
  kOptional,  ///< taken where there is one
  kIgnored,   ///< not looked for
};

/// Roles of `names` (a header, or the keys of JSON rows). Error(kInput) "data.column" (a named column is not there; with the nearest and the list),
/// "data.no_text_column", "data.no_label_column", "data.duplicate_column".
Columns find_columns(std::span<const std::string> names, const ColumnConfig& config, LabelUse labels, const std::string& where,
                     RowKind kind = RowKind::kText);
/// Where the words of a token task may stand, most usual first.
std::span<const std::string_view> usual_token_columns();

/// The GLUE task a header belongs to (mrpc, qqp, qnli, mnli, stsb), "" when the names alone do not tell (SST-2, RTE, WNLI).
std::string glue_task(std::span<const std::string> names);
/// Label names in GLUE's own order of ids (formats of GLUE files); empty for regression and unknown tasks. Also knows cola, sst2, rte, wnli.
std::vector<std::string> glue_label_names(std::string_view task);

}  // namespace attune
