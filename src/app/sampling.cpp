#include "app/sampling.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <unordered_set>

namespace attune {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

/// Softmax in F32, as PyTorch's on these scores.
std::vector<float> probabilities(std::span<const float> scores) {
  const float top = *std::max_element(scores.begin(), scores.end());
  std::vector<float> p(scores.size());
  double sum = 0;
  for (size_t i = 0; i < p.size(); ++i) sum += static_cast<double>(p[i] = std::exp(scores[i] - top));
  for (float& x : p) x = static_cast<float>(static_cast<double>(x) / sum);
  return p;
}

void keep_top_k(int64_t k, std::span<float> scores) {
  if (k <= 0 || k >= static_cast<int64_t>(scores.size())) return;
  std::vector<float> sorted(scores.begin(), scores.end());
  std::nth_element(sorted.begin(), sorted.begin() + (k - 1), sorted.end(), std::greater<>());
  const float least = sorted[static_cast<size_t>(k - 1)];
  for (float& s : scores)
    if (s < least) s = kNever;
}

/// Ascending order of the scores, equal ones by id: the running sum of probabilities up to 1 - p is dropped, the best token never.
void keep_top_p(double p, std::span<float> scores) {
  if (p >= 1.0) return;
  const std::vector<float> probability = probabilities(scores);
  std::vector<int32_t> order;
  for (size_t i = 0; i < scores.size(); ++i)
    if (scores[i] != kNever) order.push_back(static_cast<int32_t>(i));
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return scores[static_cast<size_t>(a)] < scores[static_cast<size_t>(b)]; });
  float sum = 0;
  const auto most = static_cast<float>(1.0 - p);
  for (size_t i = 0; i + 1 < order.size(); ++i) {
    const auto id = static_cast<size_t>(order[i]);
    sum += probability[id];
    if (sum > most) break;
    scores[id] = kNever;
  }
}

void keep_min_p(double m, std::span<float> scores) {
  if (m <= 0.0) return;
  const std::vector<float> probability = probabilities(scores);
  const size_t best = static_cast<size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
  const float least = static_cast<float>(m) * probability[best];
  for (size_t i = 0; i < scores.size(); ++i)
    if (probability[i] < least && i != best) scores[i] = kNever;
}

}  // namespace

void process_scores(const SamplingSettings& s, std::span<const int32_t> text, int64_t generated, std::span<const int32_t> ends, std::span<float> scores) {
  if (s.repetition_penalty != 1.0) {
    const auto penalty = static_cast<float>(s.repetition_penalty);
    const std::unordered_set<int32_t> seen(text.begin(), text.end());
    for (const int32_t id : seen) {
      float& score = scores[static_cast<size_t>(id)];
      score = score < 0 ? score * penalty : score / penalty;
    }
  }
  const auto n = static_cast<size_t>(s.no_repeat_ngram_size);
  if (n > 0 && text.size() >= n) {
    const std::span<const int32_t> last = text.subspan(text.size() - (n - 1));
    for (size_t i = 0; i + n <= text.size(); ++i)
      if (std::equal(last.begin(), last.end(), text.begin() + static_cast<std::ptrdiff_t>(i))) scores[static_cast<size_t>(text[i + n - 1])] = kNever;
  }
  if (generated < s.min_new_tokens)
    for (const int32_t id : ends) scores[static_cast<size_t>(id)] = kNever;
}

void filter_scores(const SamplingSettings& s, std::span<float> scores) {
  if (s.temperature != 1.0)
    for (float& x : scores) x /= static_cast<float>(s.temperature);
  keep_top_k(s.top_k, scores);
  keep_top_p(s.top_p, scores);
  keep_min_p(s.min_p, scores);
}

int32_t choose_token(const SamplingSettings& s, std::span<float> scores, Random& random) {
  const auto best = static_cast<int32_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
  if (!s.do_sample) return best;
  filter_scores(s, scores);
  const std::vector<float> p = probabilities(scores);
  const double total = std::accumulate(p.begin(), p.end(), 0.0), at = random.uniform() * total;
  double sum = 0;
  for (size_t i = 0; i < p.size(); ++i) {
    sum += static_cast<double>(p[i]);
    if (p[i] > 0 && at < sum) return static_cast<int32_t>(i);
  }
  return best;
}

}  // namespace attune
