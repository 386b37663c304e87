#include "base/suggest.h"

#include <algorithm>

namespace attune {
namespace {

std::string folded(const std::string& s) {
  std::string t;
  for (char c : s) {
    if (c != '-' && c != '_') t += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  }
  return t;
}

/// Damerau-Levenshtein in its restricted form: insert, delete, replace, swap neighbours.
size_t distance(const std::string& a, const std::string& b) {
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), now(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) now[j] = std::min(now[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, now);
  }
  return last[b.size()];
}

}  // namespace

std::string nearest(const std::string& given, const std::vector<std::string>& candidates) {
  constexpr size_t kLongest = 100;  // longer than any name we know: no slip, and the table below is quadratic
  if (given.size() > kLongest) return "";
  const std::string g = folded(given);
  std::string best;
  size_t best_distance = std::max<size_t>(1, g.size() / 3) + 1;
  for (const std::string& c : candidates) {
    if (c.size() > kLongest) continue;
    const std::string f = folded(c);
    const size_t d = distance(g, f);
    if (d < best_distance && d < std::max(g.size(), f.size())) {
      best_distance = d;
      best = c;
    }
  }
  return best;
}

std::string suggestion(const std::string& given, const std::vector<std::string>& candidates, size_t shown) {
  std::string s;
  const std::string near = nearest(given, candidates);
  if (!near.empty()) s = "did you mean '" + near + "'? ";
  if (candidates.empty()) return s;
  s += "known: ";
  for (size_t i = 0; i < std::min(shown, candidates.size()); ++i) s += (i ? ", " : "") + candidates[i];
  if (candidates.size() > shown) s += ", ... (" + std::to_string(candidates.size() - shown) + " more)";
  return s;
}

}  // namespace attune
