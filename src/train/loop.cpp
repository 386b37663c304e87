#include "train/loop.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include <fmt/format.h>

#include "base/error.h"
#include "base/log.h"
#include "base/process_clock.h"
#include "base/random.h"
#include "base/signals.h"
#include "data/packing.h"
#include "data/samplers.h"
#include "train/finite.h"
#include "train/frozen_prefix.h"
#include "train/overfitting.h"
#include "train/resume.h"
#include "train/schedules.h"

namespace attune {
namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point t) { return std::chrono::duration<double>(Clock::now() - t).count(); }

/// Adds the time since the last lap to one of several sums: one reading of the clock a lap.
class Stopwatch {
 public:
  void lap(double& sum) {
    const auto now = Clock::now();
    sum += std::chrono::duration<double>(now - last_).count();
    last_ = now;
  }

 private:
  Clock::time_point last_ = Clock::now();
};

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// Parameters outside embedding tables: what a token costs (transformers' estimate of floating-point operations).
int64_t dense_parameters(Model& model) {
  int64_t n = 0;
  for (const auto& p : named_parameters(model))
    if (p.owner->kind() != ModuleKind::kEmbedding) n += p.parameter->size();
  return n;
}

/// Of rows that are drawn with replacement, whose `first` is that drawing of the epoch: a row has other dropout masks each time.
TokenKeys drawn_keys(Batch& batch, uint64_t first, uint64_t seed, uint64_t epoch) {
  const std::vector<uint64_t> rows = batch.rows;
  for (uint64_t& row : batch.rows) row = mix_key(row, first++);
  TokenKeys keys = token_keys(batch, seed, epoch);
  batch.rows = rows;
  return keys;
}

class Loop {
 public:
  explicit Loop(const FitJob& job);
  FitResult run(const std::optional<fs::path>& resume_from);

 private:
  struct Group {
    LossSum total;
    int64_t tokens = 0, examples = 0;
    std::vector<uint64_t> rows;
    std::optional<NotFinite> bad;
  };
  void restore(const fs::path& checkpoint);
  void run_epoch();
  /// False when a signal came before its last micro-batch: nothing has changed then.
  bool accumulate(size_t end, Group& group);
  /// The number-th of this epoch.
  void micro_batch(size_t number, Group& group);
  void compute(std::span<const uint64_t> indices, size_t first, Group& group);
  double update(Group& group, double rate);
  void step();
  void after_step();
  void log_step(double norm, double rate);
  void evaluate();
  void save(bool complete);
  [[noreturn]] void leave(int signal);
  void finish();

  bool due(Interval strategy, int64_t every) const;
  int pending() const { return job_.pending_signal ? job_.pending_signal() : pending_signal(); }
  StepPlace place() const { return {state_.global_step + 1, state_.epoch, schedule_.rate(state_.global_step)}; }
  void append_log(Json entry);

  const FitJob& job_;
  const TrainingConfig& config_;
  const std::vector<int32_t> lengths_;
  std::vector<std::vector<uint64_t>> batches_;  // of the epoch state_.epoch_index
  int64_t batches_per_epoch_, max_steps_;
  RateSchedule schedule_;
  AdamW optimizer_;
  std::optional<FrozenPrefix> prefix_;
  TrainerState state_;
  int64_t flops_a_token_;
  bool saved_ = false;     // a checkpoint of this step, complete, is on disk
  bool new_best_ = false;  // found by the evaluation of this step
  std::optional<Evaluation> evaluation_;
  Json fingerprints_;
  Clock::time_point begin_ = Clock::now();
  int64_t tokens_at_begin_ = 0, examples_at_begin_ = 0, steps_at_begin_ = 0;
  std::optional<Progress> progress_;
  double start_runtime_ = 0;
  std::vector<StepTime> step_times_;
  PhaseSeconds phases_;
  OverfittingWatch overfitting_;
};

int64_t require_batches(const FitJob& job) {
  const auto n = static_cast<int64_t>(job.plan(0).size());
  if (n == 0)
    fail(ErrorCode::kUsage, {.id = "train.no_batches",
                             .where = "training",
                             .what = fmt::format("{} training rows make no batch", job.train.size()),
                             .hint = "lower per_device_train_batch_size or set dataloader_drop_last=false"});
  return n;
}

