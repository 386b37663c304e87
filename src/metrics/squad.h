// Scores of extracted answers, equal to the official SQuAD 2.0 script (Rajpurkar et al., 2018) field for field.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace attune {

/// Lower case, no ASCII punctuation, no articles (a, an, the), single spaces: as the script does it in Python, Unicode included.
std::string normalize_answer(std::string_view text);

/// 1 or 0: equal when normalised.
double answer_exact(std::string_view gold, std::string_view predicted);
/// Over the words as multisets; where a side has no word, 1 when both have none, else 0.
double answer_f1(std::string_view gold, std::string_view predicted);

struct AnsweredQuestion {
  std::vector<std::string> gold;  ///< texts of all gold answers; none: the question has no answer
  std::string predicted;          ///< "": no answer
  double no_answer_score = 0;     ///< larger: more likely without an answer (null_odds.json); read for best_* and with a threshold
};

/// All that figures need of a question.
struct AnswerScores {
  double exact = 0, f1 = 0;  ///< the best of the gold answers whose normalised text is not empty ("" where there is none), not in percent
  double no_answer_score = 0;
  bool answerable = false;  ///< there is a gold answer
  bool answered = false;    ///< the prediction is not ""
};
AnswerScores answer_scores(const AnsweredQuestion& question);

struct SquadOptions {
  /// The script's --na-prob-thresh: a question whose score is above counts as answered with "". Unset: predictions stand as they are.
  std::optional<double> no_answer_threshold;
  bool best = false;  ///< best_exact, best_f1 and their thresholds, over the no-answer scores
};

/// In percent: exact, f1, total; HasAns_* and NoAns_* where there are such questions; with options.best also best_exact,
/// best_exact_thresh, best_f1, best_f1_thresh.
Json squad_json(std::span<const AnswerScores> questions, const SquadOptions& options = {});

}  // namespace attune
