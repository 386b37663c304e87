// One record of a data file, columns already mapped to their roles.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"

namespace attune {

struct Row {
  uint64_t index = 0;               ///< 0-based among the file's accepted records
  uint64_t line = 0;                ///< 1-based line the record starts at
  std::string id;                   ///< the id column, "" when there is none
  bool id_is_number = false;        ///< the id was a JSON number, and is written as one again
  std::string text;
  std::optional<std::string> pair;  ///< second text
  /// The label cell as written: text for CSV/TSV, any JSON value for JSON files (list for multi-label); null when absent.
  Json label;
};

}  // namespace attune
