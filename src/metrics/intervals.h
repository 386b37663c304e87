// How sure a measured share is.
#pragma once

#include <cstdint>
#include <span>

namespace attune {

struct ConfidenceInterval {
  double low = 0, high = 1, confidence = 0.95;
};
/// Wilson's score interval of a share (Wilson 1927): right at 0 and n too, where the textbook interval has no width. [0, 1] for n = 0.
ConfidenceInterval wilson_interval(int64_t hits, int64_t n, double confidence = 0.95);
/// Two-sided quantile of the normal distribution: 1.96 for 0.95.
double normal_quantile(double confidence);


}  // namespace attune
