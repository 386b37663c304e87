#include "ops/tape.h"

#include "base/error.h"

namespace attune {

std::shared_ptr<Gradient> Gradient::of_parameter(const Shape& shape) {
  auto g = std::make_shared<Gradient>();
  g->value_ = Tensor::zeros(shape, MemoryClass::kGradients);
  g->parameter_ = true;
  return g;
}

void Gradient::make_unique(const Context&) {
  if (!value_.is_unique()) value_ = value_.clone(value_.memory_class());
}

Gradient::Target Gradient::target(const Context& ctx, const Shape& shape) {
  const bool first = value_.empty();
  if (first)
    value_ = Tensor(shape, DType::kF32, MemoryClass::kActivations);
  else if (!parameter_)
    make_unique(ctx);
  require(value_.shape() == shape, "gradient shape differs from its value's");
  return {value_.f32(), value_.pitch(), first ? 0.0f : 1.0f};
}

void Gradient::add(const Context& ctx, Tensor contribution) {
  if (value_.empty()) {
    value_ = std::move(contribution);
    return;
  }
  require(value_.shape() == contribution.shape() && contribution.contiguous(), "gradient contribution has another shape");
  if (!parameter_) make_unique(ctx);
  ctx.kernels->axpby(ctx, value_.size(), 1.0f, contribution.f32(), 1.0f, value_.f32());
}

void Tape::record(std::vector<std::shared_ptr<Gradient>> outputs, std::function<void(const Context&)> backward) {
  steps_.push_back({std::move(outputs), std::move(backward)});
}

void Tape::backward(const Context& ctx) {
  Context quiet = ctx;
  quiet.tape = nullptr;
  while (!steps_.empty()) {
    Step step = std::move(steps_.back());
    steps_.pop_back();
    bool reached = false;
    for (const auto& g : step.outputs) reached = reached || g->written();
    if (reached) step.backward(quiet);
    for (const auto& g : step.outputs) g->drop();
  }
}

bool start_recording(const Context& ctx, bool needed, Var& out) {
  if (ctx.tape == nullptr || !needed) return false;
  out.grad = std::make_shared<Gradient>();
  return true;
}

}  // namespace attune
