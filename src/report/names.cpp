#include "report/names.h"

#include <algorithm>

#include "base/error.h"

namespace attune::report {
namespace {

constexpr size_t kLongest = 100;

bool is_plain(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

}  // namespace

bool is_id(std::string_view id) {
  return !id.empty() && id.size() <= kLongest && is_plain(id.front()) &&
         std::all_of(id.begin(), id.end(), [](char c) { return is_plain(c) || c == '_' || c == '-'; });
}

std::string id_of(std::string_view text) {
  std::string id;
  for (char c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (is_plain(c) || (c == '_' && !id.empty()))
      id += c;
    else if (!id.empty() && id.back() != '-')
      id += '-';
    if (id.size() == kLongest) break;
  }
  while (!id.empty() && id.back() == '-') id.pop_back();
  return id.empty() ? "x" : id;
}

void ensure(bool ok, const std::string& what) {
  if (!ok) throw Bug(what);
}

}  // namespace attune::report
