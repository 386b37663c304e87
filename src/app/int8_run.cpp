#include "app/int8_run.h"

#include <fmt/format.h>

#include "base/log.h"
#include "data/packing.h"

namespace attune {
namespace {

constexpr int64_t kCalibrationTokens = 1024;
constexpr int64_t kCheckEvery = 500;  // steps

}  // namespace

bool computes_in_int8(const RunConfig& config, const Context& ctx) {
  if (config.compute == Compute::kAuto) return config.quantization.on() && ctx.kernels->int8_fast;
  return config.compute == Compute::kInt8;
}

bool infer_in(Compute compute, LoadedModel& m, const Context& ctx) {
  const bool int8 = compute == Compute::kInt8 || (compute == Compute::kAuto && m.held.on() && ctx.kernels->int8_fast);
  if (!int8) return false;
  infer_in_int8(frozen_linears(*m.model, m.held.skip_modules), ctx);
  if (m.model->head()) m.model->head()->answer_in_int8(ctx);
  return true;
}

std::optional<Int8Check> prepare_int8(const RunConfig& config, LoadedModel& m, FitJob& job) {
  if (!computes_in_int8(config, job.context)) {
    if (config.quantization.on() && config.compute == Compute::kAuto)
      note("this processor has no fast 8-bit dot products, so products run in f32 (compute: int8 asks for them all the same)");
    return std::nullopt;
  }
  if (!job.context.kernels->int8_fast)
    warning(fmt::format("compute: int8 on {} is no faster than f32{}", job.context.kernels->name,
                        job.context.kernels->int8_limit < 127 ? ", and weights keep 7 bits, since its sums saturate" : ""));
  const std::vector<Linear*> layers = frozen_linears(*m.model, config.quantization.skip_modules);
  const Batch sample = first_rows(job, kCalibrationTokens);
  const auto smoothing = calibrate(layers, job.context.threads, [&] { m.model->forward(job.context, sample); });
  compute_in_int8(layers, smoothing, config.quantization.resident, job.context);
  Int8Check check = check_int8(job, layers);
  note(describe(check));
  job.inspect_every = kCheckEvery;
  job.inspect = [&job, layers](const Batch& batch, uint64_t epoch, int64_t step) {
    for (const LayerCheck& l : compare_gradients(job, layers, batch, epoch))
      if (l.cosine < kLeastCosine)
        warning(fmt::format("step {}: the gradient of {} by 8-bit products has cosine {:.4f} with that by f32 products; compute: f32 is exact", step,
                            l.module, l.cosine));
  };
  return check;
}

}  // namespace attune
