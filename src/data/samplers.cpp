#include "data/samplers.h"

#include <algorithm>
#include <numeric>
#include <random>

#include "base/error.h"
#include "base/random.h"

namespace attune {

std::vector<uint64_t> torch_randperm(uint64_t n, uint64_t seed) {
  // From 2^32 / 20 on, PyTorch draws 64 bits an element; nobody has such a file in memory here.
  require(n < UINT32_MAX / 20, "randperm: fewer than 2^32 / 20 elements");
  std::mt19937 generator(static_cast<uint32_t>(seed));
  std::vector<uint64_t> r = sequential_order(n);
  for (uint64_t i = 0; i + 1 < n; ++i) std::swap(r[i], r[i + generator() % (n - i)]);
  return r;
}

std::vector<uint64_t> sequential_order(uint64_t n) {
  std::vector<uint64_t> order(n);
  std::iota(order.begin(), order.end(), uint64_t{0});
  return order;
}

std::vector<uint64_t> shuffled_order(uint64_t n, uint64_t seed, uint64_t epoch) { return torch_randperm(n, seed + epoch); }

std::vector<uint64_t> length_grouped_order(std::span<const int32_t> lengths, uint64_t batch, uint64_t seed, uint64_t epoch) {
  require(batch > 0, "batch size above zero");
  const uint64_t n = lengths.size();
  std::vector<uint64_t> order = shuffled_order(n, seed, epoch);
  const uint64_t mega = batch * std::max<uint64_t>(std::min<uint64_t>(n / (4 * batch), 50), 1);
  uint64_t longest = 0;  // start of the mega-batch with the longest element, its first
  for (uint64_t begin = 0; begin < n; begin += mega) {
    const auto from = order.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto to = order.begin() + static_cast<std::ptrdiff_t>(std::min(begin + mega, n));
    std::stable_sort(from, to, [&](uint64_t a, uint64_t b) { return lengths[a] > lengths[b]; });
    if (lengths[order[begin]] > lengths[order[longest]]) longest = begin;
  }
  if (n > 0) std::swap(order[0], order[longest]);
  return order;
}

std::vector<uint64_t> weighted_order(std::span<const double> weights, uint64_t seed, uint64_t epoch) {
  std::vector<double> upto(weights.size());
  std::partial_sum(weights.begin(), weights.end(), upto.begin());
  require(upto.empty() || upto.back() > 0, "some weight above 0");
  std::vector<uint64_t> order(weights.size());
  Random random(mix_key(seed, epoch, hash_name("weighted_order")));
  for (uint64_t& row : order) {
    const auto at = std::upper_bound(upto.begin(), upto.end(), random.uniform() * upto.back());
    row = static_cast<uint64_t>(std::min(at - upto.begin(), std::ssize(upto) - 1));
  }
  return order;
}

std::vector<double> inverse_frequencies(std::span<const int32_t> classes) {
  std::vector<double> counts;
  for (const int32_t c : classes) {
    require(c >= 0, "a class for every row");
    if (static_cast<size_t>(c) >= counts.size()) counts.resize(static_cast<size_t>(c) + 1);
    ++counts[static_cast<size_t>(c)];
  }
  std::vector<double> weights;
  weights.reserve(classes.size());
  for (const int32_t c : classes) weights.push_back(1 / counts[static_cast<size_t>(c)]);
  return weights;
}

std::vector<std::vector<uint64_t>> cut_batches(std::span<const uint64_t> order, uint64_t batch, bool drop_last) {
  require(batch > 0, "batch size above zero");
  std::vector<std::vector<uint64_t>> batches;
  for (uint64_t begin = 0; begin < order.size(); begin += batch) {
    const auto slice = order.subspan(begin, std::min<uint64_t>(batch, order.size() - begin));
    if (drop_last && slice.size() < batch) break;
    batches.emplace_back(slice.begin(), slice.end());
  }
  return batches;
}

std::vector<std::span<const uint64_t>> token_parts(std::span<const uint64_t> batch, std::span<const int32_t> lengths, uint64_t max_tokens) {
  std::vector<std::span<const uint64_t>> parts;
  size_t begin = 0;
  uint64_t tokens = 0;
  for (size_t i = 0; max_tokens > 0 && i < batch.size(); ++i) {
    const auto length = static_cast<uint64_t>(lengths[batch[i]]);
    if (i > begin && tokens + length > max_tokens) {
      parts.push_back(batch.subspan(begin, i - begin));
      begin = i;
      tokens = 0;
    }
    tokens += length;
  }
  parts.push_back(batch.subspan(begin));
  return parts;
}

std::vector<std::vector<uint64_t>> length_sorted_batches(std::span<const int32_t> lengths, uint64_t max_tokens, uint64_t max_sequences) {
  require(max_sequences > 0, "at least one sequence a batch");
  std::vector<uint64_t> order = sequential_order(lengths.size());
  std::stable_sort(order.begin(), order.end(), [&](uint64_t a, uint64_t b) { return lengths[a] > lengths[b]; });
  std::vector<std::vector<uint64_t>> batches;
  uint64_t tokens = 0;
  for (uint64_t i : order) {
    const auto length = static_cast<uint64_t>(lengths[i]);
    if (batches.empty() || batches.back().size() >= max_sequences || tokens + length > max_tokens) {
      batches.emplace_back();
      tokens = 0;
    }
    batches.back().push_back(i);
    tokens += length;
  }
  return batches;
}

}  // namespace attune