Loop::Loop(const FitJob& job)
    : job_(job),
      config_(job.config),
      lengths_(lengths_of(job.train)),
      batches_per_epoch_(require_batches(job)),
      max_steps_(steps_of(job.config, batches_per_epoch_)),
      schedule_(job.config, max_steps_),
      optimizer_(job.parameters, {config_.adam_beta1, config_.adam_beta2, config_.adam_epsilon, config_.weight_decay}),
      flops_a_token_(6 * dense_parameters(*job.model)),
      overfitting_(config_.overfitting_patience) {
  if (config_.frozen_prefix_cache) prefix_.emplace(job);
  state_.max_steps = max_steps_;
  state_.num_train_epochs = divide_up(max_steps_, divide_up(batches_per_epoch_, config_.gradient_accumulation_steps));
  state_.train_batch_size = config_.per_device_train_batch_size;
  state_.logging_steps = interval_of(config_.logging_steps, max_steps_);
  state_.eval_steps = config_.eval_steps > 0 ? interval_of(config_.eval_steps, max_steps_) : state_.logging_steps;
  state_.save_steps = interval_of(config_.save_steps, max_steps_);
  state_.seed = static_cast<uint64_t>(config_.seed);
  state_.data_seed = job.data_seed;
}

FitResult Loop::run(const std::optional<fs::path>& resume_from) {
  zero_gradients(job_.parameters);
  if (resume_from) restore(*resume_from);
  RunPlan plan{.examples = static_cast<int64_t>(job_.train.size()), .epochs = state_.num_train_epochs, .batch_size = state_.train_batch_size,
               .accumulation = config_.gradient_accumulation_steps, .steps = max_steps_};
  for (const auto& p : job_.parameters) plan.trainable += p.parameter->size();
  if (resume_from) plan.resumed_at = state_.global_step;
  for (Callback* c : job_.callbacks) c->began(plan, state_);
  begin_ = Clock::now();
  tokens_at_begin_ = state_.num_input_tokens_seen;
  examples_at_begin_ = state_.examples_seen;
  steps_at_begin_ = state_.global_step;
  progress_.emplace("training", max_steps_);
  start_runtime_ = seconds_since_process_start();

  if (state_.global_step == 0) {
    if (config_.eval_on_start && state_.evaluated_step < 0 && !job_.validation.empty()) evaluate();
  } else if (!saved_) {
    after_step();
  }
  while (state_.global_step < max_steps_ && !state_.stopped) run_epoch();
  progress_->clear();
  progress_.reset();

  FitResult result;
  finish();
  const std::string best = state_.best_model_checkpoint;
  if (config_.load_best_model_at_end && !best.empty() && state_.best_global_step != state_.global_step) {
    if (!folder_exists(job_.folder / best))
      fail(ErrorCode::kState, {.id = "train.best_missing", .where = (job_.folder / best).string(), .what = "the best checkpoint is gone, so it cannot be loaded at the end", .hint = "the last one is whole: resume without load_best_model_at_end"});
    job_.load_model(job_.folder / best);
    evaluation_.reset();
    result.best_loaded = true;
    note(fmt::format("Loaded the best model, {} ({} {:.4g})", best, metric_name(config_), state_.best_metric.value_or(0)));
  }
  for (const auto& [key, value] : state_.log_history.back().items())
    if (key.starts_with("train_") || key == "total_flos") result.metrics[key] = value;
  result.evaluation = std::move(evaluation_);
  for (Callback* c : job_.callbacks) c->ended(state_);
  result.state = std::move(state_);
  result.start_runtime = start_runtime_;
  result.step_times = std::move(step_times_);
  result.phases = phases_;
  return result;
}

void Loop::restore(const fs::path& checkpoint) {
  fingerprints_ = job_.fingerprints ? job_.fingerprints() : Json::object();
  require_same_run(read_checkpoint_json(checkpoint, kFingerprintsName), fingerprints_, job_.may_differ, checkpoint.string());
  const TrainerState fresh = state_;
  state_ = TrainerState::read(checkpoint);
  for (const Json& entry : state_.log_history) overfitting_.add(entry);
  const auto same = [&](int64_t was, int64_t now, const char* what) {
    if (was != now)
      fail(ErrorCode::kState, {.id = "resume.mismatch", .where = checkpoint.string(), .what = fmt::format("{} was {}, now {}", what, was, now),
                               .hint = "put back what was changed, or start again with --overwrite"});
  };
  same(state_.max_steps, fresh.max_steps, "the number of steps");
  same(static_cast<int64_t>(state_.seed), static_cast<int64_t>(fresh.seed), "seed");
  same(static_cast<int64_t>(state_.data_seed), static_cast<int64_t>(fresh.data_seed), "data_seed");
  if (state_.position >= batches_per_epoch_ || state_.global_step > max_steps_)
    fail(ErrorCode::kInput, {.id = "checkpoint.state", .where = checkpoint.string(), .what = "its position lies outside the data"});
  state_.logging_steps = fresh.logging_steps;
  state_.eval_steps = fresh.eval_steps;
  state_.save_steps = fresh.save_steps;
  job_.load_model(checkpoint);
  optimizer_.set_state(read_checkpoint_tensors(checkpoint, "optimizer.safetensors", MemoryClass::kOptimizer), state_.optimizer_updates,
                       (checkpoint / "optimizer.safetensors").string());
  saved_ = state_.complete;
}

