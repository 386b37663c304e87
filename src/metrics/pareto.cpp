#include "metrics/pareto.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace attune {
namespace {

using Point = std::span<const double>;

bool is_whole(Point p) {
  return std::none_of(p.begin(), p.end(), [](double v) { return std::isnan(v); });
}

bool dominates(Point a, Point b, std::span<const Better> better) {
  bool ahead = false;
  for (size_t k = 0; k < better.size(); ++k) {
    const double gain = better[k] == Better::kHigher ? a[k] - b[k] : b[k] - a[k];
    if (gain < 0) return false;
    ahead |= gain > 0;
  }
  return ahead;
}

}  // namespace

std::vector<uint8_t> pareto_front(std::span<const double> values, std::span<const Better> better) {
  require(!better.empty() && values.size() % better.size() == 0, "a value for each objective");
  const size_t n = values.size() / better.size();
  const auto point = [&](size_t i) { return values.subspan(i * better.size(), better.size()); };
  std::vector<uint8_t> front(n);
  for (size_t i = 0; i < n; ++i) {
    bool beaten = !is_whole(point(i));
    for (size_t k = 0; k < n && !beaten; ++k) beaten = is_whole(point(k)) && dominates(point(k), point(i), better);
    front[i] = !beaten;
  }
  return front;
}

}  // namespace attune
