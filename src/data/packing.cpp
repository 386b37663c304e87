#include "data/packing.h"

#include "base/error.h"
#include "data/samplers.h"

namespace attune {

Batch pack(std::span<const Example> examples, std::span<const uint64_t> indices) {
  size_t tokens = 0;
  for (uint64_t i : indices) {
    require(i < examples.size(), "index of an example");
    tokens += examples[i].ids.size();
  }
  Batch batch;
  batch.ids.reserve(tokens);
  batch.positions.reserve(tokens);
  batch.type_ids.reserve(tokens);
  batch.starts.reserve(indices.size() + 1);
  batch.rows.reserve(indices.size());
  batch.labels.reserve(indices.size());
  batch.starts.push_back(0);
  for (uint64_t i : indices) {
    const Example& e = examples[i];
    require(e.type_ids.empty() || e.type_ids.size() == e.ids.size(), "a token type for every token");
    batch.ids.insert(batch.ids.end(), e.ids.begin(), e.ids.end());
    if (e.type_ids.empty()) {
      batch.type_ids.resize(batch.ids.size(), 0);
    } else {
      batch.type_ids.insert(batch.type_ids.end(), e.type_ids.begin(), e.type_ids.end());
    }
    const int64_t first = batch.starts.back();
    for (size_t s = 0; s <= e.breaks.size(); ++s) {
      const int64_t end = s < e.breaks.size() ? first + e.breaks[s] : batch.tokens();
      require(end > batch.starts.back() || e.ids.empty(), "packing: breaks in order");
      for (int64_t k = batch.starts.back(); k < end; ++k) batch.positions.push_back(static_cast<int32_t>(k - batch.starts.back()));
      batch.starts.push_back(end);
      batch.rows.push_back(e.row + s);
      batch.labels.push_back(s == 0 ? e.labels : Labels());
    }
  }
  return batch;
}

Batch pack(std::span<const Example> examples) { return pack(examples, sequential_order(examples.size())); }

std::vector<int32_t> lengths_of(std::span<const Example> examples) {
  std::vector<int32_t> lengths;
  lengths.reserve(examples.size());
  for (const Example& e : examples) lengths.push_back(static_cast<int32_t>(e.ids.size()));
  return lengths;
}

}  // namespace attune
