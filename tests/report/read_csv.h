// Reads what csv() writes, RFC 4180, for tests.
#pragma once

#include <string>
#include <vector>

namespace attune::report {

inline std::vector<std::vector<std::string>> read_csv(const std::string& text) {
  std::vector<std::vector<std::string>> lines;
  std::vector<std::string> cells(1);
  bool inside = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (inside && c == '"' && i + 1 < text.size() && text[i + 1] == '"') {
      cells.back() += text[++i];
    } else if (c == '"') {
      inside = !inside;
    } else if (!inside && c == ',') {
      cells.emplace_back();
    } else if (!inside && c == '\n') {
      lines.push_back(std::move(cells));
      cells.assign(1, "");
    } else {
      cells.back() += c;
    }
  }
  return lines;
}

}  // namespace attune::report
