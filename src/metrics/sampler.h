// Draws with replacement from counted units: what the bootstrap is made of.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/random.h"
#include "metrics/bootstrap.h"

namespace attune {

/// Successes among n trials: inversion where few are expected, else Hormann's transformed rejection (BTRS, 1993). Exact.
int64_t draw_binomial(Random& random, int64_t n, double p);

/// Gives each stratum as many units as it has, each of them any of the stratum's with the same chance.
class Sampler {
 public:
  explicit Sampler(const Units& units);
  /// weights[k]: how often kind k occurs.
  void draw(Random& random, std::span<int32_t> weights) const;

 private:
  struct Stratum {
    int64_t units = 0;
    std::vector<int32_t> kinds;           ///< with at least one unit
    std::vector<int64_t> counts;          ///< of those
    std::vector<int32_t> kind_of_unit;    ///< where units are drawn one by one: cheaper than binomials when kinds are many
  };
  std::vector<Stratum> strata_;
};

}  // namespace attune
