// trainer_state.json as the Trainer of transformers writes it (formats: section 9.6), and the rest of what a run must remember to go
// on bit for bit (rng.json): where it stands in the data, the optimizer's count, the open log window.
// Numbers that are not finite are never replaced: JSON has no word for them, so they are the texts "NaN", "Infinity", "-Infinity", and the
// log entry carries "non_finite": true.
#pragma once

#include <optional>
#include <string>

#include "base/json.h"

namespace attune {

/// A number as a log entry stores it, and back (NaN for anything that is no number).
Json log_number(double value);
double number_of(const Json& value);
/// Sets entry[key], and the entry's flag when the value is not finite.
void put_number(Json& entry, const std::string& key, double value);

struct TrainerState {
  int64_t global_step = 0;
  double epoch = 0;
  int64_t max_steps = 0, num_train_epochs = 0, train_batch_size = 0;
  int64_t logging_steps = 0, eval_steps = 0, save_steps = 0;
  int64_t num_input_tokens_seen = 0;  ///< real tokens
  double total_flos = 0;              ///< 6 * parameters without embeddings * tokens
  std::optional<double> best_metric;
  int64_t best_global_step = 0;       ///< 0: none
  std::string best_model_checkpoint;  ///< "checkpoint-N", "" when none is kept
  Json log_history = Json::array();

  // rng.json
  uint64_t seed = 0, data_seed = 0;
  int64_t epoch_index = 0;        ///< of the next micro-batch
  int64_t position = 0;           ///< micro-batches of that epoch already used; at the start of an accumulation group
  int64_t optimizer_updates = 0;  ///< steps without those that changed nothing
  int64_t examples_seen = 0;
  int64_t skipped_in_row = 0, skipped_steps = 0, empty_steps = 0;
  int64_t waited = 0;           ///< evaluations without improvement
  int64_t evaluated_step = -1;  ///< last step whose evaluation is done
  double window_loss = 0, total_loss = 0;
  int64_t window_steps = 0;
  bool stopped = false;         ///< early stopping has spoken
  bool complete = true;         ///< evaluation and saving after this step are done; false: stopped by a signal before them

  int64_t best_step_kept() const;  ///< N of best_model_checkpoint, 0: none

  Json to_json() const;
  Json random_json() const;
  /// Error(kInput) from the json readers, or "checkpoint.state" when the two disagree.
  static TrainerState read(const fs::path& checkpoint);
};

inline constexpr const char* kTrainerStateName = "trainer_state.json";
inline constexpr const char* kRandomStateName = "rng.json";

}  // namespace attune
