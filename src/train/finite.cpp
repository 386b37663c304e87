#include "train/finite.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/error.h"

namespace attune {
namespace {

std::string number(double x) { return std::isnan(x) ? "NaN" : x > 0 ? "Infinity" : "-Infinity"; }

std::string rows_text(const std::vector<uint64_t>& rows) {
  constexpr size_t kShown = 10;
  std::string text = rows.size() == 1 ? "row" : "rows";
  for (size_t i = 0; i < std::min(rows.size(), kShown); ++i) text += fmt::format("{} {}", i ? "," : "", rows[i]);
  if (rows.size() > kShown) text += fmt::format(" and {} more", rows.size() - kShown);
  return text;
}

}  // namespace

std::string first_bad_weight(const Context& ctx, Model& model, std::span<const NamedParameter> parameters) {
  std::vector<NamedParameter> all = named_parameters(model);
  all.insert(all.end(), parameters.begin(), parameters.end());
  for (const auto& p : all)
    if (p.parameter->loaded() && !ctx.kernels->all_finite(ctx, p.parameter->size(), p.parameter->var.data.f32())) return p.name;
  return "";
}

std::string first_bad_gradient(const Context& ctx, std::span<const NamedParameter> parameters) {
  for (size_t i = parameters.size(); i-- > 0;) {
    const Tensor& g = parameters[i].parameter->var.grad->value();
    if (!ctx.kernels->all_finite(ctx, g.size(), g.f32())) return "gradient of " + parameters[i].name;
  }
  return "";
}

std::string describe(const NotFinite& bad, const StepPlace& place) {
  return fmt::format("{} is {} at step {} (epoch {:.4g}, learning rate {:.4g}); {}; first bad tensor: {}", bad.what, number(bad.value), place.step,
                     place.epoch, place.learning_rate, rows_text(bad.rows), bad.tensor);
}

void fail_not_finite(const NotFinite& bad, const StepPlace& place, int64_t skipped) {
  fail(ErrorCode::kNumerical,
       {.id = "train.not_finite",
        .where = fmt::format("step {}", place.step),
        .what = describe(bad, place) + (skipped > 0 ? fmt::format("; {} steps before it were skipped too", skipped) : ""),
        .hint = "lower training.learning_rate, keep max_grad_norm above 0, look at these rows, or set training.on_nan=skip"});
}

}  // namespace attune
