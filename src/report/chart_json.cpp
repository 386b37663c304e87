#include "report/chart_json.h"

#include <cmath>

namespace attune::report {
namespace {

const char* name_of(ChartKind kind) {
  switch (kind) {
    case ChartKind::kLine: return "line";
    case ChartKind::kScatter: return "scatter";
    case ChartKind::kBars: return "bars";
    case ChartKind::kDots: return "dots";
    case ChartKind::kMatrix: return "matrix";
  }
  return "";
}

Json value_or_null(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json values(const std::vector<double>& all) {
  Json out = Json::array();
  for (const double v : all) out.push_back(value_or_null(v));
  return out;
}

Json axis_json(const Axis& axis) {
  Json out = {{"title", axis.title()}};
  if (axis.logarithmic) out["logarithmic"] = true;
  if (axis.least) out["least"] = *axis.least;
  if (axis.most) out["most"] = *axis.most;
  return out;
}

Json series_json(const Series& s) {
  Json out = {{"name", s.name}};
  if (!s.x.empty()) out["x"] = values(s.x);
  out["y"] = values(s.y);
  if (!s.low.empty()) out["low"] = values(s.low), out["high"] = values(s.high);
  if (!s.labels.empty()) out["labels"] = s.labels;
  if (!s.marked.empty()) out["marked"] = s.marked, out["mark"] = s.mark;
  if (s.second_axis) out["second_axis"] = true;
  if (s.dashed) out["dashed"] = true;
  return out;
}

Json rows_json(const std::vector<MatrixRow>& rows) {
  Json out = Json::array();
  for (const MatrixRow& r : rows)
    out.push_back({{"id", r.id}, {"text", r.text}, {"gold", r.gold}, {"prediction", r.prediction}, {"score", value_or_null(r.score)}});
  return out;
}

Json matrix_json(const Chart& chart) {
  const Matrix& m = chart.matrix;
  Json out = {{"id", chart.id}, {"kind", "matrix"}, {"x", axis_json(chart.x)}, {"y", axis_json(chart.y)}, {"rows", m.rows}, {"columns", m.columns}, {"values", values(m.values)}};
  Json behind = Json::array();
  for (const auto& rows : m.behind) behind.push_back(rows_json(rows));
  out["behind"] = std::move(behind);
  return out;
}

}  // namespace

Json chart_json(const Chart& chart) {
  check(chart);
  if (chart.kind == ChartKind::kMatrix) return matrix_json(chart);
  Json out = {{"id", chart.id}, {"kind", name_of(chart.kind)}, {"x", axis_json(chart.x)}, {"y", axis_json(chart.y)}};
  if (chart.second_y) out["second_y"] = axis_json(*chart.second_y);
  if (!chart.categories.empty()) out["categories"] = chart.categories;
  if (chart.horizontal) out["horizontal"] = true;
  if (chart.stacked) out["stacked"] = true;
  Json series = Json::array(), references = Json::array();
  for (const Series& s : chart.series) series.push_back(series_json(s));
  for (const Reference& r : chart.references) references.push_back({{"name", r.name}, {"value", r.value}, {"vertical", r.vertical}});
  out["series"] = std::move(series);
  if (!references.empty()) out["references"] = std::move(references);
  return out;
}

std::string script_text(const Json& value) {
  std::string out;
  for (const char c : dump_json(value, {.sort_keys = false, .compact = true})) out += c == '<' ? std::string("\\u003c") : std::string(1, c);
  return out;
}

}  // namespace attune::report