void Loop::run_epoch() {
  Stopwatch watch;
  batches_ = job_.plan(static_cast<uint64_t>(state_.epoch_index));
  watch.lap(phases_.data);
  require(static_cast<int64_t>(batches_.size()) == batches_per_epoch_, "every epoch has as many micro-batches");
  const int64_t epoch = state_.epoch_index;
  while (state_.epoch_index == epoch && state_.global_step < max_steps_ && !state_.stopped) step();
}

/// One part of a micro-batch forward and backward; its first row is the `first` of the epoch.
void Loop::compute(std::span<const uint64_t> indices, size_t first, Group& group) {
  Stopwatch watch;
  Batch batch = pack(job_.train, indices);
  watch.lap(phases_.data);
  if (prefix_) prefix_->put_into(batch, indices);
  Tape tape(config_.activation_checkpointing || job_.compute.recompute);
  Context ctx = job_.context;
  ctx.tape = &tape;
  ctx.training = true;
  const auto epoch = static_cast<uint64_t>(state_.epoch_index);
  TokenKeys keys = config_.train_sampling_strategy == Sampling::kWeighted ? drawn_keys(batch, first, state_.seed, epoch) : token_keys(batch, state_.seed, epoch);
  const LossSum loss = job_.task->loss(ctx, *job_.model, batch, std::move(keys), job_.loss);
  watch.lap(phases_.forward);
  group.total.sum += loss.sum;
  group.total.count += loss.count;
  group.tokens += batch.tokens();
  group.examples += static_cast<int64_t>(indices.size());
  group.rows.insert(group.rows.end(), batch.rows.begin(), batch.rows.end());
  if (!std::isfinite(loss.sum)) {
    NotFinite bad{.what = "loss", .value = loss.sum, .rows = {}, .tensor = first_bad_weight(job_.context, *job_.model, job_.parameters)};
    for (size_t b = 0; b < loss.rows.size(); ++b)
      if (!std::isfinite(loss.rows[b])) bad.rows.push_back(batch.rows[b]);
    if (bad.rows.empty()) bad.rows = batch.rows;
    if (bad.tensor.empty()) bad.tensor = "logits";
    group.bad = std::move(bad);
  } else if (loss.count > 0) {
    tape.backward(ctx);
    watch.lap(phases_.backward);
  }
}

void Loop::micro_batch(size_t number, Group& group) {
  const std::vector<uint64_t>& indices = batches_[number];
  size_t first = number * static_cast<size_t>(config_.per_device_train_batch_size);
  for (const auto part : token_parts(indices, lengths_, static_cast<uint64_t>(job_.compute.train_tokens))) {
    if (!group.bad) compute(part, first, group);
    first += part.size();
  }
}

bool Loop::accumulate(size_t end, Group& group) {
  for (auto i = static_cast<size_t>(state_.position); i < end && !group.bad; ++i) {
    micro_batch(i, group);
    if (i + 1 < end && pending() != 0) {
      zero_gradients(job_.parameters);
      return false;
    }
  }
  if (job_.reduce) job_.reduce(job_.parameters, group.total);
  return true;
}

/// Norm, clipping and AdamW; returns the norm of the mean's gradient.
double Loop::update(Group& group, double rate) {
  if (group.bad || group.total.count <= 0) return group.bad ? std::nan("") : 0;
  const double norm = gradient_norm(job_.context, job_.parameters) / group.total.count;
  if (!std::isfinite(norm)) {
    group.bad = NotFinite{"gradient norm", norm, group.rows, first_bad_weight(job_.context, *job_.model, job_.parameters)};
    if (group.bad->tensor.empty()) group.bad->tensor = first_bad_gradient(job_.context, job_.parameters);
    return norm;
  }
  optimizer_.step(job_.context, rate, clip_coefficient(norm, config_.max_grad_norm) / group.total.count);
  return norm;
}

