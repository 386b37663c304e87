// attune analyze: variants x seeds of one configuration, trained and evaluated on the same rows, compared, and told in one report.
#pragma once

#include <map>
#include <set>

#include "app/cells.h"
#include "app/module_ranking.h"
#include "app/variants.h"

namespace attune {

struct AnalysisOptions {
  std::string metric;          ///< "": the task's first headline metric
  std::string reference;       ///< variant the others are compared with; "": the first that is trained
  double margin = 0.01;        ///< differences below it do not matter: of equivalence, and of what to ship
  int64_t jobs = 0;            ///< cells side by side; 0: what is measured to be fastest
  int64_t ranking_batches = 8; ///< of the variant `selective`
  int64_t draws = 2000;        ///< of bootstraps and randomisations
  bool latency = true;         ///< measure how long each variant takes to answer
  void fields(FieldList& f);
};

struct AnalyzeConfig {
  RunConfig run;                     ///< what all variants have in common; output_dir is the analysis' folder
  Json variants = Json::object();    ///< app/variants.h
  AnalysisOptions analysis;
  void fields(FieldList& f);
};
/// Settles run, and what an analysis does otherwise than a run: rows are the same for all seeds, and checkpoints are only written where asked for.
void settle_analyze_config(AnalyzeConfig& config, const std::set<std::string>& given);

/// All cells with what they gave; cell(v, s) is variant v with seed s.
struct Analysis {
  AnalyzeConfig config;
  VariantPlan plan;
  PlanChoice choice;
  std::vector<RankedModule> ranking;  ///< empty without a selective variant
  std::vector<Cell> cells;
  std::vector<CellResult> results;
  std::string split;         ///< "test" or "eval": what the variants are compared on
  std::string metric;        ///< without prefix
  double wall_seconds = 0;   ///< spent on these cells so far, by earlier processes too; without latencies
  std::map<std::string, double> latency;  ///< by variant: median seconds from one text to its answer, the first seed's model alone on the machine
  size_t cell(size_t variant, size_t seed) const { return variant * plan.seeds.size() + seed; }
  /// results[..][split_metric], where there is one.
  std::optional<double> value(size_t cell, const std::string& key) const;
};

/// Computes what is not there yet, in config.run.output_dir/cells. The folder may hold an earlier analysis, killed or whole: complete cells are
/// kept. Error(kState) "run.not_empty" for a folder that holds something else; Interrupted after a signal.
Analysis run_analysis(const AnalyzeConfig& config);

}  // namespace attune
