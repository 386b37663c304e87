// Problems of a data set that can be seen without training: class counts, empty texts, duplicates, overlap with the training rows,
// lengths against max_length. Takes rows and token counts; knows no model.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "data/row.h"

namespace attune {

/// One file to look at. The first one is taken as the training rows.
struct SplitToCheck {
  std::string name;                   ///< train, validation, test
  std::string file;                   ///< for messages
  std::span<const Row> rows;
  std::span<const int32_t> lengths{};  ///< tokens of each row before truncation; empty: not known
  uint64_t bad_rows = 0, blank_lines = 0;
};

/// How many, and the first few lines to look at.
struct Finding {
  uint64_t count = 0;
  std::vector<uint64_t> lines;  ///< at most five, 1-based
};

struct LengthReport {
  int64_t least = 0, median = 0, p95 = 0, most = 0;
  double mean = 0;
  uint64_t truncated = 0;       ///< rows above max_length
  uint64_t tokens_lost = 0;     ///< tokens that truncation cuts
  std::vector<uint64_t> bins;   ///< kBins equal bins of 1 ... bins_end
  int64_t bins_end = 0;
};

struct SplitReport {
  std::string name, file;
  uint64_t rows = 0, bad_rows = 0, blank_lines = 0, unlabelled = 0;
  std::vector<std::pair<std::string, uint64_t>> classes;  ///< label and count, in label order; empty when there are more than 200 (regression)
  double majority_rate = 0;
  Finding empty;                  ///< no text at all, or only white space
  Finding duplicates;             ///< a text (and pair) that was there before with the same label
  Finding conflicts;              ///< a text (and pair) that was there before with another label
  Finding in_train;               ///< rows whose text is also in the training rows (not for train itself)
  Finding repeated_ids;
  uint64_t leading_one_class = 0; ///< the first N rows are of one class although there are others
  bool has_lengths = false;
  LengthReport lengths;
};

struct DataReport {
  int64_t max_length = 0;  ///< 0: not known
  std::vector<SplitReport> splits;
  std::vector<std::string> problems;  ///< what should be looked at, one sentence each
};

/// `max_length` 0: lengths are reported without truncation.
DataReport check_data(std::span<const SplitToCheck> splits, int64_t max_length);

Json to_json(const DataReport& report);
/// Aligned tables and histograms for a terminal.
std::string to_text(const DataReport& report);

}  // namespace attune
