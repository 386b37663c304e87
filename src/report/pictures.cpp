#include "report/pictures.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/run_program.h"
#include "report/csv.h"
#include "report/gnuplot.h"

namespace attune::report {
namespace {

/// What gnuplot said, in one line.
std::string one_line(std::string text) {
  std::replace_if(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  const size_t begin = std::min(text.find_first_not_of(' '), text.size());
  return text.substr(begin, 300);
}

/// Under temporary names first: a picture that is there is whole.
bool draw(const fs::path& gnuplot, const Chart& chart, const fs::path& folder, Pictures& pictures) {
  const fs::path svg = folder / ("." + chart.id + ".svg.partial"), png = folder / ("." + chart.id + ".png.partial");
  const ProgramResult r = run_program(gnuplot, {"-d", "-"}, gnuplot_script(chart, svg, png));
  if (r.status != 0 || !file_exists(svg) || !file_exists(png)) {
    for (const fs::path& part : {svg, png})
      if (file_exists(part)) file_system().remove(part);
    pictures.not_drawn.push_back(fmt::format("{} was not drawn: gnuplot ended with status {} ({})", chart.id, r.status, one_line(r.output)));
    return false;
  }
  file_system().rename(svg, folder / (chart.id + ".svg"));
  file_system().rename(png, folder / (chart.id + ".png"));
  return true;
}

}  // namespace

Pictures write_pictures(const std::vector<Chart>& charts, const fs::path& folder) {
  Pictures pictures;
  file_system().make_folder(folder);
  const auto gnuplot = find_program("gnuplot");
  if (!gnuplot) pictures.not_drawn.push_back("gnuplot was not found in PATH: no SVG and PNG files, only their numbers as CSV (Debian: apt-get install gnuplot-nox)");
  for (const Chart& chart : charts) {
    if (gnuplot && draw(*gnuplot, chart, folder, pictures)) pictures.files.insert(pictures.files.end(), {folder / (chart.id + ".svg"), folder / (chart.id + ".png")});
    write_file_atomically(folder / (chart.id + ".csv"), csv(chart));
    pictures.files.push_back(folder / (chart.id + ".csv"));
  }
  return pictures;
}

}  // namespace attune::report
