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
    for (size_t k = 0; k < e.ids.size(); ++k) batch.positions.push_back(static_cast<int32_t>(k));
    batch.starts.push_back(batch.tokens());
    batch.rows.push_back(e.row);
    batch.labels.push_back(e.labels);
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
