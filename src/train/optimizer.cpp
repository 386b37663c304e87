#include "train/optimizer.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"

namespace attune {
namespace {

/// `word` ends at the end of the name or before a dot, and `starts` says whether it must also begin a part of the path.
bool has_part_ending(const std::string& name, const std::string& word, bool starts) {
  for (size_t at = name.find(word); at != std::string::npos; at = name.find(word, at + 1)) {
    const size_t end = at + word.size();
    if (end != name.size() && name[end] != '.') continue;
    if (!starts || at == 0 || name[at - 1] == '.') return true;
  }
  return false;
}

}  // namespace

bool takes_weight_decay(const NamedParameter& p) {
  if (p.parameter->is_norm) return false;
  std::string name = p.name;
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  for (const char* word : {"bias", "layernorm", "rmsnorm"})
    if (name.find(word) != std::string::npos) return false;
  return !has_part_ending(name, "norm", true) && !has_part_ending(name, "_norm", false);
}

double gradient_norm(const Context& ctx, std::span<const NamedParameter> parameters) {
  double sum = 0;
  for (const auto& p : parameters) {
    const Tensor& g = p.parameter->var.grad->value();
    sum += ctx.kernels->sum_of_squares(ctx, g.size(), g.f32());
  }
  return std::sqrt(sum);
}

void zero_gradients(std::span<const NamedParameter> parameters) {
  for (const auto& p : parameters) {
    const auto g = p.parameter->var.grad->value().span();
    std::fill(g.begin(), g.end(), 0.0f);
  }
}

double clip_coefficient(double norm, double max_norm) { return max_norm > 0 ? std::min(1.0, max_norm / (norm + 1e-6)) : 1.0; }

AdamW::AdamW(std::vector<NamedParameter> parameters, const Options& options) : parameters_(std::move(parameters)), options_(options) {
  for (const auto& p : parameters_) {
    require(p.parameter->trainable && p.parameter->var.wants_grad(), "optimizer: a parameter that is not trainable");
    moments_.push_back({Tensor::zeros(p.parameter->shape, MemoryClass::kOptimizer), Tensor::zeros(p.parameter->shape, MemoryClass::kOptimizer)});
  }
}

void AdamW::step(const Context& ctx, double rate, double gradient_scale) {
  ++updates_;
  const double t = static_cast<double>(updates_);
  AdamWStep s{};
  s.lr = static_cast<float>(rate);
  s.beta1 = static_cast<float>(options_.beta1);
  s.beta2 = static_cast<float>(options_.beta2);
  s.eps = static_cast<float>(options_.epsilon);
  s.bias_correction1 = static_cast<float>(1 - std::pow(options_.beta1, t));
  s.bias_correction2 = static_cast<float>(1 - std::pow(options_.beta2, t));
  s.gradient_scale = static_cast<float>(gradient_scale);
  for (size_t i = 0; i < parameters_.size(); ++i) {
    Parameter& p = *parameters_[i].parameter;
    s.weight_decay = takes_weight_decay(parameters_[i]) ? static_cast<float>(options_.weight_decay) : 0.0f;
    ctx.kernels->adamw(ctx, p.size(), s, p.var.data.f32(), p.var.grad->value().f32(), moments_[i].mean.f32(), moments_[i].square.f32());
  }
}

TensorMap AdamW::state() const {
  TensorMap state;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    state["exp_avg." + parameters_[i].name] = moments_[i].mean;
    state["exp_avg_sq." + parameters_[i].name] = moments_[i].square;
  }
  return state;
}

void AdamW::set_state(const TensorMap& state, int64_t updates, const std::string& where) {
  Problems problems;
  std::set<std::string> wanted;
  const auto check = [&](const std::string& name, const Tensor& ours) {
    wanted.insert(name);
    const auto it = state.find(name);
    if (it == state.end())
      problems.add("missing " + name);
    else if (it->second.shape() != ours.shape() || it->second.dtype() != DType::kF32)
      problems.add(name + " is " + to_string(it->second.shape()) + ", expected " + to_string(ours.shape()) + " of F32");
  };
  for (size_t i = 0; i < parameters_.size(); ++i) {
    check("exp_avg." + parameters_[i].name, moments_[i].mean);
    check("exp_avg_sq." + parameters_[i].name, moments_[i].square);
  }
  for (const auto& [name, tensor] : state)
    if (!wanted.contains(name)) problems.add("unexpected " + name);
  if (!problems.empty())
    fail(ErrorCode::kInput, {.id = "checkpoint.optimizer", .where = where, .what = "the moments do not fit the parameters being trained:" + problems.list()});
  for (size_t i = 0; i < parameters_.size(); ++i) {
    moments_[i].mean = state.at("exp_avg." + parameters_[i].name).clone(MemoryClass::kOptimizer);
    moments_[i].square = state.at("exp_avg_sq." + parameters_[i].name).clone(MemoryClass::kOptimizer);
  }
  updates_ = updates;
}

}  // namespace attune
