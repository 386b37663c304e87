#include "train/trainer_state.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace attune {
namespace {

constexpr int64_t kRandomStateVersion = 1;

double read_number(const Json& object, const std::string& key, const std::string& where) {
  const auto it = object.find(key);
  if (it != object.end() && it->is_string()) return number_of(*it);
  return get_number(object, key, 0, where);
}

}  // namespace

Json log_number(double value) {
  if (std::isfinite(value)) return value;
  return std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
}

double number_of(const Json& value) {
  if (value.is_number()) return value.get<double>();
  const double infinity = std::numeric_limits<double>::infinity();
  if (value.is_string() && value.get<std::string>() == "Infinity") return infinity;
  if (value.is_string() && value.get<std::string>() == "-Infinity") return -infinity;
  return std::numeric_limits<double>::quiet_NaN();
}

void put_number(Json& entry, const std::string& key, double value) {
  entry[key] = log_number(value);
  if (!std::isfinite(value)) entry["non_finite"] = true;
}

int64_t TrainerState::best_step_kept() const {
  const size_t dash = best_model_checkpoint.rfind('-');
  int64_t step = 0;
  if (dash != std::string::npos) std::from_chars(best_model_checkpoint.data() + dash + 1, best_model_checkpoint.data() + best_model_checkpoint.size(), step);
  return step;
}

Json TrainerState::to_json() const {
  Json j;
  j["best_global_step"] = best_global_step > 0 ? Json(best_global_step) : Json();
  j["best_metric"] = best_metric ? log_number(*best_metric) : Json();
  j["best_model_checkpoint"] = best_model_checkpoint.empty() ? Json() : Json(best_model_checkpoint);
  j["epoch"] = epoch;
  j["eval_steps"] = eval_steps;
  j["global_step"] = global_step;
  j["is_hyper_param_search"] = false;
  j["is_local_process_zero"] = true;
  j["is_world_process_zero"] = true;
  j["log_history"] = log_history;
  j["logging_steps"] = logging_steps;
  j["max_steps"] = max_steps;
  j["num_input_tokens_seen"] = num_input_tokens_seen;
  j["num_train_epochs"] = num_train_epochs;
  j["save_steps"] = save_steps;
  j["stateful_callbacks"] = Json::object();
  j["total_flos"] = total_flos;
  j["train_batch_size"] = train_batch_size;
  j["trial_name"] = Json();
  j["trial_params"] = Json();
  return j;
}

Json TrainerState::random_json() const {
  Json j;
  j["format"] = kRandomStateVersion;
  j["global_step"] = global_step;
  j["seed"] = seed;
  j["data_seed"] = data_seed;
  j["epoch"] = epoch_index;
  j["position"] = position;
  j["optimizer_updates"] = optimizer_updates;
  j["examples_seen"] = examples_seen;
  j["skipped_in_row"] = skipped_in_row;
  j["skipped_steps"] = skipped_steps;
  j["empty_steps"] = empty_steps;
  j["evaluations_waited"] = waited;
  j["evaluated_step"] = evaluated_step;
  j["window_loss"] = log_number(window_loss);
  j["window_steps"] = window_steps;
  j["total_loss"] = log_number(total_loss);
  j["stopped"] = stopped;
  j["complete"] = complete;
  return j;
}

TrainerState TrainerState::read(const fs::path& checkpoint) {
  const std::string where = (checkpoint / kTrainerStateName).string(), random_where = (checkpoint / kRandomStateName).string();
  JsonLimits limits;
  limits.max_bytes = uint64_t{1} << 30;  // the log of a long run
  limits.allow_nan = true;
  const Json j = read_json(where, limits), r = read_json(random_where);
  const auto whole = [&](const Json& object, const std::string& key, const std::string& file, int64_t least = 0) { return get_int(object, key, 0, file, least); };
  if (const int64_t format = whole(r, "format", random_where); format != kRandomStateVersion)
    fail(ErrorCode::kInput, {.id = "checkpoint.newer",
                             .where = random_where,
                             .what = "the checkpoint has another format than this program knows",
                             .expected = std::to_string(kRandomStateVersion),
                             .got = std::to_string(format),
                             .hint = "resume with the version that wrote it"});
  TrainerState s;
  s.global_step = whole(j, "global_step", where);
  s.epoch = get_number(j, "epoch", 0, where);
  s.max_steps = whole(j, "max_steps", where);
  s.num_train_epochs = whole(j, "num_train_epochs", where);
  s.train_batch_size = whole(j, "train_batch_size", where);
  s.logging_steps = whole(j, "logging_steps", where);
  s.eval_steps = whole(j, "eval_steps", where);
  s.save_steps = whole(j, "save_steps", where);
  s.num_input_tokens_seen = whole(j, "num_input_tokens_seen", where);
  s.total_flos = get_number(j, "total_flos", 0, where);
  if (j.contains("best_metric") && !j["best_metric"].is_null()) s.best_metric = read_number(j, "best_metric", where);
  s.best_global_step = whole(j, "best_global_step", where);
  s.best_model_checkpoint = get_string(j, "best_model_checkpoint", "", where);
  if (!j.contains("log_history") || !j["log_history"].is_array())
    fail(ErrorCode::kInput, {.id = "checkpoint.state", .where = where, .what = "log_history is no list"});
  s.log_history = j["log_history"];

  s.seed = static_cast<uint64_t>(whole(r, "seed", random_where, INT64_MIN));
  s.data_seed = static_cast<uint64_t>(whole(r, "data_seed", random_where, INT64_MIN));
  s.epoch_index = whole(r, "epoch", random_where);
  s.position = whole(r, "position", random_where);
  s.optimizer_updates = whole(r, "optimizer_updates", random_where);
  s.examples_seen = whole(r, "examples_seen", random_where);
  s.skipped_in_row = whole(r, "skipped_in_row", random_where);
  s.skipped_steps = whole(r, "skipped_steps", random_where);
  s.empty_steps = whole(r, "empty_steps", random_where);
  s.waited = whole(r, "evaluations_waited", random_where);
  s.evaluated_step = whole(r, "evaluated_step", random_where, -1);
  s.window_loss = read_number(r, "window_loss", random_where);
  s.window_steps = whole(r, "window_steps", random_where);
  s.total_loss = read_number(r, "total_loss", random_where);
  s.stopped = get_bool(r, "stopped", false, random_where);
  s.complete = get_bool(r, "complete", true, random_where);
  if (whole(r, "global_step", random_where) != s.global_step)
    fail(ErrorCode::kInput, {.id = "checkpoint.state", .where = random_where, .what = "global_step differs from the one in trainer_state.json"});
  return s;
}

}  // namespace attune
