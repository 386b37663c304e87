// What the variants of an analysis have to beat: `baselines:` of its configuration (app/baselines.h), answered once for the rows they are compared on.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/analyze.h"
#include "metrics/intervals.h"

namespace attune {

struct AnalysisSummary;

struct BaselineScore {
  std::string name;  ///< "bow"
  double score = 0;  ///< the analysis' metric
  std::optional<ConfidenceInterval> interval;  ///< over rows
  /// The variant to ship less the baseline, paired over rows, all its seeds; p by approximate randomisation, not adjusted. NaN without one to ship.
  double difference = 0, low = 0, high = 0, p = 0;
  std::string sentence;
};

/// Leaves baseline_NAME_predictions.jsonl in the analysis' folder. Error(kUsage) "baselines.task" where they do not fit the task.
void write_baselines(const AnalyzeConfig& config, const SharedInputs& shared, const Task& task);

/// Of the files write_baselines left; `summary` has variants, scale and the one to ship.
std::vector<BaselineScore> score_baselines(const Analysis& analysis, const AnalysisSummary& summary);

}  // namespace attune
