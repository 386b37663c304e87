#include "metrics/multi_label.h"

#include <numeric>

#include "base/error.h"
#include "metrics/counts.h"

namespace attune {
namespace {

int64_t sum(const std::vector<int64_t>& v) { return std::accumulate(v.begin(), v.end(), int64_t{0}); }

}  // namespace

MultiLabelCounts count_multi_label(std::span<const uint8_t> gold, std::span<const uint8_t> predicted, int64_t classes) {
  require(classes > 0 && gold.size() == predicted.size() && gold.size() % static_cast<size_t>(classes) == 0, "rows of equal width");
  const auto width = static_cast<size_t>(classes);
  MultiLabelCounts m;
  m.hits.resize(width);
  m.predicted.resize(width);
  m.gold.resize(width);
  m.rows = static_cast<int64_t>(gold.size() / width);
  for (size_t begin = 0; begin < gold.size(); begin += width) {
    int64_t hits = 0, of_predicted = 0, of_gold = 0;
    for (size_t c = 0; c < width; ++c) {
      const bool g = gold[begin + c] != 0, p = predicted[begin + c] != 0;
      hits += g && p;
      of_predicted += p;
      of_gold += g;
      m.hits[c] += g && p;
      m.predicted[c] += p;
      m.gold[c] += g;
    }
    m.exact_rows += hits == of_predicted && hits == of_gold;
    m.sample_f1 += ratio(2 * hits, of_predicted + of_gold);
  }
  return m;
}

ClassScores class_scores(const MultiLabelCounts& m, int64_t c) {
  const auto i = static_cast<size_t>(c);
  return scores_of(m.hits[i], m.predicted[i], m.gold[i]);
}

ClassScores average_scores(const MultiLabelCounts& m, Average average) {
  if (average == Average::kMicro) return scores_of(sum(m.hits), sum(m.predicted), sum(m.gold));
  ClassScores out{.precision = 0, .recall = 0, .f1 = 0, .support = sum(m.gold)};
  double weights = 0;
  for (int64_t c = 0; c < m.classes(); ++c) {
    const ClassScores s = class_scores(m, c);
    const double weight = average == Average::kWeighted ? static_cast<double>(s.support) : 1.0;
    out.precision += weight * s.precision;
    out.recall += weight * s.recall;
    out.f1 += weight * s.f1;
    weights += weight;
  }
  if (weights > 0) {
    out.precision /= weights;
    out.recall /= weights;
    out.f1 /= weights;
  }
  return out;
}

double subset_accuracy(const MultiLabelCounts& m) { return ratio(m.exact_rows, m.rows); }

double hamming_loss(const MultiLabelCounts& m) {
  const int64_t wrong = sum(m.predicted) + sum(m.gold) - 2 * sum(m.hits);
  return ratio(wrong, m.rows * m.classes());
}

double f1_samples(const MultiLabelCounts& m) { return m.rows == 0 ? 0.0 : m.sample_f1 / static_cast<double>(m.rows); }

}  // namespace attune
