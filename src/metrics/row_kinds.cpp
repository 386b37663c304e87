#include "metrics/row_kinds.h"

#include <map>

#include "base/error.h"

namespace attune {

RowKinds row_kinds(std::span<const std::span<const int32_t>> columns, int stratum) {
  require(!columns.empty() && stratum < static_cast<int>(columns.size()), "columns, and the stratum among them");
  RowKinds kinds;
  kinds.columns.resize(columns.size());
  std::map<std::vector<int32_t>, size_t> index;
  std::vector<int32_t> row(columns.size());
  for (size_t i = 0; i < columns[0].size(); ++i) {
    for (size_t c = 0; c < columns.size(); ++c) {
      require(columns[c].size() == columns[0].size(), "columns of equal length");
      row[c] = columns[c][i];
    }
    const auto [at, fresh] = index.emplace(row, kinds.units.counts.size());
    if (fresh) {
      kinds.units.counts.push_back(0);
      for (size_t c = 0; c < columns.size(); ++c) kinds.columns[c].push_back(row[c]);
    }
    ++kinds.units.counts[at->second];
  }
  if (stratum >= 0) kinds.units.strata = kinds.columns[static_cast<size_t>(stratum)];
  return kinds;
}

}  // namespace attune
