#include "metrics/temperature.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace attune {
namespace {

/// Mean loss of softmax(b logits) and its first two derivatives in b = 1/T.
struct Slope {
  double loss = 0, first = 0, second = 0;
  double missed = 0;  // mean distance of the gold logit from the largest
};

Slope slope_at(std::span<const float> logits, std::span<const int32_t> gold, int64_t classes, double b) {
  require(classes > 0 && logits.size() == gold.size() * static_cast<size_t>(classes), "a row of logits for every gold class");
  Slope s;
  for (size_t i = 0; i < gold.size(); ++i) {
    require(gold[i] >= 0 && gold[i] < classes, "class ids within the logits");
    const auto z = logits.subspan(i * static_cast<size_t>(classes), static_cast<size_t>(classes));
    const auto top = static_cast<double>(*std::max_element(z.begin(), z.end()));
    double sum = 0, mean = 0, square = 0;  // of z - top under the probabilities
    for (const float x : z) {
      require(std::isfinite(x), "finite logits");
      const double d = static_cast<double>(x) - top, e = std::exp(b * d);
      sum += e;
      mean += e * d;
      square += e * d * d;
    }
    mean /= sum;
    const double right = static_cast<double>(z[static_cast<size_t>(gold[i])]) - top;
    s.loss += std::log(sum) - b * right;
    s.first += mean - right;
    s.second += square / sum - mean * mean;
    s.missed -= right;
  }
  const auto n = static_cast<double>(std::max<size_t>(1, gold.size()));
  return {s.loss / n, s.first / n, s.second / n, s.missed / n};
}

}  // namespace

double temperature_loss(std::span<const float> logits, std::span<const int32_t> gold, int64_t classes, double temperature) {
  require(temperature > 0, "a temperature above 0");
  return slope_at(logits, gold, classes, 1 / temperature).loss;
}

std::optional<double> fit_temperature(std::span<const float> logits, std::span<const int32_t> gold, int64_t classes) {
  const Slope chance = slope_at(logits, gold, classes, 0);
  // The slope rises from that at 0 to the mean distance of the gold logit from the largest.
  if (!(chance.first < 0) || chance.missed == 0) return std::nullopt;
  double low = 0, high = 1;
  while (slope_at(logits, gold, classes, high).first < 0) {
    low = high;
    high *= 2;
  }
  double b = low > 0 ? low : high;
  for (int step = 0; step < 200 && high - low > 1e-15 * high; ++step) {
    const Slope s = slope_at(logits, gold, classes, b);
    if (s.first == 0) break;
    (s.first < 0 ? low : high) = b;
    const double newton = b - s.first / s.second;
    b = newton > low && newton < high ? newton : (low + high) / 2;
  }
  return 1 / b;
}

}  // namespace attune
