// Which classes are taken for which, and by which rows.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace attune {

struct ConfusedPair {
  int32_t gold = 0, predicted = 0;
  int64_t count = 0;
  std::vector<std::string> ids;  ///< of the first rows, at most ConfusedPairs::kMostIds
};

class ConfusedPairs {
 public:
  static constexpr size_t kMostIds = 10, kMostPairs = 20;
  /// A right row counts nowhere.
  void add(int32_t gold, int32_t predicted, const std::string& id);
  /// The `most` with most rows; equals by gold, then predicted.
  std::vector<ConfusedPair> worst(size_t most = kMostPairs) const;

 private:
  std::map<std::pair<int32_t, int32_t>, ConfusedPair> pairs_;
};

}  // namespace attune
