// What the variants of an analysis have to beat: `baselines:` of its configuration (app/baselines.h), answered once for the rows they are compared on.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/analyze.h"
#include "app/baselines.h"
#include "metrics/intervals.h"
#include "metrics/paired_tests.h"

namespace attune {

struct AnalysisSummary;

struct BaselineScore {
  Baseline kind;
  double score;                                ///< the analysis' metric; NaN where it is undefined
  std::optional<ConfidenceInterval> interval;  ///< over rows
  PairedDifference shipped;                    ///< the variant to ship, all its seeds, less the baseline; p is not adjusted. NaN without one to ship
  std::string sentence;
  const char* name() const { return baseline_name(kind); }
};

/// Leaves baseline_NAME_predictions.jsonl in the analysis' folder. Error(kUsage) "baselines.task" where they do not fit the task.
void write_baselines(const AnalyzeConfig& config, const SharedInputs& shared, const Task& task);

/// Of the files write_baselines left; `summary` has variants, scale and the one to ship.
std::vector<BaselineScore> score_baselines(const Analysis& analysis, const AnalysisSummary& summary);

}  // namespace attune
