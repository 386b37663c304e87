// Errors and correlations of real-valued predictions, equal to scikit-learn and SciPy.
#pragma once

#include <span>
#include <vector>

namespace attune {

double mean_squared_error(std::span<const double> gold, std::span<const double> predicted);
double mean_absolute_error(std::span<const double> gold, std::span<const double> predicted);
/// 1 - residual / total; a constant gold gives 1 when it is hit exactly, else 0; NaN below two rows.
double r2_score(std::span<const double> gold, std::span<const double> predicted);
/// NaN for a constant side or fewer than two rows.
double pearson(std::span<const double> a, std::span<const double> b);
/// Pearson of the ranks; equal values share their mean rank.
double spearman(std::span<const double> a, std::span<const double> b);
/// 1-based ranks, ties averaged. NaN values get rank NaN for all.
std::vector<double> average_ranks(std::span<const double> values);

}  // namespace attune
