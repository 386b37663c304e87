// The order of an epoch and its cutting into batches: pure functions of sizes and (seed, epoch). The shuffled orders equal those of
// PyTorch and the transformers Trainer (formats: seeds, order of data).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace attune {

/// torch.randperm(n) with a CPU generator seeded by `seed` (mt19937; n below 2^32 / 20).
std::vector<uint64_t> torch_randperm(uint64_t n, uint64_t seed);

/// 0, 1, ..., n - 1.
std::vector<uint64_t> sequential_order(uint64_t n);
/// Epoch e's permutation: torch_randperm(n, seed + e).
std::vector<uint64_t> shuffled_order(uint64_t n, uint64_t seed, uint64_t epoch);
/// The Trainer's group_by_length: mega-batches of min(n / (4 batch), 50) batches (at least one), each sorted by length, longest first;
/// the longest of all comes first in the epoch.
std::vector<uint64_t> length_grouped_order(std::span<const int32_t> lengths, uint64_t batch, uint64_t seed, uint64_t epoch);

/// n draws with replacement, row i with probability weights[i] / their sum, as torch's WeightedRandomSampler; draw k of an epoch is a
/// function of (seed, epoch, k). Weights are at least 0, not all of them 0.
std::vector<uint64_t> weighted_order(std::span<const double> weights, uint64_t seed, uint64_t epoch);
/// 1 / (rows of its class) for each row: every class that occurs is drawn as often. Ids are at least 0.
std::vector<double> inverse_frequencies(std::span<const int32_t> classes);

/// Consecutive slices of `order`; the last one may be short unless `drop_last`.
std::vector<std::vector<uint64_t>> cut_batches(std::span<const uint64_t> order, uint64_t batch, bool drop_last = false);

/// Consecutive parts of a batch, each of at most `max_tokens` tokens or of one sequence; 0: the batch in one part.
std::vector<std::span<const uint64_t>> token_parts(std::span<const uint64_t> batch, std::span<const int32_t> lengths, uint64_t max_tokens);

/// For evaluation and prediction, where order does not matter: longest first (stable), each batch at most `max_sequences` sequences and
/// `max_tokens` tokens (a single longer sequence is a batch of its own).
std::vector<std::vector<uint64_t>> length_sorted_batches(std::span<const int32_t> lengths, uint64_t max_tokens, uint64_t max_sequences);

}  // namespace attune
