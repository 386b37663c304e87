// How sure a measured share is, and how good probabilities are.
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

/// Mean negative log-likelihood of the gold classes, as sklearn.metrics.log_loss: probabilities (row after row) clipped to
/// [2^-52, 1 - 2^-52].
double log_loss(std::span<const int32_t> gold, std::span<const double> probabilities, int64_t classes);
/// Mean over rows of the squared distance between the probabilities and the one-hot gold (Brier 1950; twice the binary one of scikit-learn).
double brier_score(std::span<const int32_t> gold, std::span<const double> probabilities, int64_t classes);
/// Expected calibration error (Guo et al. 2017): |accuracy - confidence| over `bins` equal bins of the top probability, weighted by rows.
double expected_calibration_error(std::span<const int32_t> gold, std::span<const double> probabilities, int64_t classes, int bins = 15);

}  // namespace attune
