#include "app/analysis_words.h"

#include <fmt/format.h>

namespace attune {

std::string score_text(double score, const AnalysisSummary& s) { return s.scale == 100 ? fmt::format("{:.2f} %", 100 * score) : fmt::format("{:.4g}", score); }

std::string amount(double difference, const AnalysisSummary& s) {
  return s.unit.starts_with("points") ? fmt::format("{:.2f}", s.scale * difference) : fmt::format("{:.4g}", s.scale * difference);
}

std::string told(double difference, const AnalysisSummary& s, const std::string& metric) { return fmt::format("{} {}{}", amount(difference, s), s.unit, metric); }

std::string range_text(const PairedDifference& d, bool in_words, const AnalysisSummary& s) {
  const bool turned = in_words && d.difference < 0;
  return fmt::format("95 % interval over rows {} to {}", amount(turned ? -d.high : d.low, s), amount(turned ? -d.low : d.high, s));
}

std::string p_text(double p) { return p < 0.001 ? "p < 0.001" : fmt::format("p = {:.3f}", p); }

}  // namespace attune
