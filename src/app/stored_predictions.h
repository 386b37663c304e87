// Predictions a run or another program left: read back, joined with gold, and measured without a model.
//
// A predictions file is JSON Lines (also .gz), one object a row: id, gold, prediction, and where there are some scores, text, text_pair, group.
//   text classification   gold and prediction a label, scores {label: probability} in the order of ids; multi-label: lists of labels;
//                         regression: numbers, or lists of them
//   token classification  gold and prediction a tag for every word; tokens, windows, words_read, words_without_token, scheme
//   question answering    gold the list of all gold answers (none: no answer), prediction a text ("": no answer); null_odds, windows,
//                         start_right, end_right, span_right
// For question answering it may also be what the SQuAD script reads: {id: text}, with a file {id: number} of no-answer odds.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "data/data_config.h"
#include "metrics/span_answers.h"
#include "metrics/squad.h"
#include "metrics/tag_report.h"

namespace attune {

enum class StoredKind { kSingleLabel, kMultiLabel, kRegression, kTags, kAnswers };

/// All vectors a value a row unless said otherwise; those of other kinds stay empty.
struct StoredPredictions {
  std::string name;  ///< of the run, for tables: as it was given
  std::string file;
  StoredKind kind = StoredKind::kSingleLabel;
  std::vector<std::string> ids;
  std::vector<uint64_t> lines;          ///< 1-based, in `file`; 0 in a file of {id: text}
  std::vector<std::string> texts, pairs, groups;  ///< "" where the row has none

  std::vector<std::string> labels;  ///< kSingleLabel, kMultiLabel: names in the order of ids. kRegression: of the targets. kTags: all tags
  std::vector<int32_t> gold, predicted;             ///< kSingleLabel: ids of labels
  std::vector<uint8_t> gold_set, predicted_set;     ///< kMultiLabel: rows x labels
  std::vector<double> gold_values, predicted_values;  ///< kRegression: rows x targets
  std::vector<double> scores;  ///< kSingleLabel, kMultiLabel: rows x labels; empty where they cannot be used
  std::string no_scores;       ///< why scores are empty: "FILE:3: the score of 'good' is no number"

  std::vector<std::vector<std::string>> tokens, gold_tags, predicted_tags;  ///< kTags
  ReadWords read;                                ///< kTags: of the whole file
  std::optional<std::optional<TagScheme>> scheme;  ///< kTags: what the labels of the model said (scheme_of_labels)
  bool strict = false;                           ///< kTags: seqeval's strict mode

  std::vector<AnsweredQuestion> questions;  ///< kAnswers
  bool has_odds = false;                    ///< kAnswers: no_answer_score is known
  PositionScores positions;                 ///< kAnswers: of the whole file; no windows where the file does not say

  size_t rows() const { return ids.size(); }
  std::string place(size_t row) const;       ///< "FILE:3", or "FILE: id 'q1'" in a file of {id: text}
  bool comes_in_groups() const;              ///< some row belongs to a document or context
  std::vector<uint64_t> clusters() const;    ///< equal for the rows of one group; rows without one stand alone
};

const char* task_of(StoredKind kind);  ///< the name in the task registry

struct StoredOptions {
  std::string task = {};                 ///< "": as the run folder says, else by the content
  std::vector<std::string> labels = {};  ///< order of ids; empty: as scores list them, else the labels found, sorted
  std::string null_odds = {};            ///< a file {id: number}
  std::string gold_file = {};            ///< a data file whose labels are the gold; "": the gold stored
  DataConfig data = {};                  ///< how gold_file is read
};

/// `run`: a run folder (its predictions.jsonl, and the labels and options of its attune.json) or a predictions file. With a gold file rows are joined by
/// id, or by row number from 0 where it has no id column; every prediction needs one. Every row has gold afterwards.
/// Error(kInput): "predictions.empty", "predictions.duplicate_id", "predictions.no_gold", "predictions.label", "predictions.row" (a line that
/// is no such object), "predictions.task", "predictions.gold" (the stored gold is another than the file's), "predictions.ids" (no
/// gold for some predictions), and those of the readers. Each lists FILE:LINE of the first ten rows.
StoredPredictions read_stored_predictions(const std::string& run, const StoredOptions& options);

/// What `attune evaluate` says of a model on these rows (Task::metrics), and `loss`; null with its reason under `undefined` where the
/// file does not hold what a figure needs.
Json stored_metrics(const StoredPredictions& p);

}  // namespace attune
