// One training several times: with several seeds, over the folds of a cross-validation, or both; each a run folder in output_dir.
#pragma once

#include "app/cells.h"

namespace attune {

/// output_dir/seed-N, fold-K or seed-N-fold-K for each of `seeds` seeds from training.seed on and each fold of data.folds (unless data.fold names one).
/// Complete runs are kept on --resume. Writes and returns summary.json:
///   runs [{name, seed, fold, folder, results}], failed [{name, error}], metrics {key: {mean, sd, low, high, best, worst, n}} (Student's interval over
///   the runs; best and worst are names), degenerate [{name, reason}], and of folds out_of_fold: the metrics of all rows, each predicted by the run
///   that did not see it (of the first seed).
/// Error(kState) "run.not_empty"; Error of the first run where all failed.
Json train_repeatedly(const RunConfig& config, int64_t seeds);

}  // namespace attune
