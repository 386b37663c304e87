#include "data/label_cells.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.h"
#include "data/labels.h"

namespace attune {
namespace {

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

/// The list that a text cell writes, as `["a", "b"]`; nothing when it is another text.
std::optional<Json> written_list(const Json& cell) {
  if (!cell.is_string()) return std::nullopt;
  const std::string_view text = trimmed(cell.get_ref<const std::string&>());
  if (text.size() < 2 || text.front() != '[' || text.back() != ']') return std::nullopt;
  try {
    Json list = parse_json(text, "");
    if (!list.is_array()) return std::nullopt;
    for (const Json& one : list) {
      if (!one.is_string() && !one.is_number() && !one.is_boolean()) return std::nullopt;
    }
    return list;
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace

std::optional<double> cell_number(std::string_view cell) {
  if (cell.starts_with('+') && !cell.starts_with("+-")) cell.remove_prefix(1);
  if (cell.empty() || !(cell[0] == '-' || cell[0] == '.' || (cell[0] >= '0' && cell[0] <= '9'))) return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (error != std::errc() || end != cell.data() + cell.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

bool is_whole_number(std::string_view cell) {
  if (cell == "0") return true;
  if (cell.starts_with('-')) cell.remove_prefix(1);
  return !cell.empty() && cell[0] >= '1' && cell[0] <= '9' && std::all_of(cell.begin(), cell.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool cell_is_list(const Json& cell) { return cell.is_array() || written_list(cell).has_value(); }

std::vector<std::string> cell_parts(const Json& cell, std::string_view separator) {
  std::vector<std::string> parts;
  const std::optional<Json> written = written_list(cell);
  if (cell.is_array() || written) {
    for (const Json& one : written ? *written : cell) parts.push_back(label_text(one));
    return parts;
  }
  const std::string text = label_text(cell);
  if (separator.empty()) return {text};
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(separator, at), text.size());
    if (const std::string_view part = trimmed(std::string_view(text).substr(at, end - at)); !part.empty()) parts.emplace_back(part);
    at = end + separator.size();
  }
  return parts;
}

}  // namespace attune
