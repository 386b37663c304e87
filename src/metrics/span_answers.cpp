#include "metrics/span_answers.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "base/error.h"
#include "metrics/classification.h"

namespace attune {
namespace {

/// Positions of the largest values, largest first.
std::vector<size_t> largest(std::span<const float> values, int64_t count) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const size_t kept = std::min(values.size(), static_cast<size_t>(count));
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(kept), order.end(),
                    [&](size_t a, size_t b) { return values[a] != values[b] ? values[a] > values[b] : a < b; });
  order.resize(kept);
  return order;
}

void add_candidates(const AnswerWindow& w, const AnswerOptions& options, std::vector<AnswerCandidate>& out) {
  const std::vector<size_t> ends = largest(w.end, options.n_best_size);
  for (size_t s : largest(w.start, options.n_best_size)) {
    for (size_t e : ends) {
      if (w.offsets[s].first < 0 || w.offsets[e].first < 0) continue;
      if (e < s || static_cast<int64_t>(e - s) + 1 > options.max_answer_length) continue;
      AnswerCandidate c;
      c.begin = w.offsets[s].first;
      c.end = w.offsets[e].second;
      c.start_logit = w.start[s];
      c.end_logit = w.end[e];
      c.score = c.start_logit + c.end_logit;
      out.push_back(std::move(c));
    }
  }
}

/// "No answer" is as likely as its least likely window says.
AnswerCandidate no_answer(std::span<const AnswerWindow> windows) {
  std::optional<AnswerCandidate> least;
  for (const AnswerWindow& w : windows) {
    AnswerCandidate c;
    c.none = true;
    c.start_logit = w.start[0];
    c.end_logit = w.end[0];
    c.score = c.start_logit + c.end_logit;
    if (!least || least->score > c.score) least = c;
  }
  return *least;
}

void set_probabilities(std::vector<AnswerCandidate>& candidates) {
  double top = -HUGE_VAL, sum = 0;
  for (const AnswerCandidate& c : candidates) top = std::max(top, static_cast<double>(c.score));
  for (AnswerCandidate& c : candidates) sum += c.probability = std::exp(static_cast<double>(c.score) - top);
  for (AnswerCandidate& c : candidates) c.probability /= sum;
}

}  // namespace

SpanAnswer best_answer(const CodePoints& context, std::span<const AnswerWindow> windows, const AnswerOptions& options) {
  require(!windows.empty(), "a window for the question");
  std::vector<AnswerCandidate> all;
  for (const AnswerWindow& w : windows) {
    require(!w.start.empty() && w.start.size() == w.end.size() && w.start.size() == w.offsets.size(), "scores and offsets of every token");
    add_candidates(w, options, all);
  }
  const AnswerCandidate none = no_answer(windows);
  if (options.may_have_none) all.push_back(none);
  std::stable_sort(all.begin(), all.end(), [](const AnswerCandidate& a, const AnswerCandidate& b) { return a.score > b.score; });
  if (all.size() > static_cast<size_t>(options.n_best_size)) all.resize(static_cast<size_t>(options.n_best_size));
  if (options.may_have_none && std::none_of(all.begin(), all.end(), [](const AnswerCandidate& c) { return c.none; })) all.push_back(none);

  for (AnswerCandidate& c : all)
    if (!c.none) c.text = context.slice(c.begin, c.end);
  const auto has_text = [](const AnswerCandidate& c) { return !c.text.empty(); };
  if (std::none_of(all.begin(), all.end(), has_text)) {
    AnswerCandidate empty;
    empty.text = "empty";
    all.insert(all.begin(), empty);
  }
  set_probabilities(all);

  const AnswerCandidate* chosen = &all.front();
  SpanAnswer answer;
  if (options.may_have_none) {
    chosen = &*std::find_if(all.begin(), all.end(), has_text);
    answer.null_odds = static_cast<double>(none.score - chosen->start_logit - chosen->end_logit);
    if (answer.null_odds > options.null_score_diff_threshold)
      chosen = &*std::find_if(all.begin(), all.end(), [](const AnswerCandidate& c) { return c.none; });
  }
  answer.text = chosen->text;
  answer.begin = chosen->begin;
  answer.end = chosen->end;
  answer.probability = chosen->probability;
  answer.candidates = std::move(all);
  return answer;
}

void PositionScores::add(std::span<const float> start_logits, std::span<const float> end_logits, int32_t gold_start, int32_t gold_end) {
  const bool s = argmax(start_logits) == gold_start, e = argmax(end_logits) == gold_end;
  ++windows;
  start += s;
  end += e;
  both += s && e;
}

PositionScores& PositionScores::operator+=(const PositionScores& other) {
  windows += other.windows;
  start += other.start;
  end += other.end;
  both += other.both;
  return *this;
}

}  // namespace attune
