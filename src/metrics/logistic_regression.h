// Logistic regression with an L2 penalty, equal to scikit-learn's LogisticRegression: minimises |W|^2 / 2 + C * sum of the rows' losses,
// intercepts not penalised. Two classes have one vector of weights, more have one each (multinomial).
#pragma once

#include <span>

#include "base/sparse_rows.h"

namespace attune {

struct LogisticRegression {
  int64_t classes = 0;
  std::vector<double> weights;     ///< (1 or classes) x width, row after row; of two classes: of the second one
  std::vector<double> intercepts;  ///< 1 or classes; of more than two only their differences matter
  /// (rows x classes). The width must be that of the training rows (Bug).
  std::vector<double> probabilities(const SparseRows& rows) const;
};

/// By Newton's method with conjugate gradients and line search (Nocedal and Wright 2006, algorithm 7.1), in double, until the gradient's
/// length is below 1e-8 or rounding ends its descent. `labels` are from 0 to classes - 1, at least two, each of which occurs (Bug). Error(kNumerical)
/// "logistic.not_converged".
LogisticRegression fit_logistic(const SparseRows& rows, std::span<const int32_t> labels, int64_t classes, double c = 1.0);

}  // namespace attune
