// A picture as plain data: which numbers are drawn, with labels and units. Every writer (page, CSV, SVG and PNG) reads this one value, so all of
// them show the same numbers. Drawing decides colours and sizes; whoever fills a chart decides the numbers and the words.
#pragma once

#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace attune::report {

/// No value: a gap in a line, no bar, an empty CSV cell.
inline constexpr double kNoValue = std::numeric_limits<double>::quiet_NaN();

enum class ChartKind {
  kLine,     ///< points joined in the order given: curves
  kScatter,  ///< points on two scales: trade-offs
  kBars,     ///< one bar a category and series, from 0: counts, seconds, bytes, histograms
  kDots,     ///< one dot a category and series, with whiskers, on a scale that need not start at 0: scores, effects
  kMatrix,   ///< cells of rows and columns: confusion matrices, p values of pairs
};

struct Axis {
  std::string label{};  ///< "learning rate"
  std::string unit{};   ///< "s", "MB", "%"; "": a pure number. Drawn as "label (unit)"
  bool logarithmic = false;  ///< values that are not above 0 are left out of the drawing, not of the CSV
  std::optional<double> least{}, most{};  ///< ends of the scale; unset: as the values ask
  std::string title() const { return unit.empty() ? label : label + " (" + unit + ")"; }
};

/// A straight dashed line with its name in the legend: the majority rate, no effect.
struct Reference {
  std::string name{};
  double value = 0;
  bool vertical = false;  ///< at `value` of the x axis; else of the y axis
};

struct Series {
  std::string name{};                 ///< in the legend; unique in its chart
  std::vector<double> x{};            ///< line and scatter: one a point. Bars and dots: empty, y[i] is of categories[i]
  std::vector<double> y{};            ///< kNoValue where there is none
  std::vector<double> low{}, high{};    ///< ends of the whiskers, in units of y; both empty, or one a point with kNoValue for no whisker
  std::vector<std::string> labels{};  ///< of points: shown beside it (scatter) and when pointed at; empty, or one a point
  std::vector<size_t> marked{};       ///< indices of points drawn with a ring: the front, the best checkpoint
  std::string mark{};                 ///< what the ring means, for the legend: "best checkpoint"
  bool second_axis = false;         ///< y on Chart::second_y
  bool dashed = false;              ///< line and scatter: a dashed line without points: chance, perfect calibration, the front
  bool has_whisker(size_t i) const { return !low.empty() && std::isfinite(low[i]) && std::isfinite(high[i]); }
};

/// A row of data behind a cell of a matrix.
struct MatrixRow {
  std::string id{}, text{}, gold{}, prediction{};
  double score = kNoValue;  ///< of the prediction
};

/// Values are row after row: cell (r, c) is at r * columns.size() + c.
struct Matrix {
  std::vector<std::string> rows{}, columns{};
  std::vector<double> values{};                     ///< written into the cells: counts; kNoValue: an empty cell
  std::vector<double> shares{};                     ///< 0 to 1: the shade and a second line "87.5 %"; empty: shaded by value
  std::vector<std::vector<MatrixRow>> behind{};     ///< shown when a cell is clicked; empty, or one list a cell. May hold fewer rows than the cell counts
  int decimals = 0;                               ///< of the values as written
};

struct Chart {
  std::string id{};  ///< file name and anchor: lower-case letters, digits, '_' and '-'; unique in its page
  std::string title{};
  std::string note{};  ///< what to see, or how it was measured; may be empty
  ChartKind kind = ChartKind::kLine;
  Axis x{}, y{};  ///< bars and dots: x names the categories. Matrix: labels of columns and rows
  std::optional<Axis> second_y{};
  std::vector<std::string> categories{};  ///< of bars and dots
  std::vector<Series> series{};
  std::vector<Reference> references{};
  Matrix matrix{};
  bool horizontal = false;  ///< bars and dots: categories from top to bottom, so that long names are legible; the y axis then lies below
  bool stacked = false;     ///< bars: the series of a category on top of one another
  bool square = false;      ///< both axes of the same length: ROC, reliability
};

/// Bug where lengths do not agree, an id is no file name or two series share a name; every writer calls it.
void check(const Chart& chart);

}  // namespace attune::report
