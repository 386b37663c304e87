#include "app/analysis_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "app/analysis_sections.h"
#include "app/report_sections.h"
#include "app/run_report.h"
#include "base/utf8.h"

namespace attune::report {
namespace {

const char* plural(size_t n) { return n == 1 ? "" : "s"; }

/// Rows that the reference has right and the shipped variant wrong, and the other way round, of the first shared seed.
Section flips_section(const Analysis&, const AnalysisSummary& s) {
  Section out{.id = "flips", .heading = "Rows that change", .blocks = {}};
  if (!s.ship) return out;
  const size_t ship = *s.ship;
  const VariantComparison* c = ship == s.reference ? nullptr : against(s.against_reference, ship);
  if (!c && s.best) c = against(s.against_best, ship == *s.best ? s.reference : ship);
  if (!c) return out;
  for (const auto& [key, title] : {std::pair{"right_to_wrong", "right with {} and wrong with {}"}, std::pair{"wrong_to_right", "wrong with {} and right with {}"}}) {
    const auto flips = c->first_seed.find("flips");
    if (flips == c->first_seed.end() || !flips->is_object() || !flips->contains(key)) continue;
    Table t{.id = std::string("flips-") + (std::string(key) == "right_to_wrong" ? "lost" : "won"), .title = "Rows " + fmt::format(fmt::runtime(title), s.variants[c->a].name, s.variants[c->b].name),
            .columns = {{"id", "", false}, {"text", "", false}, {"gold", "", false}, {s.variants[c->a].name, "", false}, {s.variants[c->b].name, "", false}}, .rows = {}, .note = "Of the first seed; at most 50 rows."};
    const auto text = [](const Json& j, const char* k) { return !j.contains(k) || j[k].is_null() ? std::string() : j[k].is_string() ? j[k].get<std::string>() : dump_json(j[k], {.indent = -1, .ascii = false}); };
    for (const Json& f : (*flips)[key]) {
      if (t.rows.size() == 50) break;
      t.rows.push_back({words(text(f, "id")), words(text(f, "text")), words(text(f, "gold")), words(text(f, "a")), words(text(f, "b"))});
    }
    out.blocks.push_back(std::move(t));
  }
  return out;
}

Section cells_section(const Analysis& a, const AnalysisSummary& s) {
  Section out{.id = "cells", .heading = "Every cell", .blocks = {}};
  Table t{.id = "cells-table", .title = "Cells", .columns = {{"cell", "", false}, {a.metric, a.split, true}, {"loss", a.split, true}, {"steps", "s", true}, {"evaluation", "s", true}, {"whole cell", "s", true}, {"folder", "", false}}, .rows = {}, .note = {}};
  for (size_t i = 0; i < a.cells.size(); ++i) {
    const CellResult& r = a.results[i];
    if (r.state == CellResult::State::kFailed) {
      std::vector<Entry> row(t.columns.size(), missing("failed"));
      row[0] = words(a.cells[i].name);
      row[0].emphasis = Emphasis::kBad;
      row.back() = words("failed: " + r.error.substr(0, r.error.find('\n')));
      t.rows.push_back(std::move(row));
      continue;
    }
    double steps = 0;
    for (const char* phase : {"data", "forward", "backward", "optimizer"}) steps += result_number(r.results, std::string("phase_seconds.") + phase);
    t.rows.push_back({words(a.cells[i].name), number_or_missing(result_number(r.results, a.split + "_" + a.metric), 4, "not there"), number_or_missing(result_number(r.results, a.split + "_loss"), 4, "not there"),
                      number_or_missing(steps, 1, "not recorded"), number_or_missing(result_number(r.results, "phase_seconds.evaluation"), 1, "not recorded"), number(r.seconds, 1), words("cells/" + a.cells[i].hash)});
  }
  out.blocks.push_back(std::move(t));
  std::string how = fmt::format("{}; {} thread{} a cell.", a.choice.reason, a.choice.plan.threads, plural(static_cast<size_t>(a.choice.plan.threads)));
  if (s.overhead > 0) how += fmt::format(" The analysis took {:.1f} s on {} lane{}: {:.2f} x the sum of its training steps and evaluations ({:.1f} s).", a.wall_seconds, a.choice.plan.jobs, plural(static_cast<size_t>(a.choice.plan.jobs)), s.overhead, s.step_seconds + s.evaluation_seconds);
  out.blocks.push_back(Paragraph{how});
  return out;
}

/// The first seed of each variant, as runs of a report.
Runs first_runs(const Analysis& a, const AnalysisSummary& s) {
  std::vector<std::string> folders;
  for (size_t i = 0; i < s.scored; ++i) folders.push_back(a.cells[s.variants[i].cells.front()].config.output_dir);
  std::sort(folders.begin(), folders.end());
  folders.erase(std::unique(folders.begin(), folders.end()), folders.end());
  const Runs read = read_runs(folders);
  Runs runs;
  for (size_t i = 0; i < s.scored; ++i)
    for (const StoredRun& r : read)
      if (fs::path(r.folder) == fs::path(a.cells[s.variants[i].cells.front()].config.output_dir)) {
        runs.push_back(r);
        runs.back().name = s.variants[i].name;
        break;
      }
  return runs;
}

/// Those drawn one by one: what is shipped, the best, the reference and the base.
Runs chosen_runs(const Runs& runs, const AnalysisSummary& s) {
  Runs out;
  const auto add = [&](size_t i) {
    if (std::none_of(out.begin(), out.end(), [&](const StoredRun& r) { return r.name == runs[i].name; })) out.push_back(runs[i]);
  };
  if (s.ship) add(*s.ship);
  if (s.best) add(*s.best);
  add(s.reference);
  for (size_t i = 0; i < s.scored; ++i)
    if (s.variants[i].untrained) add(i);
  return out;
}

std::string slug(const std::string& name) {
  std::string out;
  for (const char ch : name) out += (std::isalnum(static_cast<unsigned char>(ch)) || ch == '_' || ch == '-' || ch == '.') ? ch : '_';
  return out;
}

}  // namespace
}  // namespace attune::report

