// attune report: run folders to a page one can send to somebody.
#include <fmt/format.h>

#include "app/run_report.h"
#include "base/log.h"
#include "cli/common.h"

namespace attune {
namespace {

constexpr CommandText kReportText = {
    "report RUN... [flags]",
    "Writes one HTML page that needs no network and the same as Markdown, from the files of run folders; no model is loaded.\n"
    "Curves of training, figures with intervals, confusion matrices with the rows behind each cell, ROC, precision-recall and\n"
    "reliability curves, parameters, memory, time and what the score costs. Each picture is also there as SVG and PNG (drawn by\n"
    "gnuplot), each number as CSV. What a run does not have is left out and said.",
    "attune report runs/reviews-lora\n"
    "attune report runs/reviews-lora runs/reviews-full --output report --title \"Reviews: LoRA or all weights?\""};

}  // namespace

int run_report_command(const std::vector<std::string>& args) {
  ReportOptions options;
  CommonFlags common;
  if (!read_command(args, kReportText, options, common)) return 0;
  require_argument(!options.runs.empty(), "RUN, a run folder", "attune report runs/reviews-lora");
  apply(common);
  const ReportFiles files = run_report(options);
  for (const std::string& sentence : files.notes) note(sentence);
  if (common.json)
    print_json({{"html", files.html.string()}, {"markdown", files.markdown.string()}, {"notes", files.notes}});
  else
    print(fmt::format("{}\n{}\n", files.html.string(), files.markdown.string()));
  return 0;
}

}  // namespace attune
