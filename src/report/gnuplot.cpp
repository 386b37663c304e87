#include "report/gnuplot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/error.h"
#include "report/point_names.h"

namespace attune::report {
namespace {

/// As in page/theme.js on a light ground: Okabe and Ito's colours, yellow darkened.
constexpr const char* kColours[] = {"#0072b2", "#d55e00", "#009e73", "#aa4499", "#b88600", "#3a9bdc", "#555555", "#8a7a00"};
constexpr const char* kMuted = "#57606a";
constexpr const char* kText = "#1b1f24";
constexpr int kShapes[] = {7, 5, 9, 13, 11, 15, 4, 6};
constexpr int kWidth = 900, kHeight = 540;  // of the SVG; the PNG has twice as many pixels each way
constexpr size_t kLongestName = 42;         // bytes of a category as written

const char* colour(size_t i) { return kColours[i % std::size(kColours)]; }
int shape(size_t i) { return kShapes[i % std::size(kShapes)]; }

std::string gnuplot_text(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += '\'';
    out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  }
  return out + "'";
}

/// Cut between code points.
std::string shortened(const std::string& text) {
  if (text.size() <= kLongestName) return text;
  size_t end = kLongestName - 1;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

std::string value_text(double v) { return std::isfinite(v) ? fmt::format("{}", v) : "NaN"; }
std::string columns(std::initializer_list<double> values) {
  std::string out;
  for (const double v : values) out += (out.empty() ? "" : " ") + value_text(v);
  return out + "\n";
}

bool by_category(const Chart& chart) { return chart.kind == ChartKind::kBars || chart.kind == ChartKind::kDots; }

// ---- what the scales reach over

struct Range {
  double least = INFINITY, most = -INFINITY;
  void add(double v, bool logarithmic) {
    if (!std::isfinite(v) || (logarithmic && v <= 0)) return;
    least = std::min(least, v);
    most = std::max(most, v);
  }
  bool empty() const { return most < least; }
};

/// With some air; ends the chart asks for stay as they are.
std::string range_text(const Axis& axis, Range r) {
  if (r.empty()) r = {axis.logarithmic ? 1 : 0.0, axis.logarithmic ? 10 : 1.0};
  if (axis.logarithmic) {
    const double air = r.most > r.least ? std::pow(r.most / r.least, 0.06) : 2;
    r = {r.least / air, r.most * air};
  } else {
    const double air = r.most > r.least ? 0.06 * (r.most - r.least) : std::max(std::abs(r.most) * 0.1, 0.5);
    r = {r.least - air, r.most + air};
  }
  return fmt::format("[{}:{}]", axis.least.value_or(r.least), axis.most.value_or(r.most));
}

Range values_range(const Chart& chart, bool second) {
  const bool log = second ? chart.second_y->logarithmic : chart.y.logarithmic;
  Range r;
  std::vector<double> tops(chart.categories.size());
  for (const Series& s : chart.series) {
    if (s.second_axis != second) continue;
    for (const auto* values : {&s.y, &s.low, &s.high})
      for (const double v : *values) r.add(v, log);
    for (size_t i = 0; chart.stacked && i < s.y.size(); ++i)
      if (std::isfinite(s.y[i])) r.add(tops[i] += s.y[i], log);
  }
  if (!second)
    for (const Reference& ref : chart.references)
      if (!ref.vertical) r.add(ref.value, log);
  return r;
}

Range x_range(const Chart& chart) {
  Range r;
  for (const Series& s : chart.series)
    for (const double v : s.x) r.add(v, chart.x.logarithmic);
  for (const Reference& ref : chart.references)
    if (ref.vertical) r.add(ref.value, chart.x.logarithmic);
  return r;
}

/// Bars begin at 0, and end with air above only.
std::string bars_range(const Chart& chart) {
  if (chart.y.logarithmic) return range_text(chart.y, values_range(chart, false));
  Range r = values_range(chart, false);
  const double most = r.empty() || r.most <= 0 ? 0 : r.most * 1.06, least = r.empty() || r.least >= 0 ? 0 : r.least * 1.06;
  return fmt::format("[{}:{}]", chart.y.least.value_or(least), chart.y.most.value_or(most > least ? most : least + 1));
}

// ---- data blocks and what is plotted from them

/// A script under construction: data blocks first, then what is plotted from them.
struct Script {
  std::string blocks, settings;
  std::vector<std::string> plots;

  /// Name of a new block.
  std::string block(const std::string& lines) {
    const std::string name = fmt::format("$d{}", count_++);
    blocks += name + " << EOD\n" + lines + "EOD\n";
    return name;
  }
  void plot(std::string text) { plots.push_back(std::move(text)); }
  void set(const std::string& text) { settings += "set " + text + "\n"; }

 private:
  int count_ = 0;
};

void plot_whiskers(Script& script, const std::string& lines, bool horizontal, const char* line_colour, const std::string& axes) {
  if (lines.empty()) return;
  script.plot(fmt::format("{} using 1:2:3:4 {} with {} pt 0 ps 0 lw 1.6 lc rgb '{}' notitle", script.block(lines), axes, horizontal ? "xerrorbars" : "yerrorbars", line_colour));
}

/// Rings around the marked points; lines hold x and y.
void plot_rings(Script& script, const Series& s, const std::vector<std::string>& lines, const std::string& axes) {
  if (s.marked.empty()) return;
  std::string marked;
  for (const size_t i : s.marked) marked += lines[i];
  script.plot(fmt::format("{} using 1:2 {} with points pt 6 ps 2.2 lw 2 lc rgb '{}' title {}", script.block(marked), axes, kText, gnuplot_text(s.mark)));
}

void plot_points(Script& script, const Chart& chart) {
  for (size_t k = 0; k < chart.series.size(); ++k) {
    const Series& s = chart.series[k];
    const std::string axes = s.second_axis ? "axes x1y2" : "axes x1y1";
    std::vector<std::string> lines;
    std::string all, whiskers;
    for (size_t i = 0; i < s.y.size(); ++i) {
      lines.push_back(columns({s.x[i], s.y[i]}));
      all += lines.back();
      if (s.has_whisker(i)) whiskers += columns({s.x[i], s.y[i], s.low[i], s.high[i]});
    }
    if (all.empty()) continue;
    plot_whiskers(script, whiskers, false, colour(k), axes);
    const bool joined = chart.kind == ChartKind::kLine;
    std::string style = fmt::format("points pt {} ps 1.1 lc rgb '{}'", shape(k), colour(k));
    if (s.dashed) style = fmt::format("lines dt (12,8) lw 1.6 lc rgb '{}'", kMuted);
    else if (joined) style = fmt::format("{} dt {} lw 2 lc rgb '{}'", s.y.size() > 40 ? "lines" : fmt::format("linespoints pt {} ps 0.7", shape(k)), s.second_axis ? "(3,4)" : "1", colour(k));
    script.plot(fmt::format("{} using 1:2 {} with {} title {}", script.block(all), axes, style, gnuplot_text(s.name)));
    plot_rings(script, s, lines, axes);
  }
}

/// Where series k of n lies beside its category.
double shift(size_t k, size_t n) { return n > 1 ? (static_cast<double>(k) - static_cast<double>(n - 1) / 2) * 0.8 / static_cast<double>(n) : 0; }

void plot_bars(Script& script, const Chart& chart) {
  const size_t n = chart.stacked ? 1 : chart.series.size();
  const double half = std::min(0.36, 0.4 / static_cast<double>(std::max<size_t>(1, n)));
  std::vector<double> tops(chart.categories.size());
  for (size_t k = 0; k < chart.series.size(); ++k) {
    const Series& s = chart.series[k];
    std::string boxes, whiskers;
    for (size_t i = 0; i < s.y.size(); ++i) {
      if (!std::isfinite(s.y[i])) continue;
      const double at = static_cast<double>(i) + shift(chart.stacked ? 0 : k, n);
      const double from = chart.stacked ? tops[i] : 0, to = from + s.y[i];
      tops[i] = to;
      // On a logarithmic scale there is no 0; the ends of the picture cut the bar.
      const double base = chart.y.logarithmic && from <= 0 ? to * 1e-12 : from;
      boxes += chart.horizontal ? columns({to, at, base, to, at - half, at + half}) : columns({at, to, at - half, at + half, base, to});
      if (s.has_whisker(i)) whiskers += chart.horizontal ? columns({to, at, s.low[i], s.high[i]}) : columns({at, to, s.low[i], s.high[i]});
    }
    if (boxes.empty()) continue;
    script.plot(fmt::format("{} using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '{}' title {}", script.block(boxes), colour(k), gnuplot_text(s.name)));
    plot_whiskers(script, whiskers, chart.horizontal, kText, "");
  }
}

void plot_dots(Script& script, const Chart& chart) {
  for (size_t k = 0; k < chart.series.size(); ++k) {
    const Series& s = chart.series[k];
    std::vector<std::string> lines;
    std::string all, whiskers;
    for (size_t i = 0; i < s.y.size(); ++i) {
      const double at = static_cast<double>(i) + shift(k, chart.series.size());
      lines.push_back(chart.horizontal ? columns({s.y[i], at}) : columns({at, s.y[i]}));
      all += lines.back();
      if (s.has_whisker(i)) whiskers += chart.horizontal ? columns({s.y[i], at, s.low[i], s.high[i]}) : columns({at, s.y[i], s.low[i], s.high[i]});
    }
    if (all.empty()) continue;
    plot_whiskers(script, whiskers, chart.horizontal, colour(k), "");
    script.plot(fmt::format("{} using 1:2 with points pt {} ps 1.1 lc rgb '{}' title {}", script.block(all), shape(k), colour(k), gnuplot_text(s.name)));
    plot_rings(script, s, lines, "");
  }
}

void plot_references(Script& script, const Chart& chart) {
  static constexpr const char* kDashes[] = {"(14,10)", "(4,8)", "(20,8,4,8)"};
  for (size_t i = 0; i < chart.references.size(); ++i) {
    const Reference& r = chart.references[i];
    const std::string style = fmt::format("dt {} lw 1.6 lc rgb '{}'", kDashes[i % std::size(kDashes)], kMuted);
    const bool along_x = r.vertical != (chart.horizontal && by_category(chart));
    if (along_x)
      script.set(fmt::format("arrow from first {0}, graph 0 to first {0}, graph 1 nohead {1}", r.value, style));
    else
      script.set(fmt::format("arrow from graph 0, first {0} to graph 1, first {0} nohead {1}", r.value, style));
    script.plot(fmt::format("keyentry with lines {} title {}", style, gnuplot_text(r.name)));
  }
}

// ---- scales

/// "10k" and "1M" on a logarithmic scale, all digits on a linear one.
const char* tick_format(const Axis& axis, double most) { return most < 1e4 ? "%g" : axis.logarithmic ? "%.0s%c" : "%.0f"; }

void set_axis(Script& script, const char* name, const Axis& axis, const std::string& range, double most) {
  script.set(fmt::format("format {} '{}'", name, tick_format(axis, most)));
  script.set(fmt::format("{}label {} tc rgb '{}'", name, gnuplot_text(axis.title()), kText));
  if (axis.logarithmic) script.set(fmt::format("logscale {}", name));
  script.set(fmt::format("{}range {}", name, range));
}

void set_categories(Script& script, const Chart& chart) {
  const char* name = chart.horizontal ? "y" : "x";
  std::string tics;
  size_t longest = 0;
  for (size_t i = 0; i < chart.categories.size(); ++i) {
    tics += fmt::format("{}{} {}", i ? ", " : "", gnuplot_text(shortened(chart.categories[i])), i);
    longest = std::max(longest, std::min(chart.categories[i].size(), kLongestName));
  }
  const bool crowded = !chart.horizontal && longest * chart.categories.size() > 90;
  script.set(fmt::format("{}tics {}({}) scale 0", name, crowded ? "rotate by -35 " : "", tics));
  if (!chart.horizontal) script.set("xlabel " + gnuplot_text(chart.x.title()));  // names from top to bottom say themselves what they are
  const double end = static_cast<double>(chart.categories.size()) - 0.5;
  script.set(chart.horizontal ? fmt::format("yrange [{}:-0.5]", end) : fmt::format("xrange [-0.5:{}]", end));
}

void set_scales(Script& script, const Chart& chart) {
  if (by_category(chart)) {
    set_categories(script, chart);
    set_axis(script, chart.horizontal ? "x" : "y", chart.y, chart.kind == ChartKind::kBars ? bars_range(chart) : range_text(chart.y, values_range(chart, false)), values_range(chart, false).most);
    return;
  }
  set_axis(script, "x", chart.x, range_text(chart.x, x_range(chart)), x_range(chart).most);
  set_axis(script, "y", chart.y, range_text(chart.y, values_range(chart, false)), values_range(chart, false).most);
  if (!chart.second_y) return;
  script.set("ytics nomirror");
  script.set("y2tics");
  set_axis(script, "y2", *chart.second_y, range_text(*chart.second_y, values_range(chart, true)), values_range(chart, true).most);
}

// ---- names beside points

/// Where values lie in the plot as range_text makes it, in shares of its width or height.
std::function<double(double)> share_of(const Axis& axis, const Range& range) {
  const auto scaled = [log = axis.logarithmic](double v) { return log ? std::log(v) : v; };
  return [least = scaled(range.least), most = scaled(range.most), scaled](double v) { return most > least ? 0.053 + 0.893 * (scaled(v) - least) / (most - least) : 0.5; };
}

void set_names(Script& script, const Chart& chart) {
  const Range xs = x_range(chart), ys = values_range(chart, false);
  if (chart.kind != ChartKind::kScatter || xs.empty() || ys.empty()) return;
  const auto width = [](const std::string& text) { return 0.0105 * static_cast<double>(shortened(text).size()); };
  for (const PointName& n : place_names(chart, {share_of(chart.x, xs), share_of(chart.y, ys), width, static_cast<double>(kWidth) / kHeight})) {
    script.set(fmt::format("label {} at graph {:.4f},{:.4f} {} font ',12' tc rgb '{}'", gnuplot_text(shortened(n.text)), n.x, n.y, n.left ? "right" : "left", kText));
    if (n.led) script.set(fmt::format("arrow from graph {:.4f},{:.4f} to graph {:.4f},{:.4f} nohead lw 0.8 lc rgb '{}'", n.point_x, n.point_y, n.x + (n.left ? 0.004 : -0.004), n.y, kMuted));
  }
}

// ---- matrices

void plot_matrix(Script& script, const Chart& chart) {
  const Matrix& m = chart.matrix;
  Range values;
  for (const double v : m.values) values.add(v, false);
  std::string cells, columns_text, rows_text;
  for (size_t i = 0; i < m.values.size(); ++i) {
    const size_t r = i / m.columns.size(), c = i % m.columns.size();
    double depth = !m.shares.empty() ? m.shares[i] : values.most > values.least ? (m.values[i] - values.least) / (values.most - values.least) : 0;
    if (!std::isfinite(depth)) depth = 0;
    cells += columns({static_cast<double>(c), static_cast<double>(r), depth});
    if (std::isnan(m.values[i])) continue;
    const bool share = !m.shares.empty() && std::isfinite(m.shares[i]);
    const char* ink = depth > 0.6 ? "#ffffff" : kText;
    script.set(fmt::format("label '{:.{}f}' at {},{} center front tc rgb '{}' offset char 0,{}", m.values[i], m.decimals, c, r, ink, share ? 0.5 : 0));
    if (share) script.set(fmt::format("label '{:.1f} %' at {},{} center front font ',11' tc rgb '{}' offset char 0,-0.6", 100 * m.shares[i], c, r, ink));
  }
  for (size_t c = 0; c < m.columns.size(); ++c) columns_text += fmt::format("{}{} {}", c ? ", " : "", gnuplot_text(shortened(m.columns[c])), c);
  for (size_t r = 0; r < m.rows.size(); ++r) rows_text += fmt::format("{}{} {}", r ? ", " : "", gnuplot_text(shortened(m.rows[r])), r);
  script.set("palette defined (0 '#f4f8fb', 1 '#0b5fa5')");
  script.set("cbrange [0:1]");
  script.settings += "unset colorbox\nunset key\nunset grid\n";
  script.set(fmt::format("xtics {}({}) scale 0", m.columns.size() > 5 ? "rotate by -35 " : "", columns_text));
  script.set(fmt::format("ytics ({}) scale 0", rows_text));
  script.set("xlabel " + gnuplot_text(chart.x.title()));
  script.set("ylabel " + gnuplot_text(chart.y.title()));
  script.set(fmt::format("xrange [-0.5:{}]", static_cast<double>(m.columns.size()) - 0.5));
  script.set(fmt::format("yrange [{}:-0.5]", static_cast<double>(m.rows.size()) - 0.5));
  script.plot(fmt::format("{} using 1:2:3 with image notitle", script.block(cells)));
}

// ---- the picture

std::pair<int, int> size_of(const Chart& chart) {
  if (chart.kind == ChartKind::kMatrix) return {std::max(520, 240 + 90 * static_cast<int>(chart.matrix.columns.size())), std::max(420, 190 + 56 * static_cast<int>(chart.matrix.rows.size()))};
  if (chart.square) return {620, 680};
  const int lines = static_cast<int>(chart.kind == ChartKind::kBars && !chart.stacked ? chart.series.size() : 1);
  if (chart.horizontal) return {kWidth, std::max(260, 150 + static_cast<int>(chart.categories.size()) * (16 + 14 * lines))};
  return {kWidth, kHeight};
}

/// As a multiplot of one, whose title stands above the legend.
std::string draw(const std::string& terminal, const fs::path& file, const Chart& chart, const std::vector<std::string>& plots) {
  std::string text = fmt::format("set terminal {}\nset output {}\nset multiplot layout 1,1 title {} font ',16' tc rgb '{}'\nplot ", terminal, gnuplot_text(file.string()),
                                 gnuplot_text(chart.title), kText);
  for (size_t i = 0; i < plots.size(); ++i) text += (i ? ", " : "") + plots[i];
  return text + "\nunset multiplot\nset output\n";
}

}  // namespace

std::string gnuplot_script(const Chart& chart, const fs::path& svg, const fs::path& png) {
  check(chart);
  Script script;
  script.set("encoding utf8");
  script.set(fmt::format("border {} lc rgb '{}'", chart.second_y ? 11 : 3, kMuted));
  script.set("tics nomirror out");
  script.set("grid lc rgb '#dfe3e8' lt 1 lw 1");
  script.set("key tmargin center horizontal Left reverse samplen 2.5 spacing 1.2 width 1");
  if (chart.square) script.set("size square");
  switch (chart.kind) {
    case ChartKind::kMatrix: plot_matrix(script, chart); break;
    case ChartKind::kBars: set_scales(script, chart); plot_bars(script, chart); break;
    case ChartKind::kDots: set_scales(script, chart); plot_dots(script, chart); break;
    default: set_scales(script, chart); plot_points(script, chart); set_names(script, chart);
  }
  if (chart.kind != ChartKind::kMatrix) {
    plot_references(script, chart);
    if (script.plots.empty()) script.plot("NaN notitle");
    if (script.plots.size() == 1) script.set("key off");
  }
  const auto [width, height] = size_of(chart);
  return script.blocks + script.settings +
         draw(fmt::format("svg size {},{} noenhanced font 'DejaVu Sans,14' background '#ffffff'", width, height), svg, chart, script.plots) +
         draw(fmt::format("pngcairo size {},{} noenhanced fontscale 2 linewidth 2 pointscale 2 font 'DejaVu Sans,10.5' background '#ffffff'", 2 * width, 2 * height), png, chart, script.plots);
}

}  // namespace attune::report