namespace attune {

report::Page analysis_page(const Analysis& a, const AnalysisSummary& s, const std::string& command) {
  using namespace report;
  Page page;
  const RunConfig& run = a.config.run;
  page.title = fmt::format("Analysis of {} on {}", fs::path(run.model).filename().string(), fs::path(run.data.train).filename().string());
  page.subtitle = fmt::format("{} variants, {} seed{}, compared by {} on the {} rows of {}", a.plan.variants.size(), a.plan.seeds.size(), plural(a.plan.seeds.size()), a.metric, split_words(a),
                              fs::path(a.split == "test" && !run.data.test.empty() ? run.data.test : run.data.validation.empty() ? run.data.train : run.data.validation).filename().string());
  page.verdict.answer = s.answer;
  for (const std::string& r : s.reasons) page.verdict.reasons.push_back({r});
  page.sections = {variants_section(a, s), comparisons_section(a, s), trade_off_section(a, s), sensitivity_section(a, s)};
  if (!a.ranking.empty()) page.sections.push_back(ranking_section(a));
  const Runs runs = first_runs(a, s), chosen = chosen_runs(runs, s);
  page.sections.push_back(training_section(runs));
  page.sections.push_back(errors_section(chosen));
  if (Section flips = flips_section(a, s); !flips.blocks.empty()) page.sections.push_back(std::move(flips));
  page.sections.push_back(curves_section(chosen));
  Section cost = cost_section(runs);
  std::erase_if(cost.blocks, [](const Block& b) { return std::holds_alternative<Chart>(b) && std::get<Chart>(b).id.starts_with("trade-off"); });  // shown above, over all seeds
  page.sections.push_back(std::move(cost));
  page.sections.push_back(cells_section(a, s));
  page.command = command;
  return page;
}

void write_analysis(const Analysis& a, const AnalysisSummary& s, const std::string& command) {
  const fs::path folder = a.config.run.output_dir;
  write_report(analysis_page(a, s, command), folder);
  write_run_numbers(report::first_runs(a, s), folder);
  write_file_atomically(folder / "results/metrics/analysis.json", dump_json(to_json(a, s), {.sort_keys = false, .ascii = false, .nan_as_null = true}) + "\n");
  file_system().make_folder(folder / "results/models");
  for (const VariantSummary& v : s.variants)
    for (size_t i = 0; i < v.cells.size(); ++i) {
      const fs::path link = folder / "results/models" / fmt::format("{}-seed-{}", report::slug(v.name), v.seeds[i]);
      std::error_code ignored;
      fs::remove(link, ignored);
      fs::create_directory_symlink(fs::path("../../cells") / a.cells[v.cells[i]].hash, link, ignored);  // a convenience: file systems without links go without
    }
}

}  // namespace attune
