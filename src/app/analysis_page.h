// The report of an analysis: which variant to ship on top, then how the variants did, how sure that is, what it cost, and every cell.
#pragma once

#include "app/analysis_summary.h"
#include "report/page.h"

namespace attune {

/// A function of the analysis and its cells' folders.
report::Page analysis_page(const Analysis& analysis, const AnalysisSummary& summary, const std::string& command);

/// Everything the page says as numbers: variants, comparisons, sensitivity, cells.
Json to_json(const Analysis& analysis, const AnalysisSummary& summary);

/// The table for a terminal, and the answer.
std::string analysis_text(const Analysis& analysis, const AnalysisSummary& summary);

/// report.html, report.md, results/visualizations, results/metrics (analysis.json among them) and results/models (models.csv, and a link to each
/// cell's folder, VARIANT-seed-N) in the analysis' folder.
void write_analysis(const Analysis& analysis, const AnalysisSummary& summary, const std::string& command);

}  // namespace attune
