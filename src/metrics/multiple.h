// Several tests at once.
#pragma once

#include <span>
#include <vector>

namespace attune {

/// Holm 1979: adjusted p values in the given order, at most 1; rejecting those at most alpha keeps the chance of any false rejection at alpha,
/// however the tests depend on each other.
std::vector<double> holm(std::span<const double> p);

}  // namespace attune
