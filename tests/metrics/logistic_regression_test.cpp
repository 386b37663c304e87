// The optimum is where the gradient vanishes, whatever solver found it. Golden numbers: tests/app/baselines_test.cpp.
#include "metrics/logistic_regression.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"

namespace attune {
namespace {

SparseRows random_rows(size_t n, int64_t width, uint64_t seed) {
  SparseRows rows;
  rows.width = width;
  Random random(seed);
  for (size_t i = 0; i < n; ++i) {
    for (int32_t j = 0; j < width; ++j)
      if (random.uniform() < 0.3) {
        rows.columns.push_back(j);
        rows.values.push_back(random.normal());
      }
    rows.end_row();
  }
  return rows;
}

TEST(LogisticRegression, GradientVanishesAtTheOptimum) {
  for (const int64_t classes : {2, 3, 5})
    for (const double c : {0.01, 1.0, 1e4}) {
      const SparseRows rows = random_rows(60, 12, 5);
      std::vector<int32_t> labels;
      for (size_t i = 0; i < rows.size(); ++i) labels.push_back(static_cast<int32_t>((i * i + i / 7) % static_cast<size_t>(classes)));
      for (int32_t k = 0; k < classes; ++k) labels[static_cast<size_t>(k)] = k;
      const LogisticRegression m = fit_logistic(rows, labels, classes, c);
      const std::vector<double> p = m.probabilities(rows);
      const size_t outputs = m.intercepts.size(), width = 12;
      for (size_t k = 0; k < outputs; ++k) {
        const size_t of = outputs == 1 ? 1 : k;
        std::vector<double> g(width);
        double intercept = 0;
        for (size_t i = 0; i < rows.size(); ++i) {
          const double d = p[i * static_cast<size_t>(classes) + of] - (labels[i] == static_cast<int32_t>(of));
          intercept += c * d;
          for (size_t j = rows.starts[i]; j < rows.starts[i + 1]; ++j) g[static_cast<size_t>(rows.columns[j])] += c * d * rows.values[j];
        }
        EXPECT_NEAR(intercept, 0, 1e-5);
        for (size_t j = 0; j < width; ++j) EXPECT_NEAR(g[j] + m.weights[k * width + j], 0, 1e-5) << classes << " classes, C " << c;
      }
    }
}

TEST(LogisticRegression, WithoutFeaturesTheSharesOfTheClasses) {
  SparseRows rows;
  for (int i = 0; i < 8; ++i) rows.end_row();
  const std::vector<int32_t> labels = {0, 1, 1, 1, 0, 1, 1, 1};
  EXPECT_NEAR(fit_logistic(rows, labels, 2).probabilities(rows)[1], 0.75, 1e-9);
}

}  // namespace
}  // namespace attune
