// Which of several variants nobody beats on everything: the Pareto front of a trade-off.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace attune {

enum class Better : uint8_t { kLower, kHigher };

/// `values`: point after point, one value an objective of `better`. 1 for a point that no other dominates: none is at least as good in all objectives and
/// better in one. Equal points are on the front together; a point with a NaN never is, and dominates none.
std::vector<uint8_t> pareto_front(std::span<const double> values, std::span<const Better> better);

}  // namespace attune
