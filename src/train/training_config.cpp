#include "train/training_config.h"

namespace attune {

void TrainingConfig::fields(FieldList& f) {
  f.add("num_train_epochs", num_train_epochs,
        {.help = "passes over the training rows; may be a fraction",
         .aliases = {"epochs", "num_epochs"},
         .least = 0,
         .most = 1e6,
         .above = true});
  f.add("max_steps", max_steps, {.help = "optimizer steps; above 0 this decides, not the epochs", .least = -1});
  f.add("per_device_train_batch_size", per_device_train_batch_size,
        {.help = "rows a micro-batch", .aliases = {"batch_size", "bs", "train_batch_size"}, .least = 1, .most = 65536});
  f.add("per_device_eval_batch_size", per_device_eval_batch_size,
        {.help = "rows at once when evaluating", .aliases = {"eval_batch_size"}, .least = 1, .most = 65536});
  f.add("gradient_accumulation_steps", gradient_accumulation_steps,
        {.help = "micro-batches an optimizer step; the same numbers as one large batch",
         .aliases = {"grad_accum", "gradient_accumulation"},
         .least = 1,
         .most = 65536});
  f.add("activation_checkpointing", activation_checkpointing,
        {.help = "keep only each layer's input and compute the layer again in backward: less memory, the same numbers, slower",
         .aliases = {"gradient_checkpointing"}});
  f.add("frozen_prefix_cache", frozen_prefix_cache,
        {.help = "keep what the frozen layers below the lowest trained one make of each row and skip them from its second epoch on; takes memory, needs "
                 "dropout 0 there"});
  f.add("dataloader_drop_last", dataloader_drop_last, {.help = "leave out the last incomplete batch of an epoch"});
  f.add_enum("train_sampling_strategy", train_sampling_strategy,
             {{"random", Sampling::kRandom},
              {"group_by_length", Sampling::kGroupByLength},
              {"sequential", Sampling::kSequential},
              {"weighted", Sampling::kWeighted}},
             {.help = "order of the training rows; weighted: drawn with replacement, every class as often"});
  f.add("learning_rate", learning_rate, {.help = "highest learning rate", .aliases = {"lr"}, .least = 0, .most = 1e3});
  f.add_enum("lr_scheduler_type", lr_scheduler_type,
             {{"linear", Schedule::kLinear},
              {"cosine", Schedule::kCosine},
              {"cosine_with_restarts", Schedule::kCosineWithRestarts},
              {"constant", Schedule::kConstant},
              {"constant_with_warmup", Schedule::kConstantWithWarmup},
              {"polynomial", Schedule::kPolynomial},
              {"inverse_sqrt", Schedule::kInverseSqrt},
              {"cosine_with_min_lr", Schedule::kCosineWithMinLr}},
             {.help = "how the learning rate falls", .aliases = {"lr_scheduler", "scheduler"}});
  f.add("lr_scheduler_kwargs", lr_scheduler_kwargs, {.help = "num_cycles, power, lr_end, timescale, min_lr or min_lr_rate of the schedule"});
  f.add("warmup_steps", warmup_steps, {.help = "steps over which the learning rate rises; below 1: a share of all steps", .least = 0});
  f.add("warmup_ratio", warmup_ratio, {.help = "the same as a share of all steps", .least = 0, .most = 1});
  f.add("weight_decay", weight_decay, {.help = "AdamW's; never on biases and norms", .least = 0, .most = 1e3});
  f.add("adam_beta1", adam_beta1, {.help = "AdamW", .least = 0, .most = 0.999999});
  f.add("adam_beta2", adam_beta2, {.help = "AdamW", .least = 0, .most = 0.99999999});
  f.add("adam_epsilon", adam_epsilon, {.help = "AdamW", .least = 0, .most = 1, .above = true});
  f.add("max_grad_norm", max_grad_norm,
        {.help = "gradients are scaled down to this norm; 0: never", .aliases = {"clip_grad_norm"}, .least = 0});
  f.add("label_smoothing_factor", label_smoothing_factor,
        {.help = "label smoothing", .aliases = {"label_smoothing"}, .least = 0, .most = 0.999});
  f.add("class_weights", class_weights,
        {.help = "weight of each class in the loss: none, balanced, or a number by label", .choices = {"none", "balanced"}});
  f.add("focal_gamma", focal_gamma,
        {.help = "focal loss: rows the model is sure of count less, by (1 - p)^gamma, often 2; 0: cross entropy", .least = 0, .most = 100});
  f.add("temperature_scaling", temperature_scaling,
        {.help = "after training, divide logits by the temperature at which the validation rows are likeliest; kept with the model"});
  f.add_enum("tune_threshold", tune_threshold,
             {{"none", ThresholdMetric::kNone},
              {"f1", ThresholdMetric::kF1},
              {"balanced_accuracy", ThresholdMetric::kBalancedAccuracy},
              {"youden", ThresholdMetric::kYouden}},
             {.help = "after training, say the second of two labels (each of several) from the probability that is best by this on the validation "
                      "rows; kept with the model"});
  f.add("fp16", fp16, {.help = "half precision; computes in f32 where the CPU has no fast half type, and says so"});
  f.add("bf16", bf16, {.help = "as fp16"});
  f.add("logging_first_step", logging_first_step, {.help = "log the first step too"});
  f.add("logging_steps", logging_steps, {.help = "log every N steps; below 1: a share of all steps", .least = 0, .above = true});
  f.add_enum("eval_strategy", eval_strategy, {{"no", Interval::kNo}, {"steps", Interval::kSteps}, {"epoch", Interval::kEpoch}},
             {.help = "when the validation rows are evaluated", .aliases = {"evaluation_strategy"}});
  f.add("eval_steps", eval_steps, {.help = "with eval_strategy steps; 0: as logging_steps; below 1: a share of all steps", .least = 0});
  f.add("eval_on_start", eval_on_start, {.help = "evaluate before the first step"});
  f.add_enum("save_strategy", save_strategy,
             {{"no", Interval::kNo}, {"steps", Interval::kSteps}, {"epoch", Interval::kEpoch}, {"best", Interval::kBest}},
             {.help = "when a checkpoint is written"});
  f.add("save_steps", save_steps, {.help = "with save_strategy steps; below 1: a share of all steps", .least = 0, .above = true});
  f.add("save_total_limit", save_total_limit, {.help = "checkpoints kept, the best and the newest among them; null: all", .least = 1});
  f.add("load_best_model_at_end", load_best_model_at_end, {.help = "end with the best checkpoint instead of the last"});
  f.add("metric_for_best_model", metric_for_best_model,
        {.help = "what best means: loss, accuracy, f1_macro, ...; unset: loss", .value = "NAME"});
  f.add("greater_is_better", greater_is_better, {.help = "unset: by the metric's name"});
  f.add("early_stopping_patience", early_stopping_patience, {.help = "stop after N evaluations without improvement; 0: never", .least = 0});
  f.add("early_stopping_threshold", early_stopping_threshold, {.help = "smallest change that counts as improvement", .least = 0});
  f.add("overfitting_patience", overfitting_patience,
        {.help = "say so after N evaluations of rising validation loss while training loss falls; 0: never", .least = 0});
  f.add("seed", seed, {.help = "of initial weights, order and dropout", .least = 0});
  f.add_enum("on_nan", on_nan, {{"stop", OnNan::kStop}, {"skip", OnNan::kSkip}}, {.help = "what a NaN or infinite loss or gradient does"});
  f.add("max_skipped_steps", max_skipped_steps, {.help = "with on_nan skip: stop after N skipped steps in a row", .least = 0});
}

}  // namespace attune
