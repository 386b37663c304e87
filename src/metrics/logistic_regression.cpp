#include "metrics/logistic_regression.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"

namespace attune {
namespace {

using Vector = std::vector<double>;

double dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// Parameters of one output: its weights, then its intercept.
class Problem {
 public:
  Problem(const SparseRows& rows, std::span<const int32_t> labels, int64_t classes, double c)
      : rows_(rows), labels_(labels), outputs_(classes == 2 ? 1 : static_cast<size_t>(classes)), width_(static_cast<size_t>(rows.width)), c_(c) {}

  size_t parameters() const { return outputs_ * (width_ + 1); }

  double value(const Vector& at) const {
    double sum = 0;
    Vector z(outputs_);
    for (size_t i = 0; i < rows_.size(); ++i) {
      scores(at, i, z);
      sum += loss(z, labels_[i]);
    }
    double squares = 0;
    each_weight([&](size_t w) { squares += at[w] * at[w]; });
    return squares / 2 + c_ * sum;
  }

  /// Keeps the probabilities at `at` for curvature().
  Vector gradient(const Vector& at) {
    Vector g(parameters()), z(outputs_);
    each_weight([&](size_t w) { g[w] = at[w]; });
    probabilities_.resize(rows_.size() * outputs_);
    for (size_t i = 0; i < rows_.size(); ++i) {
      scores(at, i, z);
      probabilities(z);
      std::copy(z.begin(), z.end(), probabilities_.begin() + static_cast<std::ptrdiff_t>(i * outputs_));
      for (size_t k = 0; k < outputs_; ++k) z[k] = c_ * (z[k] - (outputs_ == 1 ? labels_[i] : labels_[i] == static_cast<int32_t>(k)));
      add(z, i, g);
    }
    return g;
  }

  /// The Hessian at the last gradient() times `v`.
  Vector curvature(const Vector& v) const {
    Vector h(parameters()), s(outputs_);
    each_weight([&](size_t w) { h[w] = v[w]; });
    for (size_t i = 0; i < rows_.size(); ++i) {
      const double* p = probabilities_.data() + i * outputs_;
      scores(v, i, s);
      double mean = 0;
      for (size_t k = 0; k < outputs_; ++k) mean += p[k] * s[k];
      for (size_t k = 0; k < outputs_; ++k) s[k] = c_ * p[k] * (s[k] - mean);
      add(s, i, h);
    }
    return h;
  }

  /// Scores become probabilities; of one output: that of the second class.
  static void probabilities(Vector& z) {
    if (z.size() == 1) {
      z[0] = z[0] >= 0 ? 1 / (1 + std::exp(-z[0])) : std::exp(z[0]) / (1 + std::exp(z[0]));
      return;
    }
    const double top = *std::max_element(z.begin(), z.end());
    double sum = 0;
    for (double& x : z) sum += x = std::exp(x - top);
    for (double& x : z) x /= sum;
  }

  void scores(const Vector& at, size_t row, Vector& z) const {
    for (size_t k = 0; k < outputs_; ++k) {
      const double* w = at.data() + k * (width_ + 1);
      double sum = w[width_];
      for (size_t j = rows_.starts[row]; j < rows_.starts[row + 1]; ++j) sum += w[rows_.columns[j]] * rows_.values[j];
      z[k] = sum;
    }
  }

 private:
  static double loss(const Vector& z, int32_t label) {
    if (z.size() == 1) {
      const double margin = label == 1 ? z[0] : -z[0];
      return margin > 0 ? std::log1p(std::exp(-margin)) : -margin + std::log1p(std::exp(margin));
    }
    const double top = *std::max_element(z.begin(), z.end());
    double sum = 0;
    for (const double x : z) sum += std::exp(x - top);
    return top + std::log(sum) - z[static_cast<size_t>(label)];
  }

  void add(const Vector& factors, size_t row, Vector& to) const {
    for (size_t k = 0; k < outputs_; ++k) {
      double* w = to.data() + k * (width_ + 1);
      for (size_t j = rows_.starts[row]; j < rows_.starts[row + 1]; ++j) w[rows_.columns[j]] += factors[k] * rows_.values[j];
      w[width_] += factors[k];
    }
  }