void Loop::step() {
  const auto step_begin = Clock::now();
  Group group;
  const size_t end = std::min(batches_.size(), static_cast<size_t>(state_.position + config_.gradient_accumulation_steps));
  if (job_.inspect && state_.global_step > 0 && state_.global_step % job_.inspect_every == 0)
    job_.inspect(pack(job_.train, batches_[static_cast<size_t>(state_.position)]), static_cast<uint64_t>(state_.epoch_index), state_.global_step);
  if (!accumulate(end, group)) leave(pending());
  Stopwatch watch;
  const double rate = schedule_.rate(state_.global_step);
  const double norm = update(group, rate);
  const double loss = group.total.count > 0 ? group.total.sum / group.total.count : group.total.sum;
  if (group.bad) {
    if (config_.on_nan == OnNan::kStop || state_.skipped_in_row >= config_.max_skipped_steps) fail_not_finite(*group.bad, place(), state_.skipped_in_row);
    warning("step skipped: " + describe(*group.bad, place()));
    ++state_.skipped_steps;
    ++state_.skipped_in_row;
  } else {
    state_.skipped_in_row = 0;
    if (group.total.count <= 0) {
      ++state_.empty_steps;
      warning(fmt::format("step {} changes nothing: all its labels are ignored", state_.global_step + 1));
    }
  }
  zero_gradients(job_.parameters);
  watch.lap(phases_.optimizer);
  step_times_.push_back({seconds_since(step_begin), group.tokens});

  ++state_.global_step;
  state_.optimizer_updates = optimizer_.updates();
  state_.position = static_cast<int64_t>(end);
  state_.epoch = static_cast<double>(state_.epoch_index) + static_cast<double>(end) / static_cast<double>(batches_per_epoch_);
  if (state_.position == batches_per_epoch_) {
    ++state_.epoch_index;
    state_.position = 0;
  }
  state_.num_input_tokens_seen += group.tokens;
  state_.examples_seen += group.examples;
  state_.total_flos = static_cast<double>(flops_a_token_) * static_cast<double>(state_.num_input_tokens_seen);
  state_.window_loss += loss;
  state_.total_loss += loss;
  ++state_.window_steps;
  saved_ = false;
  evaluation_.reset();
  const bool first = state_.global_step == 1 && config_.logging_first_step;
  if (first || state_.global_step % state_.logging_steps == 0) log_step(norm, rate);
  const double speed = static_cast<double>(state_.num_input_tokens_seen - tokens_at_begin_) / std::max(1e-9, seconds_since(begin_));
  progress_->update(state_.global_step, fmt::format("loss {:.4f}  {:.0f} tok/s", loss, speed));
  after_step();
}

/// What follows a step besides its log entry; also where a run goes on that was stopped before it.
void Loop::after_step() {
  if (const int signal = pending()) leave(signal);
  new_best_ = state_.best_global_step == state_.global_step && state_.global_step > 0;
  if (!job_.validation.empty() && state_.evaluated_step < state_.global_step && due(config_.eval_strategy, state_.eval_steps)) evaluate();
  const bool best_wanted = config_.save_strategy == Interval::kBest || (config_.load_best_model_at_end && config_.save_strategy != Interval::kNo);
  if (due(config_.save_strategy, state_.save_steps) || (best_wanted && new_best_)) save(true);
}

bool Loop::due(Interval strategy, int64_t every) const {
  if (strategy == Interval::kEpoch) return state_.position == 0 || state_.global_step >= max_steps_;
  return strategy == Interval::kSteps && (state_.global_step % every == 0 || state_.global_step >= max_steps_);
}

void Loop::append_log(Json entry) {
  if (progress_) progress_->clear();
  state_.log_history.push_back(std::move(entry));
  for (Callback* c : job_.callbacks) c->logged(state_.log_history.back(), state_);
  if (const auto found = overfitting_.add(state_.log_history.back())) {
    const BestBy best = best_by(config_, *job_.task);
    warning("overfitting: " + overfitting_remark(*found, overfitting_.points(), best.metric, best.greater));
  }
}

void Loop::log_step(double norm, double rate) {
  Json entry;
  entry["epoch"] = state_.epoch;
  put_number(entry, "grad_norm", norm);
  put_number(entry, "learning_rate", rate);
  put_number(entry, "loss", state_.window_loss / static_cast<double>(state_.window_steps));
  entry["step"] = state_.global_step;
  state_.window_loss = 0;
  state_.window_steps = 0;
  append_log(std::move(entry));
}

