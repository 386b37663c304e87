// Sections of a report, made of runs read back. Each is a pure function of them; what the runs do not have is left out and said in a sentence. One colour
// and one order of runs through the whole page: the order given.
#pragma once

#include "app/stored_run.h"
#include "report/page.h"

namespace attune::report {

using Runs = std::vector<StoredRun>;

/// "Results": a table of all runs, the main score with its interval beside the majority rate, and every figure of the evaluations.
Section results_section(const Runs& runs);
/// "Training": loss, validation loss, learning rate and gradient norm over steps; what the history says of overfitting.
Section training_section(const Runs& runs);
/// "Paired comparison": each run against the first on the rows they share; nothing for one run, a sentence where the rows differ.
Section comparison_section(const Runs& runs);
/// "Where the models are wrong": confusion matrices whose cells hold their rows; wrong rows of other tasks.
Section errors_section(const Runs& runs);
/// "Scores": ROC, precision-recall and reliability curves of stored scores.
Section curves_section(const Runs& runs);
/// "Cost": parameters, memory by class, time by phase, latency, and what the score costs with the Pareto front.
Section cost_section(const Runs& runs);
/// "Runs and environment": what is missing of each run, its configuration and command, and the machine that wrote the report.
Section runs_section(const Runs& runs);

/// The answer on top, from intervals alone.
Verdict runs_verdict(const Runs& runs);

// What the sections share.

/// "0.9111 [0.8812, 0.9340]", or "–" with the reason the evaluation gives.
Cell metric_cell(const StoredRun& run, const std::string& key);
/// An id for a chart of one run: "loss" of one run alone, "loss-NAME" of several.
std::string run_id(const std::string& what, const StoredRun& run, const Runs& runs);
/// Charts of each run are drawn for at most this many runs; more share the charts of all.
inline constexpr size_t kMostRunsApart = 6;

}  // namespace attune::report
