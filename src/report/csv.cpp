#include "report/csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace attune::report {
namespace {

/// RFC 4180, 2.6 and 2.7.
std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos && (text.empty() || (text.front() != ' ' && text.back() != ' '))) return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

std::string text_of(double value) { return std::isnan(value) ? "" : fmt::format("{}", value); }

std::string line(const std::vector<std::string>& cells) {
  std::string out;
  for (size_t i = 0; i < cells.size(); ++i) out += (i ? "," : "") + quoted(cells[i]);
  return out + '\n';
}

std::string matrix_csv(const Chart& chart) {
  const Matrix& m = chart.matrix;
  const bool shares = !m.shares.empty();
  std::vector<std::string> heading = {chart.y.title(), chart.x.title(), "value"};
  if (shares) heading.push_back("share");
  std::string out = line(heading);
  for (size_t i = 0; i < m.values.size(); ++i) {
    std::vector<std::string> cells = {m.rows[i / m.columns.size()], m.columns[i % m.columns.size()], text_of(m.values[i])};
    if (shares) cells.push_back(text_of(m.shares[i]));
    out += line(cells);
  }
  return out;
}

/// Which columns a chart has beside series, x and y.
struct Extras {
  bool second = false, whiskers = false, labels = false, marks = false;
  explicit Extras(const Chart& chart) {
    for (const Series& s : chart.series) {
      second |= s.second_axis;
      whiskers |= !s.low.empty();
      labels |= !s.labels.empty();
      marks |= !s.marked.empty();
    }
  }
};

std::string point(const Chart& chart, const Series& s, size_t i, const Extras& extras) {
  std::vector<std::string> cells = {s.name, s.x.empty() ? chart.categories[i] : text_of(s.x[i]), s.second_axis ? "" : text_of(s.y[i])};
  if (extras.second) cells.push_back(s.second_axis ? text_of(s.y[i]) : "");
  if (extras.whiskers) {
    cells.push_back(s.low.empty() ? "" : text_of(s.low[i]));
    cells.push_back(s.high.empty() ? "" : text_of(s.high[i]));
  }
  if (extras.labels) cells.push_back(s.labels.empty() ? "" : s.labels[i]);
  if (extras.marks) cells.push_back(std::find(s.marked.begin(), s.marked.end(), i) != s.marked.end() ? "1" : "0");
  return line(cells);
}

}  // namespace

std::string csv(const Chart& chart) {
  check(chart);
  if (chart.kind == ChartKind::kMatrix) return matrix_csv(chart);
  const Extras extras(chart);
  std::vector<std::string> heading = {"series", chart.x.title(), chart.y.title()};
  if (extras.second) heading.push_back(chart.second_y->title());
  if (extras.whiskers) heading.insert(heading.end(), {"low", "high"});
  if (extras.labels) heading.push_back("label");
  if (extras.marks) heading.push_back("marked");
  std::string out = line(heading);
  for (const Series& s : chart.series)
    for (size_t i = 0; i < s.y.size(); ++i) out += point(chart, s, i, extras);
  for (const Reference& r : chart.references) {
    std::vector<std::string> cells(heading.size());
    cells[0] = r.name;
    cells[r.vertical ? 1 : 2] = text_of(r.value);
    out += line(cells);
  }
  return out;
}

std::string csv(const Table& table) {
  check(table);
  std::vector<std::string> heading;
  std::vector<bool> interval(table.columns.size());
  for (size_t c = 0; c < table.columns.size(); ++c) {
    heading.push_back(table.columns[c].title());
    for (const auto& row : table.rows) interval[c] = interval[c] || row[c].low || row[c].high;
    if (interval[c]) heading.insert(heading.end(), {heading.back() + "_low", heading.back() + "_high"});
  }
  std::string out = line(heading);
  for (const auto& row : table.rows) {
    std::vector<std::string> cells;
    for (size_t c = 0; c < row.size(); ++c) {
      cells.push_back(row[c].value ? text_of(*row[c].value) : is_missing(row[c]) ? "" : row[c].text);
      if (!interval[c]) continue;
      cells.push_back(row[c].low ? text_of(*row[c].low) : "");
      cells.push_back(row[c].high ? text_of(*row[c].high) : "");
    }
    out += line(cells);
  }
  return out;
}

}  // namespace attune::report
