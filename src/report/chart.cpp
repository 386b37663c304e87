#include "report/chart.h"

#include <fmt/format.h>

#include <set>

#include "report/names.h"

namespace attune::report {
namespace {

void check_series(const Chart& chart, const Series& s) {
  const std::string where = fmt::format("chart {}, series {}", chart.id, s.name);
  const bool by_category = chart.kind == ChartKind::kBars || chart.kind == ChartKind::kDots;
  const size_t n = s.y.size();
  ensure(s.x.size() == (by_category ? 0 : n), where + ": x");
  ensure(!by_category || n == chart.categories.size(), where + ": one value a category");
  ensure(s.low.size() == s.high.size() && (s.low.empty() || s.low.size() == n), where + ": whiskers");
  ensure(s.labels.empty() || s.labels.size() == n, where + ": labels");
  for (const size_t i : s.marked) ensure(i < n, where + ": marked");
  ensure(!s.second_axis || chart.second_y, where + ": there is no second axis");
}

void check_matrix(const Chart& chart) {
  const Matrix& m = chart.matrix;
  const size_t cells = m.rows.size() * m.columns.size();
  ensure(cells > 0 && m.values.size() == cells, "chart " + chart.id + ": values of the matrix");
  ensure(m.shares.empty() || m.shares.size() == cells, "chart " + chart.id + ": shares of the matrix");
  ensure(m.behind.empty() || m.behind.size() == cells, "chart " + chart.id + ": rows behind the matrix");
}

}  // namespace

void check(const Chart& chart) {
  ensure(is_id(chart.id), "chart id '" + chart.id + "'");
  if (chart.kind == ChartKind::kMatrix) return check_matrix(chart);
  std::set<std::string> names;
  for (const Series& s : chart.series) {
    check_series(chart, s);
    ensure(names.insert(s.name).second, fmt::format("chart {}: two series are called {}", chart.id, s.name));
  }
}

}  // namespace attune::report
