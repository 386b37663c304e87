// How an analysis says its numbers: in the metric's own scale and unit.
#pragma once

#include <string>

#include "app/analysis_summary.h"

namespace attune {

std::string score_text(double score, const AnalysisSummary& s);  ///< "92.00 %", of a metric that is no share "0.3412"
std::string amount(double difference, const AnalysisSummary& s);  ///< points with two decimals, other figures with four digits
std::string told(double difference, const AnalysisSummary& s, const std::string& metric);  ///< "1.20 points of accuracy"
/// "95 % interval over rows A to B"; turned round where a sentence says "worse by 3" of a difference of -3.
std::string range_text(const PairedDifference& d, bool in_words, const AnalysisSummary& s);
std::string p_text(double p);  ///< "p = 0.012", "p < 0.001"

}  // namespace attune
