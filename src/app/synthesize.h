// Labelled data made by rules (data/synthetic.h) as files that training reads, with what a simple baseline reaches on them.
#pragma once

#include <optional>

#include "base/json.h"
#include "config/field.h"

namespace attune {

struct SynthesizeOptions {
  std::string task;    ///< sentiment, ner, qa
  std::string output;  ///< .csv or .jsonl of sentiment, .conll of ner, .json (SQuAD) of qa
  int64_t rows = 3000;
  int64_t seed = 42;
  double label_noise = 0.0;
  std::optional<double> overlap;  ///< unset: 0.8, ner 0.5
  bool separable = false;         ///< overlap 0
  std::string length;             ///< words of a text, "12..40", or about their mean, "25"; "": by task
  double no_answer_share = 0.2;   ///< of qa
  bool overwrite = false;

  void fields(FieldList& f);
};

/// Writes the file. {task, output, rows, seed, overlap, label_noise, changed_labels, length [least, most], words_mean, baseline: {...}};
/// the baseline learns from four fifths of the rows (split seed 42) and is measured on the rest: of sentiment bow (app/baselines.h) beside
/// the majority rate, of ner the most frequent tag of each word, of qa (nothing to learn, all rows) the longest run of new words in the
/// sentence that shares most words with the question. Error(kUsage) "synthesize.*"; Error(kState) "synthesize.exists".
Json synthesize(const SynthesizeOptions& options);

}  // namespace attune
