// Sections of the report of an analysis, functions of what it found; analysis_page.h puts them together.
#pragma once

#include <string>
#include <vector>

#include "app/analysis_summary.h"
#include "report/page.h"

namespace attune::report {

using Entry = report::Cell;  // of a table; a cell of the sweep is attune::Cell

/// "Variants": scores with their intervals, what each is, and the baselines.
Section variants_section(const Analysis& a, const AnalysisSummary& s);
/// "How sure": each variant against the reference and against the best, and what each test asks.
Section comparisons_section(const Analysis& a, const AnalysisSummary& s);
/// "What a better score costs": the score against each cost with its front, and all costs in a table.
Section trade_off_section(const Analysis& a, const AnalysisSummary& s);
/// "What matters": the effect of each setting and its share of the variance.
Section sensitivity_section(const Analysis& a, const AnalysisSummary& s);
/// The layers in the order `selective` takes them.
Section ranking_section(const Analysis& a);

/// Of each scored variant: whether no other is at least as good in score, trained weights, peak memory, step and latency together, and better in one.
/// A cost that was measured of no variant does not count; the untrained are never on the front.
std::vector<uint8_t> cost_front(const Analysis& a, const AnalysisSummary& s);

// What the sections share.

Entry number_or_missing(double value, int decimals, const std::string& why);
Entry p_or_missing(double p, const std::string& why);
Entry count_or_missing(double value, const std::string& why);
/// A variant's name: the one to ship stands out, the untrained stays back, the failed is marked.
Entry name_entry(const AnalysisSummary& s, size_t variant);
/// "test" or "validation".
std::string split_words(const Analysis& a);

}  // namespace attune::report
