#include "metrics/classification.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "metrics/counts.h"

namespace attune {
int64_t ConfusionMatrix::total() const {
  int64_t n = 0;
  for (int64_t count : counts_) n += count;
  return n;
}

int64_t ConfusionMatrix::correct() const {
  int64_t n = 0;
  for (int64_t c = 0; c < classes_; ++c) n += at(c, c);
  return n;
}

int64_t ConfusionMatrix::gold_count(int64_t c) const {
  int64_t n = 0;
  for (int64_t p = 0; p < classes_; ++p) n += at(c, p);
  return n;
}

int64_t ConfusionMatrix::predicted_count(int64_t c) const {
  int64_t n = 0;
  for (int64_t g = 0; g < classes_; ++g) n += at(g, c);
  return n;
}

double ConfusionMatrix::share(int64_t gold, int64_t predicted) const { return ratio(at(gold, predicted), gold_count(gold)); }

ConfusionMatrix confusion_matrix(std::span<const int32_t> gold, std::span<const int32_t> predicted, int64_t classes) {
  require(gold.size() == predicted.size(), "a prediction for every gold label");
  ConfusionMatrix m(classes);
  for (size_t i = 0; i < gold.size(); ++i) {
    require(gold[i] >= 0 && gold[i] < classes && predicted[i] >= 0 && predicted[i] < classes, "class ids within the matrix");
    m.add(gold[i], predicted[i]);
  }
  return m;
}

ClassScores class_scores(const ConfusionMatrix& m, int64_t c) { return scores_of(m.at(c, c), m.predicted_count(c), m.gold_count(c)); }

ClassScores average_scores(const ConfusionMatrix& m, Average average) {
  const int64_t total = m.total();
  if (average == Average::kMicro) return scores_of(m.correct(), total, total);
  ClassScores sum{.precision = 0, .recall = 0, .f1 = 0, .support = total};
  double weights = 0;
  for (int64_t c = 0; c < m.classes(); ++c) {
    const ClassScores s = class_scores(m, c);
    if (average == Average::kMacro && s.support == 0 && m.predicted_count(c) == 0) continue;
    const double weight = average == Average::kWeighted ? static_cast<double>(s.support) : 1.0;
    sum.precision += weight * s.precision;
    sum.recall += weight * s.recall;
    sum.f1 += weight * s.f1;
    weights += weight;
  }
  if (weights > 0) {
    sum.precision /= weights;
    sum.recall /= weights;
    sum.f1 /= weights;
  }
  return sum;
}

double accuracy(const ConfusionMatrix& m) { return ratio(m.correct(), m.total()); }

int64_t majority_class(const ConfusionMatrix& m) {
  int64_t best = -1, most = 0;
  for (int64_t c = 0; c < m.classes(); ++c) {
    if (const int64_t n = m.gold_count(c); n > most) {
      most = n;
      best = c;
    }
  }
  return best;
}

double majority_rate(const ConfusionMatrix& m) {
  const int64_t c = majority_class(m);
  return c < 0 ? 0.0 : ratio(m.gold_count(c), m.total());
}

double matthews(const ConfusionMatrix& m) {
  const auto n = static_cast<double>(m.total());
  double gold_predicted = 0, gold_gold = 0, predicted_predicted = 0;
  for (int64_t c = 0; c < m.classes(); ++c) {
    const auto g = static_cast<double>(m.gold_count(c)), p = static_cast<double>(m.predicted_count(c));
    gold_predicted += g * p;
    gold_gold += g * g;
    predicted_predicted += p * p;
  }
  const double covariance = static_cast<double>(m.correct()) * n - gold_predicted;
  const double product = (n * n - gold_gold) * (n * n - predicted_predicted);
  return product == 0 ? 0.0 : covariance / std::sqrt(product);
}

double cohen_kappa(const ConfusionMatrix& m) {
  const auto n = static_cast<double>(m.total());
  double expected = 0;
  for (int64_t c = 0; c < m.classes(); ++c) expected += static_cast<double>(m.gold_count(c)) * static_cast<double>(m.predicted_count(c));
  const double disagreement = n * n - expected;
  if (disagreement == 0) return std::numeric_limits<double>::quiet_NaN();
  return 1.0 - n * static_cast<double>(m.total() - m.correct()) / disagreement;
}

double balanced_accuracy(const ConfusionMatrix& m) {
  double sum = 0;
  int64_t classes = 0;
  for (int64_t c = 0; c < m.classes(); ++c) {
    const ClassScores s = class_scores(m, c);
    if (s.support == 0) continue;
    sum += s.recall;
    ++classes;
  }
  return classes == 0 ? 0.0 : sum / static_cast<double>(classes);
}

std::vector<double> softmax(std::span<const float> z) {
  std::vector<double> p(z.begin(), z.end());
  const double top = *std::max_element(p.begin(), p.end());
  double sum = 0;
  for (double& x : p) sum += x = std::exp(x - top);
  for (double& x : p) x /= sum;
  return p;
}

int32_t argmax(std::span<const float> values) {
  size_t best = 0;
  for (size_t i = 1; i < values.size(); ++i) {
    if (values[i] > values[best] || (std::isnan(values[best]) && !std::isnan(values[i]))) best = i;
  }
  return static_cast<int32_t>(best);
}

}  // namespace attune
