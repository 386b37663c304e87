// `attune report`: run folders to one HTML page and Markdown, with pictures and numbers as files.
#pragma once

#include <string>
#include <vector>

#include "app/stored_run.h"
#include "config/field.h"
#include "report/page.h"

namespace attune {

struct ReportOptions {
  std::vector<std::string> runs;     ///< run folders
  std::string output_dir = "report";
  std::string title;                 ///< "": made of the runs' names
  void fields(FieldList& f);
};

struct ReportFiles {
  fs::path html, markdown;
  std::vector<std::string> notes;  ///< sentences on pictures that were not drawn
};

/// Reads the runs (Error as read_runs) and writes the page as write_report does.
ReportFiles run_report(const ReportOptions& options);

/// The page of some runs; `command` is shown as it is. Pure but for the environment.
report::Page runs_page(const std::vector<StoredRun>& runs, const std::string& title, const std::string& command);

/// Writes a page and its files into `folder` (made when absent; files of the same name are replaced): report.html, report.md,
/// results/visualizations/ID.{svg,png,csv} of every chart, results/metrics/ID.csv of every table.
ReportFiles write_report(const report::Page& page, const fs::path& folder);
/// Beside them: results/metrics/runs.json, each run's all_results.json and figures, and results/models/models.csv, what each run saved.
void write_run_numbers(const std::vector<StoredRun>& runs, const fs::path& folder);

}  // namespace attune
