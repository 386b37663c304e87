// What one task or another wants to know of how rows are cut, labelled and answered. Unset values are the task's own defaults, so a
// model remembers only what was said; names are those of Hugging Face's example scripts.
#pragma once

#include <optional>
#include <string>

#include "base/json.h"
#include "config/field.h"

namespace attune {

struct TaskOptions {
  // Question answering
  std::optional<int64_t> doc_stride;               ///< tokens shared by neighbouring windows of a context; 128
  std::optional<int64_t> n_best_size;              ///< candidates kept for a question; 20
  std::optional<int64_t> max_answer_length;        ///< tokens; 30
  std::optional<bool> version_2_with_negative;     ///< some questions have no answer; unset: as the training rows
  std::optional<double> null_score_diff_threshold; ///< no answer where its score is above the best answer's by more; 0
  // Token classification
  std::optional<bool> label_all_tokens;            ///< every piece of a word learns its tag, not only the first; false
  std::string aggregation_strategy;                ///< none, simple, first, average, max; "": simple
  std::optional<bool> strict;                      ///< seqeval's strict mode; false
  // Language models
  std::optional<int64_t> window_stride;            ///< tokens a window moves on when a text is longer than the model; unset: the window
  std::optional<bool> completion_only_loss;        ///< of prompt/completion and messages; true
  std::optional<double> mlm_probability;           ///< share of tokens that are masked; 0.15
  std::string chat_template;                       ///< chatml, smollm2, llama3; "": as the folder says
  // Sentence vectors
  std::string pooling;                             ///< mean, cls, max; "": mean
  std::optional<bool> normalize;                   ///< to length 1; true

  void fields(FieldList& f);
};

/// What `given` says replaces what `into` says.
void apply(const TaskOptions& given, TaskOptions& into);
/// The values that are set.
Json to_json(const TaskOptions& options);
/// Error(kInput) "side_file.options": an unknown name or value.
TaskOptions task_options_of(const Json& object, const std::string& where);

}  // namespace attune
