// Seeded subsets and splits of rows. A row's rank depends on (seed, its index in the file) alone, so a larger sample holds every
// smaller one of the same seed, and rows keep index, line and id.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "data/row.h"

namespace attune {

/// `count` of n positions, ascending. With `strata` (a class for each), each class gets its share by largest remainders
/// (within one of exact proportion); empty: no strata.
std::vector<size_t> sample_positions(size_t n, size_t count, uint64_t seed, std::span<const int32_t> strata = {});

struct Split {
  std::vector<size_t> train, held_out;  ///< ascending, disjoint, together all
};
/// `held_out` rows go aside.
Split split_positions(size_t n, size_t held_out, uint64_t seed, std::span<const int32_t> strata = {});

/// A class number for each row by its label cell, in order of first appearance; for `strata`.
class Strata {
 public:
  int32_t of(const Row& row);

 private:
  std::map<std::string, int32_t> classes_;
};
std::vector<int32_t> strata_of(std::span<const Row> rows);

/// In file order, index and id kept. `count` at least the number of rows: all of them.
std::vector<Row> sample_rows(std::span<const Row> rows, size_t count, uint64_t seed, bool stratified);
struct RowSplit {
  std::vector<Row> train, held_out;
};
/// `size` below 1: a share of the rows (rounded up, as scikit-learn's test_size), else a number of rows.
/// Error(kUsage) "data.split": nothing would be left on one side.
RowSplit split_rows(std::vector<Row> rows, double size, uint64_t seed, bool stratified);

/// The part of `folds`, 0 to folds - 1, that each row is in. Without groups their sizes differ by one row at most, with `strata` within each class too.
/// Rows of one group (a document, a context) stay together; groups go to the part that has the fewest rows so far.
/// Error(kUsage) "data.folds": fewer rows, or groups, than parts.
std::vector<int64_t> fold_numbers(std::span<const Row> rows, int64_t folds, uint64_t seed, bool stratified);
/// `fold` (from 0) held out.
RowSplit split_fold(std::vector<Row> rows, int64_t folds, int64_t fold, uint64_t seed, bool stratified);

}  // namespace attune
