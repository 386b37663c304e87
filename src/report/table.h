// A table as plain data. A cell has the text for people and, where it is a number, the number itself: pages sort by it and CSV files hold it in full.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace attune::report {

enum class Emphasis {
  kNone,
  kBest,   ///< bold and green: the best of its column, significantly better
  kBad,    ///< red: failed, significantly worse
  kMuted,  ///< grey: a baseline, not significant, not defined
};

struct Cell {
  std::string text{};
  std::optional<double> value{};      ///< sorted by, and what CSV holds instead of the text; unset: the text
  std::optional<double> low{}, high{};  ///< an interval; CSV gets columns `<column>_low` and `<column>_high` where a cell of the column has one
  Emphasis emphasis = Emphasis::kNone;
  std::string hint{};  ///< shown when pointed at: why a value is missing, a full path
};

/// Cells of numbers: "0.8734"; "0.8734 [0.8512, 0.8921]"; "12,345"; "87.34 %" (value 0.8734). Not a number: "–", without a value.
Cell number(double value, int decimals = 4);
Cell with_interval(double value, double low, double high, int decimals = 4);
Cell p_value(double p);  ///< "0.0312", "< 0.0001"
Cell count(int64_t value);
Cell percent(double share, int decimals = 2);
/// "–", muted, with the reason as a hint.
Cell missing(std::string reason);
Cell words(std::string text);
/// As missing() and a NaN make it: an empty cell in CSV.
bool is_missing(const Cell& cell);

struct Column {
  std::string heading{};
  std::string unit{};      ///< "" or as in Axis; drawn as "heading (unit)"
  bool numeric = false;  ///< set to the right
  std::string title() const { return unit.empty() ? heading : heading + " (" + unit + ")"; }
};

struct Table {
  std::string id{};  ///< file name and anchor, as Chart::id
  std::string title{};
  std::vector<Column> columns{};
  std::vector<std::vector<Cell>> rows{};  ///< each as long as columns; the first cell names the row
  std::string note{};                     ///< below it: what an interval is, which test; may be empty
  bool sortable = true;
};

/// Bug where a row is not as long as the columns or the id is no file name; every writer calls it.
void check(const Table& table);

}  // namespace attune::report
