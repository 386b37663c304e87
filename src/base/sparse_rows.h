// A matrix of few values a row, row after row: features of texts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace attune {

struct SparseRows {
  int64_t width = 0;              ///< columns
  std::vector<size_t> starts{0};  ///< values of row i are [starts[i], starts[i + 1]); (N + 1)
  std::vector<int32_t> columns;   ///< of each value; ascending in a row
  std::vector<double> values;

  size_t size() const { return starts.size() - 1; }
  void end_row() { starts.push_back(columns.size()); }
};

}  // namespace attune
