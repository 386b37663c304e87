#include "train/callbacks.h"

#include <fmt/format.h>

#include "base/log.h"
#include "base/utf8.h"

namespace attune {
namespace {

constexpr int kMetricsShown = 4;  // of an evaluation; the rest is in the log history

std::string count(int64_t n) { return grouped(static_cast<uint64_t>(n)); }
std::string one_line(const Json& entry) { return dump_json(entry, {.indent = -1}) + "\n"; }

/// As Python prints a short number: always with a point or an exponent.
std::string short_number(const std::string& key, const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  const double x = value.get<double>();
  if (key == "learning_rate") return x == 0 ? "0.0" : fmt::format("{:.4g}", x).find('e') != std::string::npos || x >= 1e-2 ? fmt::format("{:.4g}", x) : fmt::format("{:.3e}", x);
  std::string text = fmt::format("{:.4g}", x);
  if (value.is_number_float() && text.find_first_of(".einf") == std::string::npos) text += ".0";
  return text;
}

}  // namespace

std::string log_line(const Json& entry) {
  std::string line;
  const auto put = [&](const std::string& key) {
    if (const auto it = entry.find(key); it != entry.end() && (it->is_number() || it->is_string()))
      line += fmt::format("{}'{}': {}", line.empty() ? "{" : ", ", key, short_number(key, *it));
  };
  for (const char* key : {"loss", "grad_norm", "learning_rate", "eval_loss"}) put(key);
  int metrics = 0;
  for (const auto& [key, value] : entry.items()) {
    if (line.find("'" + key + "'") != std::string::npos || key == "step" || key == "epoch" || key == "total_flos" || key == "eval_steps_per_second") continue;
    const bool metric = key.starts_with("eval_") && key.find("runtime") == std::string::npos && key.find("per_second") == std::string::npos;
    if (!metric || ++metrics <= kMetricsShown) put(key);
  }
  put("epoch");
  return line + "}";
}

void ConsoleLog::began(const RunPlan& plan, const TrainerState&) {
  note("***** Running training *****");
  note("  Num examples = " + count(plan.examples));
  note("  Num Epochs = " + count(plan.epochs));
  note("  Instantaneous batch size per device = " + count(plan.batch_size));
  if (plan.accumulation > 1) note("  Total train batch size (with accumulation) = " + count(plan.batch_size * plan.accumulation));
  note("  Gradient Accumulation steps = " + count(plan.accumulation));
  note("  Total optimization steps = " + count(plan.steps));
  note("  Number of trainable parameters = " + count(plan.trainable));
  if (plan.resumed_at >= 0) note("  Continuing from step " + count(plan.resumed_at));
}

void ConsoleLog::logged(const Json& entry, const TrainerState&) { note(log_line(entry)); }

void ConsoleLog::saved(const fs::path& checkpoint, const TrainerState&) { note("Saved " + checkpoint.string()); }

void MetricsFile::began(const RunPlan&, const TrainerState& state) {
  write_file_atomically(path_, [&](OutputFile& out) {
    for (const Json& entry : state.log_history) out.write(one_line(entry));
  });
  file_ = file_system().append(path_);
}

void MetricsFile::logged(const Json& entry, const TrainerState&) {
  if (file_) file_->write(one_line(entry));
}

void TensorBoardLog::began(const RunPlan& plan, const TrainerState&) { file_ = std::make_unique<EventFile>(folder_, plan.resumed_at >= 0 ? plan.resumed_at + 1 : -1); }

void TensorBoardLog::logged(const Json& entry, const TrainerState& state) {
  if (!file_) return;
  std::vector<std::pair<std::string, double>> scalars;
  for (const auto& [key, value] : entry.items())
    if (key != "step" && (value.is_number() || value.is_string())) scalars.emplace_back(tensorboard_tag(key), number_of(value));
  file_->write(state.global_step, scalars);
}

}  // namespace attune
