// One record of a data file, columns already mapped to their roles.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"

namespace attune {

/// What the rows of a task hold.
enum class RowKind {
  kText,      ///< text, perhaps a pair, and a label
  kTokens,    ///< words with a tag each
  kQuestion,  ///< question, context and answers
  kDocument,  ///< text, or prompt and completion, or messages
};

struct Row {
  uint64_t index = 0;               ///< 0-based among the file's accepted records
  uint64_t line = 0;                ///< 1-based line the record starts at
  std::string id;                   ///< the id column, "" when there is none
  bool id_is_number = false;        ///< the id was a JSON number, and is written as one again
  std::string text;
  std::optional<std::string> pair;  ///< second text; of a question: its context
  std::vector<std::string> tokens;  ///< words of token tasks; `text` is then these with a space between
  std::string slice;                ///< of the column that figures are broken down by (--group-by); "" without one
  std::string group;                ///< context or document the row belongs to, "" when it stands alone: clusters of intervals
  /// The label cell as written: text for CSV/TSV, any JSON value for JSON files (list for multi-label); null when absent. Token tasks: the
  /// list of tags. Questions: {"text": [...], "answer_start": [...]} in code points, empty lists where there is no answer. Documents: `messages`.
  Json label;
};

}  // namespace attune
