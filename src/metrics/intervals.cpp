#include "metrics/intervals.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <cmath>

#include "base/error.h"

namespace attune {
double normal_quantile(double confidence) {
  require(confidence > 0 && confidence < 1, "confidence between 0 and 1");
  return boost::math::quantile(boost::math::normal(), 0.5 + 0.5 * confidence);
}

ConfidenceInterval wilson_interval(int64_t hits, int64_t n, double confidence) {
  require(hits >= 0 && hits <= n, "hits among n");
  if (n == 0) return {.low = 0, .high = 1, .confidence = confidence};
  const double z = normal_quantile(confidence), count = static_cast<double>(n), p = static_cast<double>(hits) / count;
  const double scale = 1.0 / (1.0 + z * z / count);
  const double middle = scale * (p + z * z / (2 * count));
  const double half = scale * z * std::sqrt(p * (1 - p) / count + z * z / (4 * count * count));
  // The ends are exact there; rounding would leave 1e-17 or 1 + 1e-16.
  return {.low = hits == 0 ? 0.0 : std::max(0.0, middle - half), .high = hits == n ? 1.0 : std::min(1.0, middle + half), .confidence = confidence};
}

}  // namespace attune
