#include "train/schedules.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.h"
#include "base/suggest.h"

namespace attune {
namespace {

std::vector<std::string> options_of(Schedule kind) {
  switch (kind) {
    case Schedule::kLinear:
    case Schedule::kConstant:
    case Schedule::kConstantWithWarmup: return {};
    case Schedule::kCosine:
    case Schedule::kCosineWithRestarts: return {"num_cycles"};
    case Schedule::kPolynomial: return {"lr_end", "power"};
    case Schedule::kInverseSqrt: return {"timescale"};
    case Schedule::kCosineWithMinLr: return {"num_cycles", "min_lr", "min_lr_rate"};
  }
  return {};
}

}  // namespace

int64_t warmup_steps_of(const TrainingConfig& config, int64_t total_steps) {
  if (config.warmup_steps >= 1) return static_cast<int64_t>(config.warmup_steps);
  const double share = config.warmup_steps > 0 ? config.warmup_steps : config.warmup_ratio;
  return static_cast<int64_t>(std::ceil(share * static_cast<double>(total_steps)));
}

int64_t interval_of(double setting, int64_t total_steps) {
  if (setting < 1) setting = std::ceil(setting * static_cast<double>(total_steps));
  return std::max<int64_t>(1, static_cast<int64_t>(setting));
}

RateSchedule::RateSchedule(const TrainingConfig& config, int64_t total_steps)
    : kind_(config.lr_scheduler_type), peak_(config.learning_rate), warmup_(warmup_steps_of(config, total_steps)), total_(total_steps) {
  const auto known = options_of(kind_);
  for (const auto& [name, value] : config.lr_scheduler_kwargs)
    if (std::find(known.begin(), known.end(), name) == known.end())
      fail(ErrorCode::kUsage, {.id = "schedule.option",
                               .where = "training.lr_scheduler_kwargs." + name,
                               .what = "this learning rate schedule does not take '" + name + "'",
                               .hint = known.empty() ? "it takes no options" : suggestion(name, known)});
  const auto option = [&](const char* name, double absent) {
    const auto it = config.lr_scheduler_kwargs.find(name);
    return it == config.lr_scheduler_kwargs.end() ? absent : it->second;
  };
  cycles_ = option("num_cycles", kind_ == Schedule::kCosineWithRestarts ? 1.0 : 0.5);
  power_ = option("power", 1.0);
  end_ = peak_ > 0 ? option("lr_end", 1e-7) / peak_ : 0;
  timescale_ = option("timescale", warmup_ > 0 ? static_cast<double>(warmup_) : 10000.0);
  floor_ = option("min_lr_rate", peak_ > 0 ? option("min_lr", 0.0) / peak_ : 0.0);
}

double RateSchedule::decay(double progress, double update) const {
  const double pi = std::numbers::pi, total = static_cast<double>(total_);
  const auto cosine = [&](double turns) { return 0.5 * (1 + std::cos(pi * turns)); };
  switch (kind_) {
    case Schedule::kConstant:
    case Schedule::kConstantWithWarmup: return 1;
    case Schedule::kLinear: return (total - update) / std::max(1.0, total - static_cast<double>(warmup_));
    case Schedule::kCosine: return cosine(2 * cycles_ * progress);
    case Schedule::kCosineWithRestarts: return progress >= 1 ? 0 : cosine(std::fmod(cycles_ * progress, 1.0));
    case Schedule::kPolynomial: return progress > 1 ? end_ : (1 - end_) * std::pow(1 - progress, power_) + end_;
    case Schedule::kInverseSqrt: return 1 / std::sqrt((update + timescale_ - static_cast<double>(warmup_)) / timescale_);
    case Schedule::kCosineWithMinLr: return cosine(2 * cycles_ * progress) * (1 - floor_) + floor_;
  }
  throw Bug("unknown schedule");
}

double RateSchedule::factor(int64_t update) const {
  const double k = static_cast<double>(update), w = static_cast<double>(warmup_);
  if (kind_ != Schedule::kConstant && update < warmup_) return k / std::max(1.0, w);
  return std::max(0.0, decay((k - w) / std::max(1.0, static_cast<double>(total_ - warmup_)), k));
}

}  // namespace attune
