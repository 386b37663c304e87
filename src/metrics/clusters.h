// Rows that come in clusters, questions on one context or sentences of one document, are not independent: the cluster is the unit.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "metrics/bootstrap.h"
#include "metrics/paired_tests.h"

namespace attune {

/// Numbered in the order they first appear.
struct Clusters {
  size_t count = 0;
  std::vector<uint32_t> of_row;
};
Clusters clusters_of(std::span<const uint64_t> names);

/// A statistic of rows as one of clusters: each row occurs as often as its cluster.
WeightedStatistic by_cluster(Clusters clusters, WeightedStatistic of_rows);
/// Rows of a cluster exchange their sides together.
SwappedDifference by_cluster(Clusters clusters, SwappedDifference of_rows);

/// BCa interval of sum(numerators) / sum(denominators) over draws of whole clusters. Rows are summed up once a cluster: much faster than
/// by_cluster. Simulated, 95 % intervals cover 94 to 95 % from 10 clusters on. nullopt for fewer than two clusters, and as `bootstrap`.
std::optional<ConfidenceInterval> clustered_interval(std::span<const double> numerators, std::span<const double> denominators,
                                                     std::span<const uint64_t> clusters, const Resampling& resampling = {});
/// Of a mean: all denominators 1.
std::optional<ConfidenceInterval> clustered_interval(std::span<const double> values, std::span<const uint64_t> clusters,
                                                     const Resampling& resampling = {});

}  // namespace attune
