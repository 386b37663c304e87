// Temperature scaling (Guo et al. 2017): softmax(logits / T) with one T for all classes. The most likely class stays the same.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace attune {

/// The T > 0 with the least mean negative log-likelihood of the gold classes; logits row after row, `classes` a row, all finite (else a
/// Bug). The likelihood is concave in 1/T, so the one root of its slope is found (Newton's steps, kept between bounds by bisection).
/// Nothing where no T is best: every row is right (the smaller T the better), or the logits say no more than chance (the larger the better).
std::optional<double> fit_temperature(std::span<const float> logits, std::span<const int32_t> gold, int64_t classes);

/// Mean negative log-likelihood of softmax(logits / temperature), in nats; 0 without rows.
double temperature_loss(std::span<const float> logits, std::span<const int32_t> gold, int64_t classes, double temperature);

}  // namespace attune
