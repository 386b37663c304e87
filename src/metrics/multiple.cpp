#include "metrics/multiple.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"

namespace attune {

std::vector<double> holm(std::span<const double> p) {
  std::vector<size_t> order(p.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return p[a] < p[b]; });
  std::vector<double> adjusted(p.size());
  double least = 0;
  for (size_t k = 0; k < order.size(); ++k) {
    const double value = p[order[k]];
    require(value >= 0 && value <= 1, "p values");
    least = std::max(least, std::min(1.0, value * static_cast<double>(p.size() - k)));
    adjusted[order[k]] = least;
  }
  return adjusted;
}

}  // namespace attune
