#include "report/html.h"

#include <fmt/format.h>

#include <cmath>

#include "report/assets.h"
#include "report/base64.h"
#include "report/chart_json.h"
#include "report/csv.h"
#include "report/markup.h"

namespace attune::report {
namespace {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string inline_html(std::string_view text) {
  std::string out;
  for (const Span& s : spans(text)) {
    const char* tag = s.kind == Span::Kind::kCode ? "code" : s.kind == Span::Kind::kBold ? "strong" : nullptr;
    out += tag ? fmt::format("<{0}>{1}</{0}>", tag, escaped(s.text)) : escaped(s.text);
  }
  return out;
}

std::string note_html(const std::string& note) { return note.empty() ? "" : "<p class=\"note\">" + inline_html(note) + "</p>\n"; }

std::string csv_link(const std::string& id, const std::string& text) {
  return fmt::format("<p class=\"csv\"><a download=\"{0}.csv\" href=\"data:text/csv;charset=utf-8;base64,{1}\">{0}.csv</a></p>\n", id, base64(text));
}

// ---- tables

const char* class_of(Emphasis emphasis) {
  switch (emphasis) {
    case Emphasis::kNone: return "";
    case Emphasis::kBest: return " best";
    case Emphasis::kBad: return " bad";
    case Emphasis::kMuted: return " muted";
  }
  return "";
}

std::string cell_html(const Cell& cell, const Column& column, bool first) {
  std::string attributes = fmt::format(" class=\"{}{}\"", column.numeric ? "number" : "text", class_of(cell.emphasis));
  if (cell.value) attributes += fmt::format(" data-value=\"{}\"", *cell.value);
  if (!cell.hint.empty()) attributes += " title=\"" + escaped(cell.hint) + "\"";
  return first ? "<th scope=\"row\"" + attributes + ">" + escaped(cell.text) + "</th>" : "<td" + attributes + ">" + escaped(cell.text) + "</td>";
}

std::string table_html(const Table& table) {
  std::string out = fmt::format("<div class=\"table\" id=\"{}\">\n", table.id);
  if (!table.title.empty()) out += "<h3>" + escaped(table.title) + "</h3>\n";
  out += fmt::format("<div class=\"scroll\"><table{}>\n<thead><tr>", table.sortable ? " class=\"sortable\"" : "");
  for (const Column& c : table.columns) out += fmt::format("<th scope=\"col\" class=\"{}\">{}</th>", c.numeric ? "number" : "text", escaped(c.title()));
  out += "</tr></thead>\n<tbody>\n";
  for (const auto& row : table.rows) {
    out += "<tr>";
    for (size_t c = 0; c < row.size(); ++c) out += cell_html(row[c], table.columns[c], c == 0);
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n" + note_html(table.note) + csv_link(table.id, csv(table)) + "</div>\n";
}

// ---- charts

std::string figure_begin(const Chart& chart, const char* kind) {
  return fmt::format("<figure class=\"{}\" id=\"{}\">\n<figcaption>{}</figcaption>\n", kind, chart.id, escaped(chart.title));
}
std::string figure_end(const Chart& chart) { return note_html(chart.note) + csv_link(chart.id, csv(chart)) + "</figure>\n"; }

/// 0 to 1: the share, else the value on the way from the least to the greatest of the matrix.
double shade(const Matrix& m, size_t i) {
  if (!m.shares.empty()) return std::isnan(m.shares[i]) ? 0 : m.shares[i];
  double least = INFINITY, most = -INFINITY;
  for (const double v : m.values)
    if (!std::isnan(v)) least = std::min(least, v), most = std::max(most, v);
  return std::isnan(m.values[i]) || most <= least ? 0 : (m.values[i] - least) / (most - least);
}

std::string matrix_cell(const Chart& chart, size_t i) {
  const Matrix& m = chart.matrix;
  const double depth = shade(m, i);
  std::string text = std::isnan(m.values[i]) ? "" : fmt::format("{:.{}f}", m.values[i], m.decimals);
  if (!m.shares.empty() && !std::isnan(m.shares[i])) text += fmt::format("<small>{:.1f} %</small>", 100 * m.shares[i]);
  if (!m.behind.empty() && !m.behind[i].empty()) text = fmt::format("<button type=\"button\" data-cell=\"{}\">{}</button>", i, text);
  return fmt::format("<td{} style=\"--shade:{:.4f}\">{}</td>", depth > 0.6 ? " class=\"deep\"" : "", depth, text);
}

std::string matrix_html(const Chart& chart) {
  const Matrix& m = chart.matrix;
  std::string out = figure_begin(chart, "matrix") + "<div class=\"scroll\"><table>\n<thead>";
  out += fmt::format("<tr><td></td><td></td><th class=\"axis\" colspan=\"{}\">{}</th></tr>\n<tr><td></td><td></td>", m.columns.size(), escaped(chart.x.title()));
  for (const auto& column : m.columns) out += "<th scope=\"col\">" + escaped(column) + "</th>";
  out += "</tr></thead>\n<tbody>\n";
  for (size_t r = 0; r < m.rows.size(); ++r) {
    out += "<tr>";
    if (r == 0) out += fmt::format("<th class=\"axis side\" rowspan=\"{}\"><span>{}</span></th>", m.rows.size(), escaped(chart.y.title()));
    out += "<th scope=\"row\">" + escaped(m.rows[r]) + "</th>";
    for (size_t c = 0; c < m.columns.size(); ++c) out += matrix_cell(chart, r * m.columns.size() + c);
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n<div class=\"behind\" hidden></div>\n" + figure_end(chart);
}

/// Categories from top to bottom ask for height of their own.
std::string canvas_style(const Chart& chart) {
  if (!chart.horizontal) return "";
  const size_t bars = chart.stacked || chart.kind == ChartKind::kDots ? 1 : std::max<size_t>(1, chart.series.size());
  const size_t dots = chart.kind == ChartKind::kDots ? chart.series.size() : 0;
  return fmt::format(" style=\"height:{}px\"", 110 + chart.categories.size() * (14 + 12 * bars + 8 * dots));
}

std::string chart_html(const Chart& chart) {
  if (chart.kind == ChartKind::kMatrix) return matrix_html(chart);
  return figure_begin(chart, "chart") + fmt::format("<div class=\"canvas{}\"{}><canvas role=\"img\" aria-label=\"{}\"></canvas></div>\n", chart.square ? " square" : "",
                                                    canvas_style(chart), escaped(chart.title)) + figure_end(chart);
}

// ---- the page

struct BlockHtml {
  std::string operator()(const Paragraph& p) const { return "<p>" + inline_html(p.text) + "</p>\n"; }
  std::string operator()(const List& list) const {
    std::string out = "<ul>\n";
    for (const Paragraph& p : list.items) out += "<li>" + inline_html(p.text) + "</li>\n";
    return out + "</ul>\n";
  }
  std::string operator()(const Heading& h) const { return "<h3>" + escaped(h.text) + "</h3>\n"; }
  std::string operator()(const Code& code) const {
    const std::string body = "<pre>" + escaped(code.text) + "</pre>\n";
    if (code.folded) return "<details><summary>" + escaped(code.title) + "</summary>" + body + "</details>\n";
    return (code.title.empty() ? "" : "<p class=\"label\">" + escaped(code.title) + "</p>\n") + body;
  }
  std::string operator()(const Table& table) const { return table_html(table); }
  std::string operator()(const Chart& chart) const { return chart_html(chart); }
};

/// Charts that follow one another stand side by side.
std::string section_html(const Section& section) {
  std::string out = fmt::format("<section id=\"{}\">\n<h2>{}</h2>\n", section.id, escaped(section.heading));
  bool side_by_side = false;
  for (const Block& block : section.blocks) {
    const bool is_chart = std::holds_alternative<Chart>(block);
    if (is_chart != side_by_side) out += is_chart ? "<div class=\"charts\">\n" : "</div>\n";
    side_by_side = is_chart;
    out += std::visit(BlockHtml{}, block);
  }
  return out + (side_by_side ? "</div>\n" : "") + "</section>\n";
}

std::string verdict_html(const Verdict& verdict) {
  if (verdict.answer.empty()) return "";
  std::string out = "<section class=\"verdict\" id=\"verdict\">\n<h2>" + escaped(verdict.question) + "</h2>\n<p class=\"answer\">" + inline_html(verdict.answer) + "</p>\n";
  for (const Paragraph& p : verdict.reasons) out += BlockHtml{}(p);
  return out + "</section>\n";
}

std::string contents_html(const Page& page) {
  std::string out = "<nav aria-label=\"contents\">";
  for (const Section& s : page.sections) out += fmt::format("<a href=\"#{}\">{}</a>", s.id, escaped(s.heading));
  return out + "</nav>\n";
}

std::string script(std::string_view text) { return "<script>\n" + std::string(text) + "</script>\n"; }

std::string scripts(const Page& page) {
  Json all = Json::array();
  for (const Chart& chart : charts(page)) all.push_back(chart_json(chart));
  return "<script type=\"application/json\" id=\"chart-data\">" + script_text(all) + "</script>\n" + script(chart_js) + script(theme_js) + script(tables_js) + script(matrix_js) +
         script(drawing_js) + script(charts_js);
}

}  // namespace

std::string html(const Page& page) {
  check(page);
  // The policy makes the promise of the page hold in the browser: nothing is loaded from anywhere.
  std::string out =
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:\">\n"
      "<title>" + escaped(page.title) + "</title>\n<style>\n" + std::string(page_css) + "</style>\n</head>\n<body>\n<header>\n<h1>" + escaped(page.title) +
      "</h1>\n<button type=\"button\" id=\"theme\">dark or light</button>\n";
  if (!page.subtitle.empty()) out += "<p class=\"subtitle\">" + inline_html(page.subtitle) + "</p>\n";
  out += "</header>\n" + verdict_html(page.verdict) + contents_html(page) + "<main>\n";
  for (const Section& section : page.sections) out += section_html(section);
  if (!page.command.empty()) out += "<section id=\"command\">\n<h2>Make this report again</h2>\n<pre>" + escaped(page.command) + "</pre>\n</section>\n";
  out += "</main>\n";
  if (!page.footer.empty()) out += "<footer>" + inline_html(page.footer) + "</footer>\n";
  return out + scripts(page) + "</body>\n</html>\n";
}

}  // namespace attune::report
