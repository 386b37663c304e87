#include "report/markdown.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/markup.h"

namespace attune::report {
namespace {

/// One line in which no character means anything: CommonMark takes a backslash before every ASCII punctuation.
std::string markdown_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("\\`*_[]<>|~$#&").find(c) != std::string_view::npos) out += '\\';
    out += c == '\n' || c == '\r' || c == '\t' ? ' ' : c;
  }
  return out;
}

std::string inline_markdown(std::string_view text) {
  std::string out;
  for (const Span& s : spans(text)) {
    if (s.kind == Span::Kind::kCode)
      out += "`" + s.text + "`";
    else if (s.kind == Span::Kind::kBold)
      out += "**" + markdown_text(s.text) + "**";
    else
      out += markdown_text(s.text);
  }
  return out;
}

/// A paragraph that begins as a list or a rule would is text all the same.
std::string paragraph(std::string_view text) {
  std::string out = inline_markdown(text);
  const size_t digits = std::min(out.find_first_not_of("0123456789"), out.size());
  if (!out.empty() && (out[0] == '-' || out[0] == '+' || out[0] == '=')) out.insert(0, "\\");
  if (digits > 0 && digits < out.size() && (out[digits] == '.' || out[digits] == ')')) out.insert(digits, "\\");
  return out;
}

std::string fenced(const std::string& text) {
  std::string fence = "```";
  while (text.find(fence) != std::string::npos) fence += '`';
  return fence + "\n" + text + (text.ends_with('\n') ? "" : "\n") + fence + "\n\n";
}

std::string table_line(const std::vector<std::string>& cells) {
  std::string out = "|";
  for (const auto& c : cells) out += " " + c + " |";
  return out + "\n";
}

std::string cell_text(const Cell& cell) {
  const std::string text = markdown_text(cell.text);
  return cell.emphasis == Emphasis::kBest && !text.empty() ? "**" + text + "**" : text;
}

std::string table_markdown(const Table& table) {
  std::vector<std::string> heading, rule;
  for (const Column& c : table.columns) {
    heading.push_back(markdown_text(c.title()));
    rule.push_back(c.numeric ? "---:" : "---");
  }
  std::string out = (table.title.empty() ? "" : "**" + markdown_text(table.title) + "**\n\n") + table_line(heading) + table_line(rule);
  for (const auto& row : table.rows) {
    std::vector<std::string> cells;
    for (const Cell& c : row) cells.push_back(cell_text(c));
    out += table_line(cells);
  }
  return out + "\n" + (table.note.empty() ? "" : inline_markdown(table.note) + "\n\n");
}

std::string matrix_markdown(const Chart& chart) {
  const Matrix& m = chart.matrix;
  std::vector<std::string> heading = {markdown_text(chart.y.title() + " \\ " + chart.x.title())}, rule = {"---"};
  for (const auto& c : m.columns) {
    heading.push_back(markdown_text(c));
    rule.push_back("---:");
  }
  std::string out = table_line(heading) + table_line(rule);
  for (size_t r = 0; r < m.rows.size(); ++r) {
    std::vector<std::string> cells = {markdown_text(m.rows[r])};
    for (size_t c = 0; c < m.columns.size(); ++c) {
      const double v = m.values[r * m.columns.size() + c];
      cells.push_back(std::isnan(v) ? "" : fmt::format("{:.{}f}", v, m.decimals));
    }
    out += table_line(cells);
  }
  return out + "\n";
}

struct BlockMarkdown {
  const std::string& pictures;

  std::string operator()(const Paragraph& p) const { return paragraph(p.text) + "\n\n"; }
  std::string operator()(const List& list) const {
    std::string out;
    for (const Paragraph& p : list.items) out += "- " + inline_markdown(p.text) + "\n";
    return out + "\n";
  }
  std::string operator()(const Heading& h) const { return "### " + markdown_text(h.text) + "\n\n"; }
  std::string operator()(const Code& code) const {
    return (code.title.empty() ? "" : markdown_text(code.title) + ":\n\n") + fenced(code.text);
  }
  std::string operator()(const Table& table) const { return table_markdown(table); }
  std::string operator()(const Chart& chart) const {
    std::string out;
    if (!pictures.empty()) out = fmt::format("![{}]({}/{}.png)\n\n", markdown_text(chart.title), pictures, chart.id);
    if (pictures.empty()) out = "**" + markdown_text(chart.title) + "** (" + chart.id + ".csv)\n\n";
    if (chart.kind == ChartKind::kMatrix) out += matrix_markdown(chart);
    return out + (chart.note.empty() ? "" : inline_markdown(chart.note) + "\n\n");
  }
};

}  // namespace

std::string markdown(const Page& page, const std::string& pictures) {
  check(page);
  const BlockMarkdown block{pictures};
  std::string out = "# " + markdown_text(page.title) + "\n\n";
  if (!page.subtitle.empty()) out += paragraph(page.subtitle) + "\n\n";
  if (!page.verdict.answer.empty()) {
    out += "> **" + markdown_text(page.verdict.question) + "**\n>\n> **" + markdown_text(page.verdict.answer) + "**\n";
    for (const Paragraph& p : page.verdict.reasons) out += ">\n> " + paragraph(p.text) + "\n";
    out += "\n";
  }
  for (const Section& s : page.sections) {
    out += "## " + markdown_text(s.heading) + "\n\n";
    for (const Block& b : s.blocks) out += std::visit(block, b);
  }
  if (!page.command.empty()) out += "## Make this report again\n\n" + fenced(page.command);
  if (!page.footer.empty()) out += paragraph(page.footer) + "\n";
  return out;
}

}  // namespace attune::report
