#include "metrics/confused_pairs.h"

#include <algorithm>

namespace attune {

void ConfusedPairs::add(int32_t gold, int32_t predicted, const std::string& id) {
  if (gold == predicted) return;
  ConfusedPair& pair = pairs_[{gold, predicted}];
  pair.gold = gold;
  pair.predicted = predicted;
  if (++pair.count <= static_cast<int64_t>(kMostIds)) pair.ids.push_back(id);
}

std::vector<ConfusedPair> ConfusedPairs::worst(size_t most) const {
  std::vector<ConfusedPair> out;
  for (const auto& [classes, pair] : pairs_) out.push_back(pair);
  std::stable_sort(out.begin(), out.end(), [](const ConfusedPair& a, const ConfusedPair& b) { return a.count > b.count; });
  if (out.size() > most) out.resize(most);
  return out;
}

}  // namespace attune
