#include "metrics/clusters.h"

#include <unordered_map>

#include "base/error.h"
#include "metrics/weighted.h"

namespace attune {

Clusters clusters_of(std::span<const uint64_t> names) {
  Clusters clusters;
  std::unordered_map<uint64_t, uint32_t> index;
  for (uint64_t name : names) clusters.of_row.push_back(index.emplace(name, static_cast<uint32_t>(index.size())).first->second);
  clusters.count = index.size();
  return clusters;
}

WeightedStatistic by_cluster(Clusters clusters, WeightedStatistic of_rows) {
  return [clusters = std::move(clusters), of_rows = std::move(of_rows)](std::span<const int32_t> weights) {
    require(weights.size() == clusters.count, "a weight for every cluster");
    std::vector<int32_t> rows(clusters.of_row.size());
    for (size_t i = 0; i < rows.size(); ++i) rows[i] = weights[clusters.of_row[i]];
    return of_rows(rows);
  };
}

SwappedDifference by_cluster(Clusters clusters, SwappedDifference of_rows) {
  return [clusters = std::move(clusters), of_rows = std::move(of_rows)](std::span<const uint8_t> swapped) {
    require(swapped.size() == clusters.count, "a side for every cluster");
    std::vector<uint8_t> rows(clusters.of_row.size());
    for (size_t i = 0; i < rows.size(); ++i) rows[i] = swapped[clusters.of_row[i]];
    return of_rows(rows);
  };
}

std::optional<ConfidenceInterval> clustered_interval(std::span<const double> numerators, std::span<const double> denominators,
                                                     std::span<const uint64_t> clusters, const Resampling& resampling) {
  require(numerators.size() == clusters.size() && denominators.size() == clusters.size(), "a cluster for every row");
  const Clusters c = clusters_of(clusters);
  std::vector<double> top(c.count), bottom(c.count);
  for (size_t i = 0; i < clusters.size(); ++i) {
    top[c.of_row[i]] += numerators[i];
    bottom[c.of_row[i]] += denominators[i];
  }
  return bca_interval(c.count, {}, ratio_statistic(std::move(top), std::move(bottom)), resampling);
}

std::optional<ConfidenceInterval> clustered_interval(std::span<const double> values, std::span<const uint64_t> clusters, const Resampling& resampling) {
  return clustered_interval(values, std::vector<double>(values.size(), 1.0), clusters, resampling);
}

}  // namespace attune
