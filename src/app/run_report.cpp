#include "app/run_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "app/report_sections.h"
#include "base/error.h"
#include "base/version.h"
#include "report/csv.h"
#include "report/html.h"
#include "report/markdown.h"
#include "report/pictures.h"

namespace attune {
namespace {

/// A word of a command line as a shell takes it.
std::string shell_word(const std::string& text) {
  if (!text.empty() && text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./=,:+@%") == std::string::npos) return text;
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string command_of(const ReportOptions& options) {
  std::string command = "attune report";
  for (const std::string& run : options.runs) command += " " + shell_word(run);
  command += " --output " + shell_word(options.output_dir);
  return options.title.empty() ? command : command + " --title " + shell_word(options.title);
}

std::string names_of(const std::vector<StoredRun>& runs) {
  std::vector<std::string> names;
  for (const StoredRun& run : runs) names.push_back(run.name);
  return names.size() <= 3 ? fmt::format("{}", fmt::join(names, ", ")) : fmt::format("{} runs", names.size());
}

report::Table models_table(const std::vector<StoredRun>& runs) {
  using namespace report;
  Table t{.id = "models", .columns = {{"run"}, {"folder"}, {"method"}, {"adapter parameters"}, {"head parameters"}, {"trainable parameters"}, {"all parameters"}, {"file", "bytes"}}};
  const auto cell = [](const StoredRun& run, const char* key) {
    const auto v = run.number(key);
    return v ? report::number(*v, 0) : missing("");
  };
  for (const StoredRun& run : runs)
    t.rows.push_back({words(run.name), words(run.folder.string()), words(run.method()), cell(run, "adapter_parameters"), cell(run, "head_parameters"), cell(run, "trainable_parameters"),
                      cell(run, "all_parameters"), run.model_bytes > 0 ? report::number(static_cast<double>(run.model_bytes), 0) : missing("")});
  return t;
}

void put(const fs::path& file, const std::string& text) {
  file_system().make_folder(file.parent_path());
  write_file_atomically(file, text);
}

}  // namespace

void ReportOptions::fields(FieldList& f) {
  f.add("runs", runs, {.help = "run folders, as attune train leaves them", .value = "RUN", .position = 1, .repeat = true});
  f.add("output_dir", output_dir, {.help = "folder of the report; files of the same name are replaced", .aliases = {"output", "-o"}, .value = "DIR"});
  f.add("title", title, {.help = "heading of the page; unset: the names of the runs", .value = "TEXT"});
}

report::Page runs_page(const std::vector<StoredRun>& runs, const std::string& title, const std::string& command) {
  report::Page page;
  page.title = title.empty() ? "Report on " + names_of(runs) : title;
  page.verdict = report::runs_verdict(runs);
  page.command = command;
  page.footer = fmt::format("attune {}", kVersion);
  for (auto* section : {report::results_section, report::comparison_section, report::training_section, report::errors_section, report::curves_section, report::cost_section, report::runs_section})
    if (report::Section s = section(runs); !s.blocks.empty()) page.sections.push_back(std::move(s));
  return page;
}

ReportFiles write_report(const report::Page& page, const fs::path& folder) {
  const std::string pictures = "results/visualizations";
  ReportFiles files{.html = folder / "report.html", .markdown = folder / "report.md", .notes = {}};
  put(files.html, report::html(page));
  files.notes = report::write_pictures(report::charts(page), folder / pictures).not_drawn;
  put(files.markdown, report::markdown(page, files.notes.empty() ? pictures : ""));
  for (const report::Table& table : report::tables(page)) put(folder / "results/metrics" / (table.id + ".csv"), report::csv(table));
  return files;
}

void write_run_numbers(const std::vector<StoredRun>& runs, const fs::path& folder) {
  Json all = Json::object();
  for (const StoredRun& run : runs) all[run.name] = {{"folder", run.folder.string()}, {"split", run.split}, {"figures", run.metrics}, {"all_results", run.results}};
  put(folder / "results/metrics/runs.json", dump_json(all, {.sort_keys = false, .ascii = false, .nan_as_null = true}) + "\n");
  put(folder / "results/models/models.csv", report::csv(models_table(runs)));
}

ReportFiles run_report(const ReportOptions& options) {
  const auto runs = read_runs(options.runs);
  const report::Page page = runs_page(runs, options.title, command_of(options));
  ReportFiles files = write_report(page, options.output_dir);
  write_run_numbers(runs, options.output_dir);
  return files;
}

}  // namespace attune