  template <typename Each>
  void each_weight(Each each) const {
    for (size_t k = 0; k < outputs_; ++k)
      for (size_t j = 0; j < width_; ++j) each(k * (width_ + 1) + j);
  }

  const SparseRows& rows_;
  std::span<const int32_t> labels_;
  size_t outputs_, width_;
  double c_;
  Vector probabilities_;
};

/// The step against the gradient, as exact as its length asks for.
Vector newton_step(const Problem& problem, const Vector& gradient) {
  constexpr int kMost = 2000;
  const double length = std::sqrt(dot(gradient, gradient)), enough = std::min(0.1, std::sqrt(length)) * length;
  Vector step(gradient.size()), residual(gradient.size());
  for (size_t i = 0; i < gradient.size(); ++i) residual[i] = -gradient[i];
  Vector direction = residual;
  double squares = dot(residual, residual);
  for (int i = 0; i < kMost && std::sqrt(squares) > enough; ++i) {
    const Vector h = problem.curvature(direction);
    const double bend = dot(direction, h);
    if (bend <= 0) break;  // rounding only: the function is convex
    const double size = squares / bend;
    for (size_t j = 0; j < step.size(); ++j) {
      step[j] += size * direction[j];
      residual[j] -= size * h[j];
    }
    const double before = squares;
    squares = dot(residual, residual);
    for (size_t j = 0; j < step.size(); ++j) direction[j] = residual[j] + squares / before * direction[j];
  }
  return step;
}

}  // namespace

std::vector<double> LogisticRegression::probabilities(const SparseRows& rows) const {
  const size_t outputs = intercepts.size(), width = outputs > 0 ? weights.size() / outputs : 0;
  require(width == static_cast<size_t>(rows.width), "logistic regression: rows of another width");
  Vector all;
  all.reserve(rows.size() * static_cast<size_t>(classes));
  Vector z(outputs);
  for (size_t i = 0; i < rows.size(); ++i) {
    for (size_t k = 0; k < outputs; ++k) {
      z[k] = intercepts[k];
      for (size_t j = rows.starts[i]; j < rows.starts[i + 1]; ++j) z[k] += weights[k * width + static_cast<size_t>(rows.columns[j])] * rows.values[j];
    }
    Problem::probabilities(z);
    if (outputs == 1) all.push_back(1 - z[0]);
    all.insert(all.end(), z.begin(), z.end());
  }
  return all;
}

LogisticRegression fit_logistic(const SparseRows& rows, std::span<const int32_t> labels, int64_t classes, double c) {
  require(rows.size() == labels.size() && classes >= 2, "logistic regression: rows and labels");
  require(static_cast<int64_t>(std::set<int32_t>(labels.begin(), labels.end()).size()) == classes, "logistic regression: every class occurs");
  constexpr double kSmall = 1e-8;
  constexpr int kMost = 200;
  Problem problem(rows, labels, classes, c);
  Vector at(problem.parameters());
  double value = problem.value(at), length = 0;
  int steps = 0;
  for (; steps < kMost; ++steps) {
    const Vector gradient = problem.gradient(at);
    length = std::sqrt(dot(gradient, gradient));
    if (length <= kSmall) break;
    const Vector step = newton_step(problem, gradient);
    const double slope = dot(gradient, step);
    bool moved = false;
    for (double size = 1; size > 1e-10 && !moved; size /= 2) {
      Vector next = at;
      for (size_t i = 0; i < next.size(); ++i) next[i] += size * step[i];
      const double there = problem.value(next);
      // Near the end a whole step changes the value by less than it is exact to.
      if (there <= value + 1e-4 * size * slope || (size == 1 && std::abs(slope) < 1e-10 * std::max(1.0, value))) {
        at = std::move(next);
        value = there;
        moved = true;
      }
    }
    if (!moved) break;
  }
  if (!(length <= 1e-5))
    fail(ErrorCode::kNumerical, {.id = "logistic.not_converged", .where = "logistic regression", .what = "did not reach its optimum", .got = "gradient " + std::to_string(length)});
  LogisticRegression model;
  model.classes = classes;
  const auto width = static_cast<std::ptrdiff_t>(rows.width);
  for (auto w = at.begin(); w != at.end(); w += width + 1) {
    model.weights.insert(model.weights.end(), w, w + width);
    model.intercepts.push_back(w[width]);
  }
  return model;
}

}  // namespace attune
