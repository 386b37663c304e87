// The `data` section: which files, which columns, how rows become examples.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/field.h"
#include "data/labels.h"
#include "data/reader.h"
#include "data/task_options.h"
#include "text/tokenizer.h"

namespace attune {

enum class SideChoice { kTokenizer, kLeft, kRight };

struct DataConfig {
  std::string train, validation, test;                            ///< files; "" = none
  std::string retain_eval;                                        ///< general text: what a language model must not forget
  DataFormat format = DataFormat::kAuto;                          ///< by name and content
  std::string text_column, pair_column, label_column, id_column;  ///< "" = found by their usual names
  std::string group_by;                                           ///< column that evaluate breaks figures down by; "" = none
  std::optional<bool> header;                                     ///< first line of CSV/TSV holds names; unset: found out
  std::string label_separator;      ///< splits a text cell into several labels; "" = not multi-label in CSV/TSV
  std::vector<std::string> labels;  ///< label names in the order of their ids; empty: the model's, else from the data
  OnBadRows on_bad_rows = OnBadRows::kStop;
  TaskOptions options;

  std::optional<int64_t> max_length;  ///< tokens with special tokens; unset: the model's limit
  SideChoice truncation_side = SideChoice::kTokenizer;
  TruncationStrategy truncation = TruncationStrategy::kLongestFirst;

  bool shuffle = true;                                                           ///< of training rows, anew each epoch
  std::optional<int64_t> max_train_samples, max_eval_samples, max_test_samples;  ///< seeded subset; unset: all
  double validation_split = 0.0;     ///< share of train held out where no validation file is given
  double test_split = 0.0;           ///< share of train held out where no test file is given
  int64_t folds = 0;                 ///< k of k-fold cross-validation: `fold` of them is the test, the others train; 0: none
  int64_t fold = 0;                  ///< 1 to folds; 0: all in turn
  bool stratify = false;             ///< subset, split and folds keep the class shares
  std::optional<int64_t> data_seed;  ///< of subset, split and order; unset: training.seed
  std::optional<int64_t> split_seed;  ///< of subset and split alone: runs of several seeds then have the same rows; unset: as data_seed

  void fields(FieldList& f);
  /// The part that says how any one file is read and encoded: format, columns, lengths. Commands that take a file list this part only.
  void reading_fields(FieldList& f);

  ReadOptions read_options(LabelUse use, RowKind kind = RowKind::kText) const;
  /// Of training rows; `model_names`: id2label of the model, empty when it has none.
  LabelOptions label_options(std::vector<std::string> model_names) const;
};

}  // namespace attune
