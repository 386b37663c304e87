// Percentiles of measured times.
#pragma once

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

namespace attune {

/// Linear between neighbours, as numpy.percentile; `share` from 0 to 1. None of no values.
inline std::optional<double> percentile(std::vector<double> values, double share) {
  if (values.empty()) return std::nullopt;
  std::sort(values.begin(), values.end());
  const double at = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<size_t>(std::floor(at)), above = std::min(below + 1, values.size() - 1);
  return values[below] + (at - static_cast<double>(below)) * (values[above] - values[below]);
}

}  // namespace attune
