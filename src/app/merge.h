// An adapter put into its base for good, checked against the unmerged pair.
#pragma once

#include "base/json.h"
#include "data/data_config.h"

namespace attune {

/// Which values of the base an adapter of a quantised run goes onto: the full-precision ones, or those that training saw.
enum class MergeOnto { kDefault, kOriginal, kDequantized };

struct MergeOptions {
  std::string adapter;     ///< adapter or run folder
  std::string base_model;  ///< instead of what adapter_config.json says
  std::string output_dir;
  bool overwrite = false;
  MergeOnto onto = MergeOnto::kDefault;  ///< original, or dequantized where the base folder itself is stored quantised
  std::string verify;  ///< rows to compare on; "": the run's test or validation file when it is there, else built-in sentences
  DataConfig data;     ///< reading_fields only, for `verify`
  int64_t verify_rows = 64;
  double tolerance = 1e-3;  ///< greatest allowed difference of a logit
  int64_t threads = 0;
  bool strict = false;

  void fields(FieldList& f);
};

struct MergeResult {
  fs::path output_dir;
  std::string merged_onto;  ///< "original", "dequantized nf4"...; also in the folder's attune.json
  std::string verified_on;  ///< file, or "built-in sentences"
  int64_t rows = 0;
  double max_logit_difference = 0;
  int64_t flipped_labels = 0;
  bool passed = false;  ///< difference within tolerance; when not, nothing was written to output_dir
};

MergeResult merge(const MergeOptions& options);

}  // namespace attune
