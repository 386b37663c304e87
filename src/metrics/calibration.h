// How good probabilities are. Gold ids; probabilities row after row, `classes` a row. No value without rows or where one is not finite.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "metrics/figure.h"

namespace attune {

/// Mean negative log-likelihood of the gold classes, as sklearn.metrics.log_loss: probabilities clipped to [2^-52, 1 - 2^-52].
Figure log_loss(std::span<const int32_t> gold, std::span<const double> probabilities, int64_t classes);
/// Mean over rows of the squared distance between the probabilities and the one-hot gold (Brier 1950), from 0 to 2:
/// sklearn.metrics.brier_score_loss with scale_by_half=False.
Figure brier_score(std::span<const int32_t> gold, std::span<const double> probabilities, int64_t classes);

/// Rows whose top probability lies in (low, high]; the first bin holds 0 too.
struct ReliabilityBin {
  double low = 0, high = 1;
  int64_t rows = 0;
  std::optional<double> confidence = std::nullopt, accuracy = std::nullopt;  ///< means; nothing in an empty bin
};
constexpr int kReliabilityBins = 15;  ///< as Guo et al. 2017
/// Equal bins from 0 to 1; empty where expected_calibration_error has no value. Of equal probabilities the first class counts as said.
std::vector<ReliabilityBin> reliability_bins(std::span<const int32_t> gold, std::span<const double> probabilities, int64_t classes,
                                             int bins = kReliabilityBins);
/// |accuracy - confidence| over these bins, weighted by rows (Guo et al. 2017).
Figure expected_calibration_error(std::span<const int32_t> gold, std::span<const double> probabilities, int64_t classes, int bins = kReliabilityBins);

}  // namespace attune
