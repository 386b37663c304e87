// Rows that are alike, counted: what makes bootstraps of 10,000 rows cost as much as those of a confusion matrix.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "metrics/bootstrap.h"

namespace attune {

/// Distinct rows, in the order they first appear, with how often each occurs.
struct RowKinds {
  Units units;                                 ///< strata: of the column named as such, else empty
  std::vector<std::vector<int32_t>> columns;   ///< as given, one value a kind
};
/// Columns of equal length: the gold class, one or more predictions, a stratum, ... `stratum`: the column that is one, -1: none.
RowKinds row_kinds(std::span<const std::span<const int32_t>> columns, int stratum = -1);

}  // namespace attune
