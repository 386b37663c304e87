#include "report/table.h"

#include <fmt/format.h>

#include <cmath>

#include "base/utf8.h"
#include "report/names.h"

namespace attune::report {
namespace {

constexpr const char* kNone = "–";

std::string fixed(double value, int decimals) { return fmt::format("{:.{}f}", value, decimals); }

}  // namespace

Cell number(double value, int decimals) {
  if (std::isnan(value)) return {.text = kNone, .emphasis = Emphasis::kMuted};
  return {.text = fixed(value, decimals), .value = value};
}

Cell with_interval(double value, double low, double high, int decimals) {
  Cell cell = number(value, decimals);
  if (!cell.value || std::isnan(low) || std::isnan(high)) return cell;
  cell.text += fmt::format(" [{}, {}]", fixed(low, decimals), fixed(high, decimals));
  cell.low = low;
  cell.high = high;
  return cell;
}

Cell p_value(double p) {
  Cell cell = number(p, 4);
  if (p < 5e-5) cell.text = "< 0.0001";
  return cell;
}

Cell count(int64_t value) {
  const std::string digits = grouped(value < 0 ? uint64_t{0} - static_cast<uint64_t>(value) : static_cast<uint64_t>(value));
  return {.text = (value < 0 ? "-" : "") + digits, .value = static_cast<double>(value)};
}

Cell percent(double share, int decimals) {
  if (std::isnan(share)) return number(share);
  return {.text = fixed(100 * share, decimals) + " %", .value = share};
}

Cell missing(std::string reason) { return {.text = kNone, .emphasis = Emphasis::kMuted, .hint = std::move(reason)}; }

Cell words(std::string text) { return {.text = std::move(text)}; }

bool is_missing(const Cell& cell) { return !cell.value && cell.text == kNone; }

void check(const Table& table) {
  ensure(is_id(table.id), "table id '" + table.id + "'");
  for (const auto& row : table.rows) ensure(row.size() == table.columns.size(), "table " + table.id + ": cells of a row");
}

}  // namespace attune::report
