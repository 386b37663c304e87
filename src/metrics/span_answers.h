// From start and end scores of tokens to answers: the n-best search of Hugging Face's run_qa (formats: section 10.2), one question at a
// time with all of its windows. Training, evaluation and prediction use this one.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/code_points.h"

namespace attune {

/// One window of a question: a token's scores and where it stands in the context.
struct AnswerWindow {
  std::span<const float> start, end;                     ///< a score of each token; token 0 stands for "no answer"
  std::span<const std::pair<int32_t, int32_t>> offsets;  ///< [begin, end) in code points of the context; begin -1: not a context token
};

struct AnswerOptions {
  int64_t n_best_size = 20;
  int64_t max_answer_length = 30;  ///< tokens
  bool may_have_none = false;      ///< version_2_with_negative
  double null_score_diff_threshold = 0;
};

struct AnswerCandidate {
  std::string text;
  int64_t begin = 0, end = 0;  ///< in code points of the context; 0 and 0 for "no answer"
  float start_logit = 0, end_logit = 0, score = 0;
  double probability = 0;  ///< softmax over the candidates kept
  bool none = false;       ///< stands for "no answer"
};

struct SpanAnswer {
  std::string text;  ///< "": no answer
  int64_t begin = 0, end = 0;
  double probability = 0;                   ///< of the candidate chosen
  double null_odds = 0;                     ///< score of "no answer" less that of the best answer; 0 unless may_have_none
  std::vector<AnswerCandidate> candidates;  ///< best first, as nbest_predictions.json lists them
};

/// Equal scores keep the order of tokens. Where no candidate has text, one called "empty" with score 0 is put first, as the original does.
SpanAnswer best_answer(const CodePoints& context, std::span<const AnswerWindow> windows, const AnswerOptions& options);

/// Windows whose best start, best end, or both are the labelled token: not the official exact match, which compares texts.
struct PositionScores {
  int64_t windows = 0, start = 0, end = 0, both = 0;
  void add(std::span<const float> start_logits, std::span<const float> end_logits, int32_t gold_start, int32_t gold_end);
  PositionScores& operator+=(const PositionScores& other);
};

}  // namespace attune
