// The `training` section. Names and, where not said otherwise, defaults are those of transformers' TrainingArguments.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "config/field.h"
#include "metrics/thresholds.h"

namespace attune {

enum class Schedule { kLinear, kCosine, kCosineWithRestarts, kConstant, kConstantWithWarmup, kPolynomial, kInverseSqrt, kCosineWithMinLr };
enum class Interval { kNo, kSteps, kEpoch, kBest };  // kBest: saving only
enum class Sampling { kRandom, kGroupByLength, kSequential, kWeighted };
enum class OnNan { kStop, kSkip };

struct TrainingConfig {
  double num_train_epochs = 3.0;
  int64_t max_steps = -1;  ///< above 0: overrides num_train_epochs
  int64_t per_device_train_batch_size = 8;
  int64_t per_device_eval_batch_size = 32;  ///< HF: 8; results do not depend on it
  int64_t gradient_accumulation_steps = 1;
  bool activation_checkpointing = false;  ///< HF: gradient_checkpointing; the same bits in less memory; a third (full) to a half (adapters) slower
  bool frozen_prefix_cache = false;       ///< no HF name; what frozen lower layers make of a row is kept and taken from the second epoch on
  bool dataloader_drop_last = false;
  Sampling train_sampling_strategy = Sampling::kRandom;

  double learning_rate = 5e-5;
  Schedule lr_scheduler_type = Schedule::kLinear;
  std::map<std::string, double> lr_scheduler_kwargs;  ///< num_cycles, power, lr_end, timescale, min_lr, min_lr_rate
  double warmup_steps = 0;                            ///< below 1: a share of all steps
  double warmup_ratio = 0;                            ///< used where warmup_steps is 0; ceil(ratio * steps)
  double weight_decay = 0;
  double adam_beta1 = 0.9, adam_beta2 = 0.999, adam_epsilon = 1e-8;
  double max_grad_norm = 1.0;  ///< 0: no clipping
  double label_smoothing_factor = 0;
  WordOrNumbers class_weights{"none", {}};  ///< none, balanced, or a number by label
  double focal_gamma = 0;                   ///< no HF name; above 0: focal loss (Lin et al. 2017)
  bool temperature_scaling = false;                          ///< no HF name; fitted on the validation rows after training
  ThresholdMetric tune_threshold = ThresholdMetric::kNone;  ///< no HF name; likewise
  bool fp16 = false, bf16 = false;          ///< accepted; a CPU without fast half types computes in f32 and says so

  bool logging_first_step = true;             ///< HF: false
  double logging_steps = 10;                  ///< HF: 500; below 1: a share of all steps
  Interval eval_strategy = Interval::kEpoch;  ///< HF: no; nothing happens without validation rows
  double eval_steps = 0;                      ///< 0: as logging_steps
  bool eval_on_start = false;
  Interval save_strategy = Interval::kEpoch;    ///< HF: steps
  double save_steps = 500;                      ///< below 1: a share of all steps
  std::optional<int64_t> save_total_limit = 2;  ///< HF: unset (all are kept); the best one and the newest always stay
  bool load_best_model_at_end = false;
  std::string metric_for_best_model;      ///< "": loss; with or without eval_
  std::optional<bool> greater_is_better;  ///< unset: by the metric's name
  int64_t early_stopping_patience = 0;    ///< evaluations without improvement; 0: off
  double early_stopping_threshold = 0;
  int64_t overfitting_patience = 2;       ///< no HF name; rising evaluations before overfitting is named; 0: never

  int64_t seed = 42;
  OnNan on_nan = OnNan::kStop;
  int64_t max_skipped_steps = 3;  ///< in a row, with on_nan: skip

  void fields(FieldList& f);
};

}  // namespace attune
