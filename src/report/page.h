// A report as plain data: an answer on top, then sections of paragraphs, tables and charts. The writers (html.h, markdown.h, csv.h, pictures.h) are
// pure functions of it; who builds one lives in app/.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "report/chart.h"
#include "report/table.h"

namespace attune::report {

/// Plain text, no markup: every character is shown as it is. `code` between backticks and **bold** are the two exceptions, in both writers.
struct Paragraph {
  std::string text{};
};
struct List {
  std::vector<Paragraph> items{};
};
/// A sub-heading within a section.
struct Heading {
  std::string text{};
};
/// As typed: a command, a configuration.
struct Code {
  std::string title{};  ///< may be empty
  std::string text{};
  bool folded = false;  ///< the page shows it when its title is clicked
};
using Block = std::variant<Paragraph, List, Heading, Code, Table, Chart>;

struct Section {
  std::string id{};  ///< anchor, as Chart::id
  std::string heading{};
  std::vector<Block> blocks{};
};

/// The box on top: one bold answer and the sentences that say how sure it is. Empty `answer`: no box.
struct Verdict {
  std::string question = "Which variant should I ship, and how sure am I?";
  std::string answer{};
  std::vector<Paragraph> reasons{};
};

struct Page {
  std::string title{};
  std::string subtitle{};  ///< what was compared, on which data; may be empty
  Verdict verdict{};
  std::vector<Section> sections{};
  std::string command{};  ///< that makes this report again; "": not shown
  std::string footer{};   ///< version and environment in a line; may be empty. No date: the same runs give the same bytes
};

/// In page order.
std::vector<Chart> charts(const Page& page);
std::vector<Table> tables(const Page& page);

/// Bug where two charts or tables share an id, or one of them fails its own check.
void check(const Page& page);

}  // namespace attune::report