void Loop::evaluate() {
  Stopwatch watch;
  std::optional<Progress> bar;
  if (progress_) progress_->clear();
  bar.emplace("evaluating", static_cast<int64_t>(job_.validation.size()));
  EvaluationOptions options;
  options.max_sequences = config_.per_device_eval_batch_size;
  options.max_tokens = job_.compute.eval_tokens;
  options.go_on = [&](int64_t done) {
    bar->update(done);
    return pending() == 0;
  };
  evaluation_ = evaluate_examples(job_.context, *job_.model, *job_.task, job_.validation_rows, job_.validation, options);
  bar->clear();
  watch.lap(phases_.evaluation);
  if (!evaluation_) leave(pending());
  state_.evaluated_step = state_.global_step;

  Json entry;
  entry["epoch"] = state_.epoch;
  put_number(entry, "eval_loss", evaluation_->loss);
  for (const auto& [key, value] : evaluation_->metrics.items())
    if (value.is_number_float() && key != "loss" && !key.ends_with("confidence")) put_number(entry, "eval_" + key, value.get<double>());
  entry["eval_runtime"] = evaluation_->runtime;
  entry["eval_samples_per_second"] = static_cast<double>(job_.validation.size()) / std::max(1e-9, evaluation_->runtime);
  entry["eval_steps_per_second"] = static_cast<double>(evaluation_->batches) / std::max(1e-9, evaluation_->runtime);
  entry["step"] = state_.global_step;

  const std::string name = metric_name(config_);
  const bool greater = is_greater_better(config_);
  const double metric = number_of(entry.value("eval_" + name, Json()));
  const auto better = [&](double threshold) {
    if (!state_.best_metric) return std::isfinite(metric);
    return (greater ? metric > *state_.best_metric : metric < *state_.best_metric) && std::fabs(metric - *state_.best_metric) > threshold;
  };
  state_.waited = better(config_.early_stopping_threshold) ? 0 : state_.waited + 1;
  if (better(0)) {
    state_.best_metric = metric;
    state_.best_global_step = state_.global_step;
    new_best_ = true;
  }
  append_log(std::move(entry));
  if (config_.early_stopping_patience > 0 && state_.waited >= config_.early_stopping_patience) {
    state_.stopped = true;
    note(fmt::format("Stopping early: eval_{} has not improved in {} evaluations", name, state_.waited));
  }
}

void Loop::save(bool complete) {
  if (job_.folder.empty()) return;
  Stopwatch watch;
  if (state_.best_global_step == state_.global_step && state_.global_step > 0)
    state_.best_model_checkpoint = fmt::format("checkpoint-{}", state_.global_step);
  state_.complete = complete;
  if (fingerprints_.is_null()) fingerprints_ = job_.fingerprints ? job_.fingerprints() : Json::object();
  CheckpointContent content;
  job_.add_model(content);
  content.tensors["optimizer.safetensors"] = optimizer_.state();
  content.documents[kTrainerStateName] = state_.to_json();
  content.documents[kRandomStateName] = state_.random_json();
  content.documents[kFingerprintsName] = fingerprints_;
  const fs::path path = write_checkpoint(job_.folder, state_.global_step, content);
  saved_ = complete;
  if (progress_) progress_->clear();
  for (Callback* c : job_.callbacks) c->saved(path, state_);
  std::optional<int64_t> best;
  if (!state_.best_model_checkpoint.empty()) best = state_.best_step_kept();
  rotate_checkpoints(job_.folder, config_.save_total_limit.value_or(0), best);
  watch.lap(phases_.checkpoint);
}

void Loop::leave(int signal) {
  if (!saved_) save(false);
  if (progress_) progress_->clear();
  throw Interrupted(signal);
}

void Loop::finish() {
  const double runtime = std::max(1e-9, seconds_since(begin_));
  Json entry;
  entry["epoch"] = state_.epoch;
  entry["step"] = state_.global_step;
  entry["total_flos"] = state_.total_flos;
  put_number(entry, "train_loss", state_.global_step > 0 ? state_.total_loss / static_cast<double>(state_.global_step) : 0);
  entry["train_runtime"] = runtime;
  entry["train_samples_per_second"] = static_cast<double>(state_.examples_seen - examples_at_begin_) / runtime;
  entry["train_steps_per_second"] = static_cast<double>(state_.global_step - steps_at_begin_) / runtime;
  entry["train_tokens_per_second"] = static_cast<double>(state_.num_input_tokens_seen - tokens_at_begin_) / runtime;
  if (state_.skipped_steps > 0) entry["train_skipped_steps"] = state_.skipped_steps;
  if (state_.empty_steps > 0) entry["train_empty_steps"] = state_.empty_steps;
  append_log(std::move(entry));
}

}  // namespace

FitResult fit(const FitJob& job, const std::optional<fs::path>& resume_from) {
  require(job.model && job.task && job.plan && job.context.kernels, "fit: an incomplete job");
  require(job.folder.empty() || (job.add_model && job.load_model), "fit: checkpoints need add_model and load_model");
  return Loop(job).run(resume_from);
}

}  // namespace attune
