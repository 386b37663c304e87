#include "app/analysis_sections.h"

#include <cmath>

namespace attune::report {

Entry number_or_missing(double value, int decimals, const std::string& why) { return std::isfinite(value) ? number(value, decimals) : missing(why); }
Entry p_or_missing(double p, const std::string& why) { return std::isfinite(p) ? p_value(p) : missing(why); }
Entry count_or_missing(double value, const std::string& why) { return std::isfinite(value) ? count(static_cast<int64_t>(std::llround(value))) : missing(why); }

Entry name_entry(const AnalysisSummary& s, size_t i) {
  Entry name = words(s.variants[i].name);
  if (s.ship && *s.ship == i) name.emphasis = Emphasis::kBest;
  if (i >= s.scored) name.emphasis = Emphasis::kBad;
  if (s.variants[i].untrained) name.emphasis = Emphasis::kMuted;
  return name;
}

std::string split_words(const Analysis& a) { return a.split == "test" ? "test" : "validation"; }

}  // namespace attune::report
